import type { estypes } from '@elastic/elasticsearch'
import { shown, type FacetValues } from './facets.ts'
import { keywordField, labelField, numberField, SEPARATOR, startsOf } from './elastic-index.ts'
import { FACET_VALUES, type IndexDefinition, type SearchQuery, type SearchResult } from './port.ts'
import { isRange, isWanted } from './query.ts'
import type { SuggestedKeyword } from './suggestions.ts'
import type { Demand, Unknown } from './text-query.ts'
import { isCorrection } from './words.ts'

// Searches as the engine's own structures: whatever a caller typed is a value in them, never a part of a language.

/** Names and values of attributes looked at in one search; what lies beyond is rarer than all of them. */
const ATTRIBUTES_MAX = 10_000
/** Words of the index looked at for one that was mistyped. */
const CANDIDATES_MAX = 50
const LABELS_MAX = 200

type Query = NonNullable<estypes.SearchRequest['query']>
type Aggregations = Record<string, estypes.AggregationsAggregationContainer>

const held: Query = { term: { removed: false } }

const demandQuery = ({ any }: Demand): Query => ({
  bool: { should: any.map((all): Query => ({ match: { words: { query: all.join(' '), operator: 'and' } } })), minimum_should_match: 1 }
})

/** Words in the heavier texts count by themselves; a hit in a lighter text alone still ranks by its popularity. */
function ranked(demands: readonly Demand[], filter: Query[]): Query {
  const words = [...new Set(demands.flatMap(({ any }) => any.flat()))].join(' ')
  const should: Query[] = [{ multi_match: { query: words, type: 'most_fields', fields: ['a', 'b^0.4', 'c^0.2'] } }, { constant_score: { filter: { match_all: {} }, boost: 0.05 } }]
  return { function_score: { query: { bool: { filter, should } }, functions: [{ field_value_factor: { field: 'boost', missing: 1 } }], boost_mode: 'multiply' } }
}

/** A filter by values, and the field that has them. */
interface KeywordFilter {
  field: string
  query: Query
}

const attributeOf = (field: string, { attributes }: IndexDefinition): string | null => (field.startsWith(`${attributes}.`) ? field.slice(attributes.length + 1) : null)

function keywordFilter(field: string, values: readonly string[], definition: IndexDefinition): KeywordFilter {
  const attribute = attributeOf(field, definition)
  return { field, query: attribute === null ? { terms: { [keywordField(field)]: [...values] } } : { terms: { attrs: values.map((value) => `${attribute}${SEPARATOR}${value}`) } } }
}

function sortOf(sort: string, hasText: boolean): estypes.SortCombinations[] {
  if (sort === 'relevance') return [hasText ? { _score: { order: 'desc' } } : { boost: { order: 'desc' } }, { id: { order: 'asc' } }]
  const descending = sort.startsWith('-')
  return [{ [numberField(descending ? sort.slice(1) : sort)]: { order: descending ? 'desc' : 'asc', missing: '_last', unmapped_type: 'double' } }, { id: { order: 'asc' } }]
}

