import { connectElastic } from '../../../mixins/search/elastic-client.ts'
import { aliasOf } from '../../../mixins/search/elastic-generations.ts'
import { searchBody } from '../../../mixins/search/elastic-query.ts'
import { READING } from '../../../mixins/search/elastic-search.ts'
import { generationsOf } from '../../../mixins/search/postgres-tables.ts'
import { searchStatement } from '../../../mixins/search/postgres-query.ts'
import { parseText, Synonyms } from '../../../mixins/search/text-query.ts'
import { productIndex } from '../../../services/search/product-index.ts'
import { toQuery, type SearchParams } from '../../../services/search/search.ts'
import { expectStatus, type HttpClient } from '../load/http-client.ts'
import { pick, randomOf } from '../load/random.ts'
import { bareHttp } from '../reference.ts'
import type { Prepared, Scenario, ScenarioContext, Side } from '../scenario.ts'
import type { Inside } from '../shop.ts'
import { pagesOf } from './product-pages.ts'

/** Of all queries of the mix, those that match at most 1 % of the products; the others match at most 10 %. */
const RARE_SHARE = 0.8
const RARE = 0.01
const SOME = 0.1
/** Queries of the mix, one after another; then it begins anew. */
const MIX = 2_000
const PROBES_MAX = 1_500
/** The catalogue that large figures are of. */
const LARGE = 100_000

/** What is searched for: words, or a category. */
type Asked = Pick<SearchParams, 'q' | 'category' | 'minPrice'>

const pathOf = ({ q, category, minPrice }: Asked): string => {
  const given = { q, category: category?.[0], minPrice: minPrice?.toString() }
  const query = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `/api/v1/search?${new URLSearchParams([['limit', '20'], ...query])}`
}

async function totalOf(http: HttpClient, asked: Asked): Promise<number> {
  return (expectStatus(await http.request({ method: 'GET', path: pathOf(asked) }), 200).json() as { total: number }).total
}

/** How many products can be found. */
export const catalogueSize = (http: HttpClient): Promise<number> => totalOf(http, {})

/** What shoppers might type: words and pairs of words of titles, in an order that is the same in every run. */
async function phrases(http: HttpClient): Promise<Asked[]> {
  const pages = await pagesOf(http, 100, 20)
  const titles = pages.flatMap(({ page }) => (page.items as { id: string; title: string }[]).map(({ title }) => title.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 2)))
  const all = new Set(titles.flatMap((words) => words.flatMap((word, i) => (i > 0 ? [word, `${words[i - 1]} ${word}`] : [word]))))
  const random = randomOf(3)
  return [...all].map((q) => ({ q, at: random() })).sort((a, b) => a.at - b.at).slice(0, PROBES_MAX).map(({ q }) => ({ q }))
}

async function categories(http: HttpClient): Promise<Asked[]> {
  const { items } = expectStatus(await http.request({ method: 'GET', path: '/api/v1/categories' }), 200).json() as { items: { slug: string }[] }
  return items.map(({ slug }) => ({ category: [slug] }))
}

/** Those that match a share of the products within `bounds`, by how much they match. */
async function sharesOf(http: HttpClient, all: readonly Asked[]): Promise<(from: number, to: number) => Asked[]> {
  const products = await catalogueSize(http)
  const shares: { asked: Asked; share: number }[] = []
  const next = all.values()
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (const asked of next) shares.push({ asked, share: (await totalOf(http, asked)) / products })
  }))
  shares.sort((a, b) => a.share - b.share || (pathOf(a.asked) < pathOf(b.asked) ? -1 : 1))
  return (from, to) => shares.filter(({ share }) => share > from && share <= Math.max(to, 1 / products)).map(({ asked }) => asked)
}

/** The mix: 80 % of the queries match at most 1 % of the products, 20 % at most 10 %. */
async function mixOf(http: HttpClient): Promise<Asked[]> {
  const between = await sharesOf(http, await phrases(http))
  const [rare, some] = [between(0, RARE), between(RARE, SOME)]
  if (rare.length === 0 || some.length === 0) throw new Error('the catalogue is too small for the mix of searches: give the shop more products')
  const random = randomOf(5)
  return Array.from({ length: MIX }, () => pick(random, random() < RARE_SHARE ? rare : some))
}

/** Words and categories that more than 10 % of the products match. */
async function broad(http: HttpClient): Promise<Asked[]> {
  const between = await sharesOf(http, [...(await phrases(http)), ...(await categories(http))])
  const found = between(SOME, 1)
  if (found.length === 0) throw new Error('nothing matches more than a tenth of this catalogue')
  return found
}

