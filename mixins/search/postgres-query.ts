import type { IndexDefinition, SearchQuery } from './port.ts'
import { numberColumn, tablesOf, type Generation, type Tables } from './postgres-tables.ts'
import { isRange, isWanted } from './query.ts'
import type { Demand } from './text-query.ts'

/** What the statement of a search answers: one row. */
export interface SearchRow {
  /** The generation that serves, as this statement's snapshot sees it; null when there is none. */
  live: number | null
  total: number
  page: [id: string, key: number][] | null
  /** Numbers of tags, as the statement's `counts` say. */
  [counts: `f${number}`]: Buffer | null
}

/** A statement of one search. Its text depends on the form of the query alone, so that plans are kept; what was asked is in `values`. */
export interface SearchStatement {
  text: string
  values: unknown[]
  /** Columns of tag numbers: of the hits, and of what is hit without the own filter of a field. `kept`: as pairs of number and count. */
  counts: { column: `f${number}`; kept: boolean; without: string | null }[]
}

/** Sorts behind every number, in either direction. */
const LAST = '-1.7976931348623157e308'


/** PostgreSQL takes `7e5f` for a number and a word, and would want them side by side, which the index does not know. */
const apart = (word: string): string => word.replace(/^(\d+e\d+)(?=\p{L})/u, '$1 & ')

/** The query as PostgreSQL's own text: words are letters and digits only, so nothing in them can be an operator. */
export const tsqueryText = (demands: readonly Demand[]): string =>
  demands.map(({ any }) => `(${any.map((all) => `(${all.map(apart).join(' & ')})`).join(' | ')})`).join(' & ')

class Values {
  readonly list: unknown[] = []
  add(value: unknown, type: string): string {
    this.list.push(value)
    return `$${this.list.length}::${type}`
  }
}

/** A sort as a number that falls: best first, then by id. A field that this generation does not have yet is one that no document has. */
function sortKey(sort: string, { numbers }: IndexDefinition, ranked: boolean): string {
  // Each word that the heavier texts hold counts by itself; a hit in a lighter text alone still ranks by its popularity.
  if (sort === 'relevance') return ranked ? '(boost * (0.05 + ts_rank(head, (SELECT words FROM q), 1)))::float8' : 'boost'
  const descending = sort.startsWith('-')
  const field = descending ? sort.slice(1) : sort
  return !numbers.includes(field) ? `${LAST}::float8` : `coalesce(${descending ? '' : '-'}${numberColumn(field)}, ${LAST})`
}

/** Conditions of a query: the text, each keyword filter, all ranges together. */
interface Conditions {
  text: string | null
  keywords: { field: string; condition: string }[]
  ranges: string[]
  ctes: string[]
}

function conditionsOf({ filters }: SearchQuery, { numbers }: IndexDefinition, demands: readonly Demand[], tag: string, values: Values): Conditions {
  const conditions: Conditions = { text: null, keywords: [], ranges: [], ctes: [] }
  if (demands.length > 0) {
    const [all, any] = [tsqueryText(demands), [...new Set(demands.flatMap((demand) => demand.any.flat()))].join(' | ')]
    conditions.ctes.push(`q AS MATERIALIZED (SELECT to_tsquery('search.english', ${values.add(all, 'text')}) AS q, to_tsquery('search.english', ${values.add(any, 'text')}) AS words)`)
    conditions.text = 'words @@ (SELECT q FROM q)'
  }
  for (const [field, filter] of Object.entries(filters)) {
    if (isRange(filter)) {
      if (!numbers.includes(field)) conditions.ranges.push('false')
      else conditions.ranges.push(`${numberColumn(field)} BETWEEN ${values.add(filter.gte ?? -Number.MAX_VALUE, 'float8')} AND ${values.add(filter.lte ?? Number.MAX_VALUE, 'float8')}`)
      continue
    }
    const name = `t${conditions.keywords.length}`
    conditions.ctes.push(`${name} AS MATERIALIZED (SELECT array_agg(id) AS ids FROM ${tag} WHERE field = ${values.add(field, 'text')} AND value = ANY(${values.add(filter, 'text[]')}))`)
    conditions.keywords.push({ field, condition: `tags && (SELECT ids FROM ${name})` })
  }
  return conditions
}

/** All conditions, or all but those of one keyword field; null when nothing is asked and every document is a hit. */
function whereOf({ text, keywords, ranges }: Conditions, except?: string): string | null {
  const indexed = [...(text ? [text] : []), ...keywords.filter((k) => k.field !== except).map((k) => k.condition)]
  const all = [...indexed, ...ranges, ...(indexed.length === 0 ? ['NOT removed'] : [])] // a tombstone has neither words nor tags
  return all.length === 1 && indexed.length === 0 ? null : all.join(' AND ')
}

/** What has these conditions, counted: numbers of tags of every document, or where nothing restricts them the counts kept with the tags. */
interface Count {
  sql: string
  kept: boolean
}

const PACKED = `string_agg(facets, ''::bytea)`
const KEPT = `string_agg(int4send(id) || int4send(count::integer), ''::bytea) FILTER (WHERE id > 0 AND count > 0)`

/** For each filtered keyword field that is also a facet: counts of what meets all conditions but its own. */
function countsWithout(conditions: Conditions, wanted: (field: string) => boolean, { main, tag }: Tables, values: Values): Map<string, Count> {
  const counts = new Map<string, Count>()
  for (const { field } of conditions.keywords.filter((k) => wanted(k.field))) {
    const where = whereOf(conditions, field)
    counts.set(field, { sql: where ? `(SELECT ${PACKED} FROM ${main} WHERE ${where})` : `(SELECT ${KEPT} FROM ${tag} WHERE field = ${values.add(field, 'text')})`, kept: where === null })
  }
  return counts
}

