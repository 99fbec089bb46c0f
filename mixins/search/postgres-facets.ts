import type { Queryable } from '../postgres/database.ts'
import { shown, type FacetValues } from './facets.ts'
import type { SearchResult } from './port.ts'
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

/** Two bytes of this say that four bytes follow. */
const LONG = 0xffff

/** Tag numbers in two bytes each, little-endian; those that do not fit in six. */
export function pack(numbers: readonly number[]): Buffer {
  const halves = numbers.flatMap((n) => (n < LONG ? [n] : [LONG, n & 0xffff, n >>> 16]))
  return Buffer.from(Uint16Array.from(halves).buffer)
}

/** Reused from search to search: a search counts in one go, without waiting in between. */
let counters = new Uint32Array(4_096)

/** Counts the numbers of many documents, packed one after another. */
function tally(bytes: Buffer | null): Counts {
  const counts: Counts = new Map()
  if (!bytes) return counts
  const halves = new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  const met: number[] = []
  for (let at = 0; at < halves.length; at++) {
    let number = halves[at]!
    if (number === LONG) {
      number = halves[at + 1]! + halves[at + 2]! * 0x10000
      at += 2
    }
    if (number >= counters.length) counters = grown(counters, number)
    if (counters[number]!++ === 0) met.push(number)
  }
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
function pairs(bytes: Buffer | null): Counts {
  if (!bytes) return new Map()
  const counts: Counts = new Map()
  for (let at = 0; at < bytes.length; at += 8) counts.set(bytes.readInt32BE(at), bytes.readInt32BE(at + 4))
  return counts
}

/** The counts of a search's answer: under `''` those of the hits, under a filtered field those without its own filter. */
export const countsOf = (row: SearchRow, { counts }: SearchStatement): Map<string, Counts> =>
  new Map(counts.map(({ column, kept, without }) => [without ?? '', (kept ? pairs : tally)(row[column] ?? null)]))

/**
 * Facets from counts: a filtered field's from the counts without its own filter, any other's from those of the hits. Null when
 * one of the numbers is not known yet.
 */
export function facetsOf(counts: ReadonlyMap<string, Counts>, names: TagNames, wanted: (field: string) => boolean, attributes: string): SearchResult['facets'] | null {
  const result: SearchResult['facets'] = {}
  for (const [filtered, numbers] of counts) {
    const lists = new Map<string, FacetValues | null>()
    for (const [number, count] of numbers) {
      const name = names.of(number)
      if (!name) return null
      const { field, value } = name
      let list = lists.get(field)
      if (list === undefined) lists.set(field, (list = wanted(field) && (filtered === '' ? !counts.has(field) : field === filtered) ? [] : null))
      list?.push({ value, count })
    }
    Object.assign(result, shown(lists, attributes))
  }
  return result
}
