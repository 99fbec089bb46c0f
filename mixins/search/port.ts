import type { Json } from '../primitives/json.ts'

/** How an index reads its documents. */
export interface IndexDefinition {
  name: string
  /** Text fields with their weight, A the heaviest. */
  text: Readonly<Record<string, 'A' | 'B' | 'C' | 'D'>>
  /** Exact values: a field holds one or several (a category with its ancestors). Each may be a filter and a facet. */
  keywords: readonly string[]
  /** Numbers for ranges and sorting. */
  numbers: readonly string[]
  /** A keyword map: every entry `name: value` is a filter and a facet `<field>.<name>`. */
  attributes: string
  /** The number field that helps relevance: more is better. */
  popularity: string
  /** Sets of words that mean the same. */
  synonyms: readonly (readonly string[])[]
}

/** A document of an index. `version` orders writes of one id: an older one never overwrites a newer. */
export interface IndexedDocument {
  id: string
  version: number
  doc: Readonly<Record<string, Json>>
}

export interface Range {
  gte?: number
  lte?: number
}

export interface SearchQuery {
  text?: string
  /** Field → wanted values (any of them) or a range. Fields are joined by and. */
  filters: Readonly<Record<string, readonly string[] | Range>>
  /** Fields to count; a facet ignores its own filter and obeys the others. */
  facets: readonly string[]
  /** Also count each attribute of the matching documents. */
  attributeFacets?: boolean
  /** `relevance`, or a number field, descending with a leading `-`. Ties go by id. */
  sort: string
  /** The `position` of the last hit of the page before. */
  after?: readonly (string | number)[] | null
  limit: number
}

export interface SearchResult {
  hits: { id: string; position: (string | number)[] }[]
  /** Exact. */
  total: number
  facets: Record<string, { value: string; count: number }[]>
}

export interface Suggestion {
  text: string
  kind: 'product' | 'brand' | 'category' | 'query'
  id?: string
}

/** A new index being filled beside the one that serves. */
export interface IndexBuild {
  put(documents: readonly IndexedDocument[]): Promise<void>
  /** Makes it the one that serves, at once for all nodes; what `put`/`remove` wrote to the old one meanwhile is in both. */
  switch(): Promise<void>
  /** Forgets it; the old one goes on serving. */
  abandon(): Promise<void>
}

/**
 * Search: Elasticsearch, or PostgreSQL full text with trigrams.
 * Promised by both: what was put is found within 2 s; equal in sets, filters, totals and facet counts; words match by stem and
 * synonym, one typing error is forgiven from 5 letters. Not promised: equal scores, hence equal order under `relevance`.
 */
export interface SearchIndex {
  put(documents: readonly IndexedDocument[]): Promise<void>
  /** Removal is a write too: `version` orders it. */
  remove(documents: readonly { id: string; version: number }[]): Promise<void>
  query(query: SearchQuery): Promise<SearchResult>
  /** Completions of the start of any word of titles, brands and categories. */
  suggest(prefix: string, limit: number): Promise<Suggestion[]>
  build(): Promise<IndexBuild>
  /** Ids held, for the audit, by id ascending. */
  scan(after: string | undefined, limit: number): Promise<{ id: string; version: number; doc: Readonly<Record<string, Json>> }[]>
}