/** A text as it stands in the engine's regular expressions. */
const literal = (text: string): string => text.replace(/[.?+*|{}[\]()"\\#@&<>~^$-]/g, '\\$&')

/** What counts the values of a field; of all attributes together for null. */
function valuesOf(field: string | null, definition: IndexDefinition): estypes.AggregationsAggregationContainer {
  const attribute = field === null ? null : attributeOf(field, definition)
  if (field !== null && attribute === null) return { terms: { field: keywordField(field), size: FACET_VALUES } }
  return { terms: { field: 'attrs', size: ATTRIBUTES_MAX, ...(attribute === null ? {} : { include: `${literal(attribute)}${SEPARATOR}.*` }) } }
}

const under = (filters: readonly KeywordFilter[], aggregations: Aggregations): estypes.AggregationsAggregationContainer => ({ filter: { bool: { filter: filters.map(({ query }) => query) } }, aggs: aggregations })

/**
 * One search: hits by text and ranges, of which filters by value leave those that are shown, and counts of values, for each filtered
 * field without its own filter.
 */
export function searchBody(query: SearchQuery, definition: IndexDefinition, demands: readonly Demand[]): estypes.SearchRequest {
  const entries = Object.entries(query.filters)
  const filters = entries.flatMap(([field, filter]) => (isRange(filter) ? [] : [keywordFilter(field, filter, definition)]))
  const ranges = entries.flatMap(([field, filter]): Query[] => (isRange(filter) ? [{ range: { [numberField(field)]: filter } }] : []))
  const wanted = isWanted(query, definition)
  const counted = query.facets.length > 0 || query.attributeFacets === true
  const matching = [held, ...demands.map(demandQuery), ...ranges, ...(counted ? [] : filters.map((f) => f.query))]
  return {
    query: query.sort === 'relevance' && demands.length > 0 ? ranked(demands, matching) : { bool: { filter: matching } },
    ...(counted && filters.length > 0 ? { post_filter: { bool: { filter: filters.map((f) => f.query) } } } : {}),
    ...(counted ? { aggs: countsOf(query, definition, filters, wanted) } : {}),
    sort: sortOf(query.sort, demands.length > 0),
    ...(query.after ? { search_after: [...query.after] } : {}),
    size: query.limit,
    track_total_hits: true,
    _source: false
  }
}

/** `all`: fields that are not filtered by, under all filters; `without <field>`: each other one under the filters but its own. */
function countsOf({ facets, attributeFacets }: SearchQuery, definition: IndexDefinition, filters: readonly KeywordFilter[], wanted: (field: string) => boolean): Aggregations {
  const free = facets.filter((field) => !filters.some((f) => f.field === field))
  const all: Aggregations = Object.fromEntries(free.map((field) => [`of ${field}`, valuesOf(field, definition)]))
  if (attributeFacets) all['attributes'] = valuesOf(null, definition)
  const own = filters.filter(({ field }) => wanted(field)).map(({ field }) => [`without ${field}`, under(filters.filter((f) => f.field !== field), { values: valuesOf(field, definition) })] as const)
  return { ...(Object.keys(all).length > 0 ? { all: under(filters, all) } : {}), ...Object.fromEntries(own) }
}

interface Buckets {
  buckets: { key: string; doc_count: number }[]
}
type Counted = Record<string, Record<string, Buckets | number>>

/** The facets that a search asked for, from what it answered. */
export function facetsOf({ facets, filters }: SearchQuery, definition: IndexDefinition, aggregations: unknown): SearchResult['facets'] {
  const counts = (aggregations ?? {}) as Counted
  const asked = new Map<string, FacetValues>()
  for (const [name, { values }] of Object.entries(counts)) if (name.startsWith('without ')) asked.set(name.slice('without '.length), listOf(values as Buckets))
  for (const [name, value] of Object.entries(counts['all'] ?? {})) if (name.startsWith('of ')) asked.set(name.slice('of '.length), listOf(value as Buckets))
  const others = new Map<string, FacetValues>()
  for (const { key, doc_count } of (counts['all']?.['attributes'] as Buckets | undefined)?.buckets ?? []) {
    const [attribute, value] = key.split(SEPARATOR) as [string, string]
    const field = `${definition.attributes}.${attribute}`
    if (filters[field] || asked.has(field)) continue // counted by itself
    const list = others.get(field)
    if (list) list.push({ value, count: doc_count })
    else others.set(field, [{ value, count: doc_count }])
  }
  const result: SearchResult['facets'] = { ...Object.fromEntries(facets.map((field) => [field, []])), ...shown(others, definition.attributes) }
  for (const [field, list] of asked) if (list.length > 0) Object.assign(result, shown(new Map([[field, list]]), definition.attributes))
  return result
}

/** Values of an attribute come with its name in front. */
const listOf = ({ buckets }: Buckets): FacetValues => buckets.map(({ key, doc_count }) => ({ value: key.slice(key.indexOf(SEPARATOR) + 1), count: doc_count }))

/** How many documents hold each typed word, and words of the index that are like it, whole and as stems. */
export const correctionsBody = (typed: readonly string[]): estypes.SearchRequest => {
  const like = (field: string): estypes.SearchTermSuggester => ({ field, suggest_mode: 'always', max_edits: 1, prefix_length: 0, min_word_length: 4, size: CANDIDATES_MAX, shard_size: CANDIDATES_MAX, max_inspections: 100, sort: 'frequency' })
  const suggest: Record<string, estypes.SearchFieldSuggester> = {}
  typed.forEach((word, i) => {
    suggest[`stem ${i}`] = { text: word, term: like('words') }
    suggest[`word ${i}`] = { text: word, term: like('plain') }
  })
  const filters = Object.fromEntries(typed.map((word, i): [string, Query] => [String(i), { match: { words: word } }]))
  return { size: 0, query: held, suggest, aggs: { holding: { filters: { filters } } } }
}

interface Entry {
  text: string
  options: { text: string }[]
}

/** The typed words that the index does not hold, with those of its words that are like them. */
export function unknownsOf(typed: readonly string[], { suggest, aggregations }: { suggest?: unknown; aggregations?: unknown }): Map<string, Unknown> {
  const found = (suggest ?? {}) as Record<string, Entry[]>
  const { buckets } = (aggregations as { holding: { buckets: Record<string, { doc_count: number }> } }).holding
  const unknown = new Map<string, Unknown>()
  typed.forEach((word, i) => {
    const [stem, more] = found[`stem ${i}`] ?? []
    if (!stem || more || buckets[i]!.doc_count > 0) return // not one word to the engine, or a known one
    const stems = stem.options.map(({ text }) => ({ word: text, stem: text }))
    const words = (found[`word ${i}`]?.[0]?.options ?? []).filter(({ text }) => isCorrection(text)).map(({ text }) => ({ word: text, stem: '' }))
    unknown.set(word, { typed: word, stem: stem.text, candidates: [...words, ...stems] })
  })
  return unknown
}

/** Documents and labels with words that start with all of these; null for a prefix without words. */
export function suggestBody(prefix: string, limit: number, { suggest }: IndexDefinition): { starts: string[]; body: estypes.SearchRequest } | null {
  const starts = startsOf(prefix)
  if (starts.length === 0) return null
  const beginning = (field: string): Query[] => [held, ...starts.map((start): Query => ({ prefix: { [field]: start } }))]
  const longest = starts.reduce((a, b) => (b.length > a.length ? b : a))
  const labels: Aggregations = Object.fromEntries(
    suggest.keywords.map(({ field, kind }) => [kind, { terms: { field: labelField(field), size: LABELS_MAX, include: `([^${SEPARATOR}]* )?${literal(longest)}[^${SEPARATOR}]*${SEPARATOR}.*` } }])
  )
  return {
    starts,
    body: {
      query: { bool: { filter: beginning('names') } },
      sort: [{ popularity: { order: 'desc' } }, { id: { order: 'asc' } }],
      size: limit,
      track_total_hits: false,
      _source: ['title'],
      aggs: { everything: { global: {}, aggs: { labels: { filter: { bool: { filter: beginning('labels') } }, aggs: labels } } } }
    }
  }
}

/** The labels of which each start begins a word, most frequent first. */
export function keywordsOf(starts: readonly string[], { suggest }: IndexDefinition, aggregations: unknown): SuggestedKeyword[] {
  const { labels } = (aggregations as { everything: { labels: Record<string, Buckets> } }).everything
  const found = suggest.keywords.flatMap(({ kind }) =>
    (labels[kind]?.buckets ?? []).flatMap(({ key, doc_count }): SuggestedKeyword[] => {
      const [spelled, label, value] = key.split(SEPARATOR) as [string, string, string]
      const words = spelled.split(' ')
      return starts.every((start) => words.some((word) => word.startsWith(start))) ? [[kind, label, value, doc_count]] : []
    })
  )
  return found.sort((a, b) => b[3] - a[3] || (a[2] < b[2] ? -1 : 1))
}
