import { pick, randomOf } from '../load/random.ts'
import { expectStatus, type HttpClient } from '../load/http-client.ts'
import { bareHttp } from '../reference.ts'
import type { Prepared, Scenario } from '../scenario.ts'

interface Page {
  items: { id: string }[]
  nextCursor: string | null
}

const LIST = '/api/v1/products'
/** Pages of 20 that are listed in turn, and of 100 from which products are taken. */
const LISTED_PAGES = 20
const PRODUCT_PAGES = 10

/** The first pages of the catalogue, with the path of each. */
export async function pagesOf(http: Pick<HttpClient, 'request'>, limit: number, max: number): Promise<{ path: string; page: Page }[]> {
  const pages: { path: string; page: Page }[] = []
  for (let path: string | null = `${LIST}?limit=${limit}`; path !== null && pages.length < max; ) {
    const page = expectStatus(await http.request({ method: 'GET', path }), 200).json() as Page
    pages.push({ path, page })
    path = page.nextCursor && `${LIST}?limit=${limit}&cursor=${encodeURIComponent(page.nextCursor)}`
  }
  return pages
}

/** Reads of these paths in a random order that is the same in every run, beside a bare server that answers what the shop does. */
async function reads(http: HttpClient, paths: readonly string[], what: string): Promise<Prepared> {
  const answers = await Promise.all(paths.map(async (path): Promise<[string, string]> => [`GET ${path}`, expectStatus(await http.request({ method: 'GET', path }), 200).text()]))
  const random = randomOf(7)
  const requests = paths.map((path) => http.bytesOf({ method: 'GET', path }))
  const bare = await bareHttp(answers, (bareClient) => {
    const bytes = paths.map((path) => bareClient.bytesOf({ method: 'GET', path }))
    const order = randomOf(7)
    return () => pick(order, bytes)
  })
  return { shop: { what, operation: async () => expectStatus(await http.send(pick(random, requests)), 200) }, reference: bare, close: () => bare.close() }
}

export const productDetail: Scenario = {
  name: 'product-detail',
  doc: 'GET /products/{id}, any of up to 1,000 products',
  inFlight: 64,
  writes: false,
  inside: false,
  async prepare({ http }) {
    const pages = await pagesOf(http, 100, PRODUCT_PAGES)
    return reads(http, pages.flatMap(({ page }) => page.items.map(({ id }) => `${LIST}/${id}`)), 'a product with its offers')
  }
}

export const productList: Scenario = {
  name: 'product-list',
  doc: 'GET /products?limit=20, any of the first 20 pages',
  inFlight: 64,
  writes: false,
  inside: false,
  async prepare({ http }) {
    const pages = await pagesOf(http, 20, LISTED_PAGES)
    return reads(http, pages.map(({ path }) => path), 'a page of 20 cards')
  }
}
