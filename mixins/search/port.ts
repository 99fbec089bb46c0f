import type { Json } from '../primitives/json.ts'

/** Values of keywords and attributes that are kept of one document; engines bound what they take. */
export const VALUES_MAX = 400

/** How an index reads its documents. Fields are members of `doc`. */
export interface IndexDefinition {
  name: string
  /** Raised when documents or words are made otherwise than before: the index then needs to be built anew. */
  revision: number
  /** Text fields with their weight, A the heaviest. A list is read as its texts, a map as its values. */
  text: Readonly<Record<string, 'A' | 'B' | 'C' | 'D'>>
  /** Exact values: a field holds one or several (a category with its ancestors). Each may be a filter and a facet. */
  keywords: readonly string[]
  /** Numbers for ranges and sorting. A document may lack one: no range takes it then, and it sorts last either way. */
  numbers: readonly string[]
  /** A keyword map: every entry `name: value` is a filter and a facet `<field>.<name>`. */
  attributes: string
  /** The number field that helps relevance: more is better. */
  popularity: string
  /** Sets of words or short phrases that mean the same. They may change without a new build. */
  synonyms: readonly (readonly string[])[]
  suggest: {
    /** The text field that names a document, and the kind its suggestions have; their id is the document's. */
    document: { field: string; kind: string }
    /** Keyword fields whose values are suggested; `label` is the field that names each value, in the same order. Without one the value names itself. */
    keywords: readonly { field: string; kind: string; label?: string }[]
  }
}

/** A document of an index. `version` orders writes of one id: only a greater one than the last is written, be it of a document or of a removal. */
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
  /** Every word must match. Text without any word is no text. */
  text?: string
  /** Field → wanted values (any of them) or a range. Fields are joined by and. */
  filters: Readonly<Record<string, readonly string[] | Range>>
  /** Fields to count; a facet ignores its own filter and obeys the others. */
  facets: readonly string[]
  /** Also count the attributes that most hits have, `FACET_ATTRIBUTES` at most, and those that are filtered by. */
  attributeFacets?: boolean
  /** `relevance` (best first; by popularity where there is no text), or a number field, descending with a leading `-`. Ties go by id. */
  sort: string
  /** The `position` of the last hit of the page before. */
  after?: readonly (string | number)[] | null
  limit: number
}

export interface SearchResult {
  hits: { id: string; position: (string | number)[] }[]
  /** Exact. */
  total: number
  /** Exact: each count is the total that choosing this value gives. At most `FACET_VALUES` of a field, most frequent first, then by value. */
  facets: Record<string, { value: string; count: number }[]>
}

export const FACET_VALUES = 100
export const FACET_ATTRIBUTES = 20

export interface Suggestion {
  text: string
  /** As the definition names it; `query` for words to search for. */
  kind: string
  /** Of a document its id, of a keyword its value where a label names it. */
  id?: string
}

/** A new index being filled beside the one that serves. Every call of a build that was taken over or given up rejects with `conflict`. */
export interface IndexBuild {
  /** As `SearchIndex.put`, into the new index alone. */
  put(documents: readonly IndexedDocument[]): Promise<void>
  /** Makes it the one that serves, at once for all nodes; what was written to the old one meanwhile is in both. */
  switch(): Promise<void>
  /** Forgets it; the old one goes on serving. */
  abandon(): Promise<void>
}

/**
 * Search: Elasticsearch, or PostgreSQL full text.
 * Promised by both: what was put is found within 2 s; equal in sets, filters, totals and facet counts. Words match without regard
 * to case and accents, by English stem and by synonym; a word of 5 letters or more that the index does not hold is read as the
 * words of the index one letter more, less, different or two neighbours swapped away (with the same first letter if there are any).
 * Not promised: equal scores, hence equal order under `relevance`; that a page after a write continues the page before it.
 * Errors: `unavailable` (503) when the engine does not answer; reads `overloaded` (503) when more is asked of it than it can answer soon.
 */
export interface SearchIndex {
  /** Writes to the index that serves, and to the one being built. */
  put(documents: readonly IndexedDocument[]): Promise<void>
  /** Removal is a write too: `version` orders it. */
  remove(documents: readonly { id: string; version: number }[]): Promise<void>
  query(query: SearchQuery): Promise<SearchResult>
  /** Documents and keywords with words that start with the words of `prefix`, frequent ones first, and up to two queries that complete it. */
  suggest(prefix: string, limit: number): Promise<Suggestion[]>
  /** Begins a new index by this definition. `conflict` while another build goes on anywhere; one that has not moved for a minute is taken over. */
  build(): Promise<IndexBuild>
  /** False when the index that serves was never filled by a build, or was built by another definition: it needs one. */
  isCurrent(): Promise<boolean>
  /** Documents held, by id ascending: for audits and recomputations. */
  scan(after: string | undefined, limit: number): Promise<IndexedDocument[]>
  /** Documents held of these ids, in no order. */
  get(ids: readonly string[]): Promise<IndexedDocument[]>
  close(): Promise<void>
}
