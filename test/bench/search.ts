// Search through the port against the same statements through the bare driver, in one run: node test/bench/search.ts [products …]
// Prints, for kinds of queries and sizes of catalogues, searches a second and latencies with four under way.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startPostgres } from '../../infra/embedded/postgres.ts'
import { Database } from '../../mixins/postgres/database.ts'
import { migrate } from '../../mixins/postgres/migrate.ts'
import type { IndexedDocument, SearchQuery } from '../../mixins/search/port.ts'
import { searchStatement } from '../../mixins/search/postgres-query.ts'
import { PostgresSearch } from '../../mixins/search/postgres-search.ts'
import { generationsOf, type Generation } from '../../mixins/search/postgres-tables.ts'
import { parseText, Synonyms } from '../../mixins/search/text-query.ts'
import { productIndex } from '../../services/search/product-index.ts'

const IN_FLIGHT = 4
const ROUNDS = 3
const ROUND_MS = 1_500

let state = 7
function random(): number {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
const syllables = ['ba', 'lo', 'mi', 'ter', 'run', 'sto', 'vel', 'ka', 'pri', 'dex', 'on', 'ar', 'qui', 'sel', 'tro', 'nim', 'fa', 'gu', 'hy', 'zed']
const newWord = (): string => Array.from({ length: 3 }, () => pick(syllables)).join('')
const vocabulary = Array.from({ length: 5_000 }, newWord)
const brands = Array.from({ length: 200 }, (_, i) => `Brand ${newWord()} ${i}`)
const nouns = Array.from({ length: 60 }, newWord)
/** Few words are frequent, most are rare. */
const word = (): string => vocabulary[Math.floor(vocabulary.length * random() ** 3)]!

function product(i: number): IndexedDocument {
  const leaf = Math.floor(nouns.length * random() ** 1.5)
  const category = [`department-${Math.floor(leaf / 20)}`, `aisle-${Math.floor(leaf / 5)}`, `leaf-${leaf}`]
  return {
    id: `0190f000-0000-7000-8000-${String(i).padStart(12, '0')}`,
    version: 1,
    doc: {
      title: `${word()} ${word()} ${nouns[leaf]} ${word()} ${i}`, brand: pick(brands), category, categoryName: category.map((c) => c.replace('-', ' ')),
      description: Array.from({ length: 40 }, word).join(' '), seller: Array.from({ length: 1 + Math.floor(random() * 3) }, () => `seller-${Math.floor(random() * 300)}`),
      attr: Object.fromEntries(['color', 'size', 'material', 'power'].slice(0, 3 + Math.floor(random() * 2)).map((name, j) => [name, `${j < 2 ? '' : `${leaf} `}${Math.floor(random() * 8)}`])),
      price: 500 + Math.floor(random() * 100_000), rating: Math.floor(random() * 50) / 10, createdAt: 1.7e12 + i * 1_000, popularity: Math.floor(random() ** 4 * 1_000)
    }
  }
}

interface Kind {
  name: string
  queries: SearchQuery[]
  matching: string
}

const ask = (query: Partial<SearchQuery>): SearchQuery => ({ filters: {}, facets: ['brand', 'category', 'seller'], attributeFacets: true, sort: 'relevance', limit: 21, ...query })

/** Queries by the share of the catalogue that their text matches. */
async function kinds(index: PostgresSearch, size: number): Promise<Kind[]> {
  const counted = await Promise.all([...new Set(Array.from({ length: 400 }, word))].slice(0, 300).map(async (text) => ({ text, share: (await index.query(ask({ text, facets: [], attributeFacets: false, limit: 1 }))).total / size })))
  const words = (from: number, to: number): string[] => counted.filter(({ share }) => share > from && share <= to).map(({ text }) => text)
  const kind = (name: string, texts: (string | undefined)[], more: () => Partial<SearchQuery> = () => ({})): Kind => {
    const shares = texts.map((text) => counted.find((c) => c.text === text)?.share ?? 1)
    const percent = (share: number): string => `${(share * 100).toFixed(share < 0.01 ? 2 : 1)} %`
    return { name, queries: texts.map((text) => ask({ ...(text ? { text } : {}), ...more() })), matching: texts.length === 0 ? '–' : `${percent(Math.min(...shares))} … ${percent(Math.max(...shares))}` }
  }
  const few = words(0, 0.01)
  const some = words(0.01, 0.1)
  const many = words(0.1, 1)
  const times = (n: number): undefined[] => Array.from({ length: n }, () => undefined)
  return [
    kind('word', few), kind('word', some), kind('word', many),
    kind('word, brand', some, () => ({ filters: { brand: [pick(brands)] } })),
    kind('word, price, by price', some, () => ({ filters: { price: { gte: 10_000, lte: 60_000 } }, sort: 'price' })),
    kind('category', times(20), () => ({ filters: { category: [`aisle-${Math.floor(random() * 12)}`] } })),
    kind('category, price', times(20), () => ({ filters: { category: [`leaf-${Math.floor(random() * 60)}`], price: { gte: 10_000, lte: 60_000 } } })),
    kind('all', times(1)),
    kind('price', times(5), () => ({ filters: { price: { gte: 500, lte: 50_000 + Math.floor(random() * 50_000) } } }))
  ].filter(({ queries }) => queries.length > 0)
}

/** Runs `one` again and again, four under way, for a while; latencies in milliseconds. */
async function drive(queries: readonly SearchQuery[], one: (query: SearchQuery, lane: number) => Promise<unknown>): Promise<number[]> {
  const took: number[] = []
  const end = performance.now() + ROUND_MS
  let next = 0
  await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, lane) => {
    while (performance.now() < end) {
      const from = performance.now()
      await one(queries[next++ % queries.length]!, lane)
      took.push(performance.now() - from)
    }
  }))
  return took
}