/** The statement of each search as the index makes it, through the driver alone. */
async function bareStatements({ pool }: Inside, queries: readonly Asked[], inFlight: number): Promise<Side> {
  const main = pool('search')
  const [live] = await generationsOf({ query: async (text, values) => (await main.query(text, values as unknown[])).rows as never }, productIndex.name)
  if (!live) throw new Error('the search index is not built yet')
  const synonyms = new Synonyms(productIndex.synonyms)
  const statements = queries.map((asked) => searchStatement(toQuery({ ...asked, limit: 20 }), live, parseText(asked.q ?? '', synonyms)))
  const names = new Map<string, string>()
  const nameOf = (text: string): string => names.get(text) ?? (names.set(text, `bench${names.size}`), names.get(text)!)
  return {
    what: 'the same statements, bare driver',
    inFlight,
    operation: (n) => {
      const { text, values } = statements[n % statements.length]!
      return main.query({ name: nameOf(text), text, values })
    }
  }
}

/** Each search as the index asks it of Elasticsearch, through the client alone, as many at once as of the shop. */
function bareRequests(url: string, queries: readonly Asked[]): Side & { close(): Promise<void> } {
  const client = connectElastic(url)
  const synonyms = new Synonyms(productIndex.synonyms)
  const requests = queries.map((asked) => {
    const query = toQuery({ ...asked, limit: 20 })
    return { index: aliasOf(productIndex.name), ...READING, ...searchBody(query, productIndex, parseText(query.text ?? '', synonyms)) }
  })
  return { what: 'the same requests, bare client', operation: (n) => client.search(requests[n % requests.length]!), close: () => client.close() }
}

/** Prices that nothing is cheaper than, so many of them: by them equal searches become different ones that find the same. */
const UNLIKE = 100

/**
 * Searches beside their statements. `unlike`: no two requests are alike for as long as anything is kept of one, so that each is
 * worked out: the same mix with a lowest price that nothing is below.
 */
async function searches({ http, shop }: ScenarioContext, queries: readonly Asked[], { unlike, bareInFlight }: { unlike: boolean; bareInFlight: number }): Promise<Prepared> {
  const rounds = (unlike ? Array.from({ length: UNLIKE }, (_, minPrice) => ({ minPrice })) : [{}]).map((price) => queries.map((asked) => ({ ...asked, ...price })))
  const requests = rounds.flat().map((asked) => http.bytesOf({ method: 'GET', path: pathOf(asked) }))
  const ours: Side = { what: 'a search with facets', operation: async (n) => expectStatus(await http.send(requests[n % requests.length]!), 200) }
  const elastic = shop.inside?.engines['ELASTICSEARCH_URL']
  if (elastic) {
    const bare = bareRequests(elastic, rounds[0]!)
    return { shop: ours, reference: bare, close: () => bare.close() }
  }
  if (shop.inside) return { shop: ours, reference: await bareStatements(shop.inside, rounds[0]!, bareInFlight) }
  const bytes = expectStatus(await http.request({ method: 'GET', path: pathOf(queries[0]!) }), 200).text()
  const bare = await bareHttp([['GET /search', bytes]], (client) => () => client.bytesOf({ method: 'GET', path: '/search' }))
  return { shop: ours, reference: bare, close: () => bare.close() }
}

const MIX_DOC = '80 % of the queries match at most 1 % of the products, 20 % at most 10 %'
const reads = { writes: false, inside: false } as const

export const search: Scenario = {
  ...reads,
  name: 'search',
  doc: `GET /search, facets and 20 hits; ${MIX_DOC}; what comes again within a second is answered from memory`,
  inFlight: 16,
  prepare: async (context) => searches(context, await mixOf(context.http), { unlike: false, bareInFlight: 8 })
}

export const searchUnlike: Scenario = {
  ...reads,
  name: 'search-unlike',
  doc: `GET /search, the same mix, no two requests alike, so that each is worked out`,
  inFlight: 16,
  prepare: async (context) => searches(context, await mixOf(context.http), { unlike: true, bareInFlight: 8 })
}

export const searchLarge: Scenario = {
  ...reads,
  name: 'search-large',
  doc: `GET /search in a large catalogue, no two requests alike; ${MIX_DOC}`,
  inFlight: 4,
  products: LARGE,
  prepare: async (context) => searches(context, await mixOf(context.http), { unlike: true, bareInFlight: 4 })
}

export const searchBroad: Scenario = {
  ...reads,
  name: 'search-broad',
  doc: 'GET /search in a large catalogue, no two requests alike; words and categories that more than 10 % of the products match',
  inFlight: 4,
  products: LARGE,
  prepare: async (context) => searches(context, await broad(context.http), { unlike: true, bareInFlight: 4 })
}
