import type { Queryable } from '../postgres/database.ts'
import { FACET_VALUES, type SearchQuery, type SearchResult } from './port.ts'
import type { SearchRow, SearchStatement } from './postgres-query.ts'

/** Number → what it stands for, as far as this thread has met it. Numbers of one generation keep their meaning. */
export class TagNames {
  readonly generation: number
  readonly #table: string
  readonly #names: ({ field: string; value: string } | undefined)[] = []

  constructor(generation: number, table: string) {
    this.generation = generation
    this.#table = table
  }

  of(number: number): { field: string; value: string } | undefined {
    return this.#names[number]
  }

  /** Learns the numbers given since; they are given in order, for writes go one after another. */
  async learn(db: Queryable): Promise<void> {
    const rows = await db.query<{ id: number; field: string; value: string }>(`SELECT id, field, value FROM ${this.#table} WHERE id > $1 ORDER BY id`, [this.#names.length - 1])
    for (const { id, field, value } of rows) this.#names[id] = { field, value }
  }
}

/** How often each number occurs. */
export type Counts = Map<number, number>

/** Reused from search to search: a search counts in one go, without waiting in between. */
let counters = new Uint32Array(4_096)

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Counts tag numbers that come once per hit, four little-endian bytes each. */
export function tally(bytes: Buffer | null): Counts {
  if (!bytes) return new Map()
  const view = viewOf(bytes)
  const met: number[] = []
  for (let at = 0; at < bytes.length; at += 4) {
    const number = view.getInt32(at, true)
    if (number >= counters.length) counters = grown(counters, number)
    if (counters[number]!++ === 0) met.push(number)
  }
  const counts: Counts = new Map()
  for (const number of met) {
    counts.set(number, counters[number]!)
    counters[number] = 0
  }
  return counts
}

function grown(old: Uint32Array<ArrayBuffer>, number: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 ** Math.ceil(Math.log2(number + 1)))
  larger.set(old)
  return larger
}

/** Counts that come as pairs of number and count, four big-endian bytes each. */
export function pairs(bytes: Buffer | null): Counts {
  if (!bytes) return new Map()
  const view = viewOf(bytes)
  const counts: Counts = new Map()
  for (let at = 0; at < bytes.length; at += 8) counts.set(view.getInt32(at), view.getInt32(at + 4))
  return counts
}

/** The counts of a search's answer: under `''` those of the hits, under a filtered field those without its own filter. */
export function countsOf(row: SearchRow, { without, totals }: SearchStatement): Map<string, Counts> {
  const read = (column: `f${string}`): Counts => (totals.has(column) ? pairs : tally)(row[column] ?? null)
  return new Map([['', read('f')], ...[...without].map(([field, column]) => [field, read(column)] as const)])
}

const byCount = (a: { value: string; count: number }, b: { value: string; count: number }): number => b.count - a.count || (a.value < b.value ? -1 : 1)

/** Facets from counts: a filtered field's from the counts without its own filter, any other's from those of the hits. */
export function facetsOf(counts: ReadonlyMap<string, Counts>, names: TagNames, { facets, attributeFacets }: SearchQuery, attributes: string): SearchResult['facets'] {
  const wanted = (field: string): boolean => facets.includes(field) || (attributeFacets === true && field.startsWith(`${attributes}.`))
  const result: SearchResult['facets'] = Object.fromEntries(facets.map((field) => [field, []]))
  for (const [filtered, numbers] of counts) {
    for (const [number, count] of numbers) {
      const { field, value } = names.of(number) ?? { field: '', value: '' }
      if (!wanted(field) || (filtered === '' ? counts.has(field) : field !== filtered)) continue
      result[field] ??= []
      result[field].push({ value, count })
    }
  }
  for (const field of Object.keys(result)) result[field] = result[field]!.sort(byCount).slice(0, FACET_VALUES)
  return result
}