const at = (sorted: readonly number[], share: number): string => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1)

async function measure({ name, queries, matching }: Kind, index: PostgresSearch, clients: readonly pg.Client[], live: Generation): Promise<void> {
  const none = new Synonyms(productIndex.synonyms)
  const bare = async (query: SearchQuery, lane: number): Promise<void> => {
    const { text, values } = searchStatement(query, live, parseText(query.text ?? '', none))
    await clients[lane]!.query({ name: `b${hash(text)}`, text, values })
  }
  const port = (query: SearchQuery): Promise<unknown> => index.query(query)
  const [viaPort, viaDriver]: [number[], number[]] = [[], []]
  await drive(queries, port)
  await drive(queries, bare)
  for (let round = 0; round < ROUNDS; round++) {
    viaPort.push(...(await drive(queries, port)))
    viaDriver.push(...(await drive(queries, bare)))
  }
  viaPort.sort((a, b) => a - b)
  viaDriver.sort((a, b) => a - b)
  const rate = (took: readonly number[]): string => String(Math.round((took.length * 1_000) / (ROUNDS * ROUND_MS))).padStart(5)
  console.log(
    `  ${name.padEnd(22)} ${matching.padEnd(18)} port ${rate(viaPort)}/s p50 ${at(viaPort, 0.5).padStart(6)} p95 ${at(viaPort, 0.95).padStart(6)} ms   ` +
      `driver ${rate(viaDriver)}/s p50 ${at(viaDriver, 0.5).padStart(6)} p95 ${at(viaDriver, 0.95).padStart(6)} ms   ${(viaPort.length / viaDriver.length).toFixed(2)}×`
  )
}

const names = new Map<string, number>()
const hash = (text: string): number => names.get(text) ?? (names.set(text, names.size), names.size - 1)

async function bench(url: string, size: number): Promise<void> {
  const index = new PostgresSearch(new Database(url, 'search'), productIndex)
  const from = performance.now()
  const build = await index.build()
  for (let i = 0; i < size; i += 500) await build.put(Array.from({ length: Math.min(500, size - i) }, (_, j) => product(i + j)))
  await build.switch()
  const seconds = (performance.now() - from) / 1_000
  console.log(`${size.toLocaleString('en')} products, built in ${seconds.toFixed(1)} s (${Math.round(size / seconds)}/s)`)
  const clients = await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return client
  }))
  const [live] = await generationsOf({ query: async (text, values) => (await clients[0]!.query(text, values as unknown[])).rows as never }, productIndex.name)
  for (const kind of await kinds(index, size)) await measure(kind, index, clients, live!)
  await Promise.all(clients.map((client) => client.end()))
  await index.close()
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'souk-bench-'))
chmodSync(dir, 0o755)
const server = await startPostgres({ dir: join(dir, 'postgres') })
try {
  const url = `${server.url}/postgres`
  await migrate({ main: url, orders: [] }, [`${root}mixins`], `${root}mixins`)
  for (const size of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 100_000]) await bench(url, size)
} finally {
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}