/**
 * The one statement of a search in one generation: hits, their number, a page of them in order, and the numbers of their tags;
 * the same again without its own filter for each filtered field that is also a facet.
 */
export function searchStatement(query: SearchQuery, { slot, definition }: Generation, demands: readonly Demand[]): SearchStatement {
  const tables = tablesOf(definition, slot)
  const values = new Values()
  const conditions = conditionsOf(query, definition, demands, tables.tag, values)
  const where = whereOf(conditions)
  const key = sortKey(query.sort, definition, demands.length > 0)
  const hits = `SELECT id, facets, ${key} AS key FROM ${tables.main} WHERE ${where ?? 'NOT removed'}`
  const [from, after] = query.after ?? [Number.MAX_VALUE, '']
  const bound = values.add(from, 'float8')
  const page = `SELECT id, key FROM ${where ? 'hits' : `(${hits}) AS hits`}
    WHERE key <= ${bound} AND (key < ${bound} OR id > ${values.add(after, 'text')}) ORDER BY key DESC, id LIMIT ${values.add(query.limit, 'integer')}`
  const own = countsWithout(conditions, isWanted(query, definition), tables, values)
  const counts: Count[] = query.facets.length > 0 || query.attributeFacets ? [{ sql: where ? PACKED : KEPT, kept: where === null }, ...own.values()] : []
  const columns = [
    `(SELECT generation FROM search.generation WHERE index = ${values.add(definition.name, 'text')} AND state = 'live') AS live`,
    `(SELECT json_agg(json_build_array(id, key) ORDER BY key DESC, id) FROM page) AS page`,
    `${where ? 'count(*)' : '(sum(count) FILTER (WHERE id = 0))::bigint'} AS total`,
    ...counts.map(({ sql }, i) => `${sql} AS f${i}`)
  ]
  const ctes = [...conditions.ctes, ...(where ? [`hits AS MATERIALIZED (${hits})`] : []), `page AS (${page})`]
  return {
    text: `WITH ${ctes.join(', ')} SELECT ${columns.join(', ')} FROM ${where ? 'hits' : tables.tag}`,
    values: values.list,
    counts: counts.map(({ kept }, i) => ({ column: `f${i}`, kept, without: i === 0 ? null : [...own.keys()][i - 1]! }))
  }
}

/** Marks typed words that the index does not hold, and gives words that share letters with them. */
export function unknownWordsStatement({ slot, definition }: Pick<Generation, 'slot' | 'definition'>): string {
  const { main, word } = tablesOf(definition, slot)
  return `
  SELECT t.typed, t.stem, c.word, c.stem AS "wordStem"
  FROM (SELECT typed, search.stem(typed) AS stem, to_tsquery('search.english', demand) AS q FROM unnest($1::text[], $2::text[]) AS i (typed, demand)) AS t
  LEFT JOIN ${word} c ON c.deletions && (search.deletions(t.typed) || search.deletions(t.stem))
  WHERE NOT EXISTS (SELECT FROM ${main} WHERE words @@ t.q)`
}

/**
 * Documents and values whose words start with the words asked for. Where those are short, and so many match, the most popular
 * documents are looked through first: most of the time they are enough, and the index is not read.
 */
export function suggestStatement({ slot, definition }: Pick<Generation, 'slot' | 'definition'>, short: boolean): string {
  const { source, tag } = tablesOf(definition, slot)
  const hit = 'names @@ (SELECT q FROM q)'
  const documents = short
    ? `(SELECT id, title FROM top WHERE ${hit} ORDER BY popularity DESC LIMIT $2)
       UNION ALL (SELECT id, title FROM ${source} WHERE ${hit} AND (SELECT count(*) FROM top) = ${TOP} AND (SELECT count(*) FROM (SELECT FROM top WHERE ${hit} LIMIT $2) AS enough) < $2
         AND popularity <= (SELECT min(popularity) FROM top) AND id NOT IN (SELECT id FROM top) ORDER BY popularity DESC LIMIT $2)`
    : `SELECT id, title FROM ${source} WHERE ${hit} ORDER BY popularity DESC LIMIT $2`
  return `
  WITH q AS MATERIALIZED (SELECT to_tsquery('search.plain', $1) AS q)${short ? `, top AS MATERIALIZED (SELECT id, title, names, popularity FROM ${source} ORDER BY popularity DESC LIMIT ${TOP})` : ''}
  SELECT (SELECT generation FROM search.generation WHERE index = $3 AND state = 'live') AS live,
    (SELECT json_agg(json_build_array(kind, label, value, count)) FROM (SELECT kind, label, value, count FROM ${tag} WHERE ${hit} AND count > 0 ORDER BY count DESC, value LIMIT $2) AS v) AS keywords,
    (SELECT json_agg(json_build_array(id, title)) FROM (${documents}) AS d) AS documents`
}

/** Documents that meet `condition` on their id, $1, by id; $2 at most. */
export function documentsStatement({ slot, definition }: Pick<Generation, 'slot' | 'definition'>, condition: 'id > $1' | 'id = ANY($1)'): string {
  const { main, source } = tablesOf(definition, slot)
  return `
  SELECT (SELECT generation FROM search.generation WHERE index = $3 AND state = 'live') AS live,
    (SELECT json_agg(json_build_object('id', id, 'version', version, 'doc', doc) ORDER BY id)
     FROM (SELECT id, version, doc FROM ${source} JOIN ${main} USING (id) WHERE ${condition} ORDER BY id LIMIT $2) AS d) AS documents`
}

/** Documents looked through for a short prefix. */
const TOP = 500
