import { generationsOf } from '../../../mixins/search/postgres-tables.ts'
import { searchStatement } from '../../../mixins/search/postgres-query.ts'
import { parseText, Synonyms } from '../../../mixins/search/text-query.ts'
import { productIndex } from '../../../services/search/product-index.ts'
import { toQuery } from '../../../services/search/search.ts'
import { expectStatus, type HttpClient } from '../load/http-client.ts'
import { pick, randomOf } from '../load/random.ts'
import { bareHttp } from '../reference.ts'
import type { Scenario, Side } from '../scenario.ts'
import type { Inside } from '../shop.ts'
import { pagesOf } from './product-pages.ts'

/** Of all queries, those that match at most 1 % of the products; the others match at most 10 %. */
const RARE_SHARE = 0.8
const RARE = 0.01
const SOME = 0.1
/** Distinct queries of the mix, at most: more than a shop answers from its cache of a second. */
const QUERIES_MAX = 2_000
const PROBES_MAX = 1_500

const pathOf = (q: string): string => `/api/v1/search?limit=20&q=${encodeURIComponent(q)}`

/** What shoppers might type: words and pairs of words of titles, in an order that is the same in every run. */
async function phrases(http: HttpClient): Promise<string[]> {
  const pages = await pagesOf(http, 100, 20)
  const titles = pages.flatMap(({ page }) => (page.items as { id: string; title: string }[]).map(({ title }) => title.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 2)))
  const all = new Set(titles.flatMap((words) => words.flatMap((word, i) => (i > 0 ? [word, `${words[i - 1]} ${word}`] : [word]))))
  const random = randomOf(3)
  return [...all].map((text) => ({ text, at: random() })).sort((a, b) => a.at - b.at).map(({ text }) => text)
}

/** Queries by what share of the products they match. */
async function sortedByShare(http: HttpClient): Promise<{ rare: string[]; some: string[] }> {
  const total = async (q: string): Promise<number> => {
    const answer = expectStatus(await http.request({ method: 'GET', path: q ? pathOf(q) : '/api/v1/search?limit=1' }), 200)
    return (answer.json() as { total: number }).total
  }
  const products = await total('')
  const texts = (await phrases(http)).slice(0, PROBES_MAX)
  const shares: { text: string; share: number }[] = []
  const next = texts.values()
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (const text of next) shares.push({ text, share: (await total(text)) / products })
  }))
  shares.sort((a, b) => (a.text < b.text ? -1 : 1))
  const between = (from: number, to: number): string[] => shares.filter(({ share }) => share > from && share <= to).map(({ text }) => text)
  return { rare: between(0, Math.max(RARE, 1 / products)), some: between(RARE, SOME) }
}

/** The mix, long enough that it seldom repeats. */
function mixOf({ rare, some }: { rare: string[]; some: string[] }): string[] {
  if (rare.length === 0 || some.length === 0) throw new Error('the catalogue is too small for the mix of searches: give the shop more products')
  const random = randomOf(5)
  return Array.from({ length: QUERIES_MAX }, () => pick(random, random() < RARE_SHARE ? rare : some))
}

/** The statement of each search as the index makes it, through the driver alone. */
async function bareStatements({ main }: Inside, queries: readonly string[]): Promise<Side> {
  const [live] = await generationsOf({ query: async (text, values) => (await main.query(text, values as unknown[])).rows as never }, productIndex.name)
  if (!live) throw new Error('the search index is not built yet')
  const synonyms = new Synonyms(productIndex.synonyms)
  const statements = queries.map((q) => searchStatement(toQuery({ q, limit: 20 }), live, parseText(q, synonyms)))
  const names = new Map<string, string>()
  const nameOf = (text: string): string => names.get(text) ?? (names.set(text, `bench${names.size}`), names.get(text)!)
  return {
    what: 'the same statements, bare driver',
    inFlight: 8,
    operation: (n) => {
      const { text, values } = statements[n % statements.length]!
      return main.query({ name: nameOf(text), text, values })
    }
  }
}

export const search: Scenario = {
  name: 'search',
  doc: 'GET /search, facets and 20 hits; 80 % of the queries match at most 1 % of the products, 20 % at most 10 %',
  inFlight: 16,
  writes: false,
  inside: false,
  async prepare({ http, shop }) {
    const queries = mixOf(await sortedByShare(http))
    const requests = queries.map((q) => http.bytesOf({ method: 'GET', path: pathOf(q) }))
    const ours: Side = { what: 'a search with facets', operation: async (n) => expectStatus(await http.send(requests[n % requests.length]!), 200) }
    if (shop.inside) return { shop: ours, reference: await bareStatements(shop.inside, queries) }
    const bytes = expectStatus(await http.request({ method: 'GET', path: pathOf(queries[0]!) }), 200).text()
    const bare = await bareHttp([['GET /search', bytes]], (client) => () => client.bytesOf({ method: 'GET', path: '/search' }))
    return { shop: ours, reference: bare, close: () => bare.close() }
  }
}
