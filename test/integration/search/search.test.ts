import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openEventLog } from '../../../mixins/events/log.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import type { Prepared } from '../../../mixins/runtime/prepared.ts'
import type { Card, ProductDocument } from '../../../services/product/product.contract.ts'
import '../../../services/search/search.contract.ts'
import { startShop, type Shop } from '../../support/shop.ts'
import { until } from '../../support/until.ts'

/** What stands in for the catalogue holds. */
const catalogue = new Map<string, ProductDocument>()

const product = (id: string, change: Partial<ProductDocument> = {}): ProductDocument => ({
  id, version: 1, removed: false, title: `Lantern ${id}`, slug: `lantern-${id}`, brand: 'Zephyrine',
  categoryPath: [{ slug: 'home', name: 'Home' }, { slug: 'lamps', name: 'Lamps' }],
  description: 'For windy nights.', attributes: { color: 'red' }, sellerIds: ['s1'], price: { amount: 2_500, currency: 'USD' }, offerId: `o-${id}`, sellerId: 's1',
  availability: 'in_stock', rating: { average: 4, count: 10 }, images: [], createdAt: '2026-01-01T00:00:00Z', ...change
})

const cardOf = ({ id, title, slug, brand, categoryPath, images, rating, price, offerId, sellerId, availability }: ProductDocument): Card => ({
  id, title, slug, brand, category: categoryPath.at(-1)!.slug, images, rating, price, offerId, sellerId, availability
})

/** Stands in for the catalogue. */
const products = {
  name: 'product.worker',
  actions: {
    scan: ({ params: { after = '', limit } }: { params: { after?: string; limit: number } }) => ({
      items: [...catalogue.values()].filter(({ id }) => id > after).sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, Math.min(limit, 50)) // small pages: a rebuild takes several
    }),
    cards: ({ params: { ids } }: { params: { ids: string[] } }) => ({ items: ids.map((id) => catalogue.get(id)).filter((p) => p && !p.removed).map((p) => cardOf(p!)) })
  }
}

let shop: Shop
const numbers = new Map<string, number>()

async function publish(topic: string, aggregate: string, body: unknown, id: string = randomUUID()): Promise<void> {
  const number = (numbers.get(aggregate) ?? 0) + 1
  numbers.set(aggregate, number)
  const log = openEventLog()
  await log.publish([{ id, topic, aggregate, number, at: new Date().toISOString(), body: body as never }])
  await log.close()
}

/** Changes the catalogue, and tells of it, as the product domain does. */
async function change(...documents: ProductDocument[]): Promise<void> {
  for (const document of documents) {
    catalogue.set(document.id, document)
    await publish('product_changed', `product/${document.id}`, document)
  }
}

interface Answer {
  items: Card[]
  total: number
  facets: Record<string, { value: string; count: number }[]>
  nextCursor: string | null
}
const body = <T>(prepared: unknown): T => JSON.parse(Buffer.from((prepared as Prepared).$body).toString()) as T
const search = async (params: Record<string, unknown> = {}): Promise<Answer> => body(await shop.broker.call('search.query', params))
/** Past the face's cache. */
const found = async (q: string): Promise<string[]> => (await call(shop.broker, 'search.worker.query', { q, limit: 100 })).ids.toSorted()
const status = () => call(shop.broker, 'search.indexer.status', {})

async function rebuilt(): Promise<void> {
  expect((await call(shop.broker, 'search.indexer.rebuild', {})).outcome).toBe('started')
  await until('the rebuild has ended', async () => (await status()).rebuild?.running === false)
  expect((await status()).rebuild?.error).toBeNull()
}

beforeAll(async () => {
  for (let i = 0; i < 120; i++) catalogue.set(`early${i}`, product(`early${i}`, { title: `Early bird ${i}` }))
  shop = await startShop(['search.indexer', 'search.worker', 'search'], [products])
})
afterAll(() => shop.stop())

describe('the index', () => {
  test('is built from the catalogue when it is missing', async () => {
    await until('the index is built', async () => (await status()).rebuild?.finishedAt)
    expect((await status()).rebuild).toMatchObject({ running: false, indexed: 120, error: null })
    expect((await call(shop.broker, 'search.worker.query', { q: 'early bird' })).total).toBe(120)
  })

  test('follows changes, in whatever order they come; what nobody sells is not found', async () => {
    await change(product('p1', { title: 'Copper kettle' }))
    await until('the new product is found', async () => (await found('copper kettle')).includes('p1'))
    await change(product('p1', { version: 3, title: 'Brass kettle' }))
    await publish('product_changed', 'product/p1', product('p1', { version: 2, title: 'Tin kettle' })) // late
    await until('the change is found', async () => (await found('brass')).includes('p1'))
    await change(product('marker1'))
    await until('the marker is found', async () => (await found('marker1')).length > 0)
    expect([await found('tin kettle'), await found('copper')]).toEqual([[], []])
    await change(product('p1', { version: 4, title: 'Brass kettle', price: null, offerId: null, sellerId: null, sellerIds: [], availability: 'out_of_stock' }))
    await until('it is gone with its last offer', async () => (await found('brass')).length === 0)
    await change(product('p1', { version: 5, title: 'Brass kettle' }))
    await until('it is back with an offer', async () => (await found('brass')).includes('p1'))
    await change(product('p1', { version: 6, title: 'Brass kettle', removed: true }))
    await until('it is gone', async () => (await found('brass')).length === 0)
  })

  test('a rebuild loses nothing that changes meanwhile, and every search is answered', async () => {
    let running = true
    const seen: number[] = []
    const reading = (async () => {
      while (running) seen.push((await call(shop.broker, 'search.worker.query', { q: 'early bird' })).total)
    })()
    const writing = (async () => {
      for (let i = 0; i < 25; i++) await change(product(`busy${i}`, { title: `Busy bee ${i}` }), product('early7', { version: i + 2, title: `Early bird seventh${i}` }))
    })()
    await rebuilt()
    await rebuilt()
    await writing
    running = false
    await reading
    await until('all are found', async () => (await found('busy bee')).length === 25 && (await found('seventh24')).length === 1)
    expect(new Set(seen)).toEqual(new Set([120]))
    expect(await found('seventh23')).toEqual([])
  })

  test('a rebuild mends what the index has lost', async () => {
    const [live] = await shop.databases.query<{ slot: string }>(`SELECT slot FROM search.generation WHERE index = 'product' AND state = 'live'`)
    await shop.databases.query(`DELETE FROM search.product_${live!.slot} WHERE id LIKE 'early%'`)
    expect((await call(shop.broker, 'search.worker.query', { q: 'early bird' })).total).toBe(0)
    await rebuilt()
    expect((await call(shop.broker, 'search.worker.query', { q: 'early bird' })).total).toBe(120)
  })

  test('orders make a product more relevant, each order once; old ones count less', async () => {
    await change(product('pop1', { title: 'Pewter mug one' }), product('pop2', { title: 'Pewter mug two' }), product('pop3', { title: 'Pewter mug three' }))
    await until('they are found', async () => (await found('pewter mug')).length === 3)
    const line = (productId: string) => ({ offerId: 'o', productId, category: 'lamps', title: 't', quantity: 2, unitPrice: { amount: 1, currency: 'USD' }, lineTotal: { amount: 2, currency: 'USD' } })
    const order = (...ids: string[]) => ({ orderId: 'x', subOrders: [{ id: 's', sellerId: 's1', lines: ids.map(line) }] })
    await publish('order_confirmed', 'order/1', order('pop3'), 'event-1')
    numbers.set('order/1', 0)
    await publish('order_confirmed', 'order/1', order('pop3'), 'event-1') // delivered twice
    await publish('order_confirmed', 'order/2', order('pop2', 'pop3'))
    const scores = () => shop.databases.query<{ id: string; score: number }>(`SELECT product_id AS id, round(score) AS score FROM indexer.popularity WHERE product_id LIKE 'pop%' ORDER BY 1`)
    await until('the orders are counted', async () => (await scores()).length === 2)
    await change(product('marker2'))
    await until('the marker is found', async () => (await found('marker2')).length > 0)
    expect((await scores()).map(({ score }) => Number(score))).toEqual([20, 40])
    expect((await call(shop.broker, 'search.indexer.popularity', {})).changed).toBe(2)
    expect((await call(shop.broker, 'search.worker.query', { q: 'pewter mug' })).ids).toEqual(['pop3', 'pop2', 'pop1'])
    expect((await call(shop.broker, 'search.indexer.popularity', {})).changed).toBe(0)
    await shop.databases.query(`UPDATE indexer.popularity SET at = at - interval '140 days' WHERE product_id = 'pop3'`)
    expect((await call(shop.broker, 'search.indexer.popularity', {})).changed).toBe(1)
    expect((await call(shop.broker, 'search.worker.query', { q: 'pewter mug' })).ids[0]).toBe('pop2')
    await change(product('pop2', { version: 2, title: 'Pewter mug two', availability: 'out_of_stock' }))
    await until('what is out of stock comes last', async () => (await call(shop.broker, 'search.worker.query', { q: 'pewter mug' })).ids.at(-1) === 'pop2')
  })
})

test('views count too, one for a person at a time', async () => {
  const viewed = (subject: string) => ({ id: randomUUID(), at: new Date().toISOString(), kind: 'product_viewed', subject, productId: 'seen', query: '' })
  await shop.broker.emit('behaviour.recorded', { records: [viewed('ada'), viewed('ada'), viewed('eve'), { ...viewed('eve'), kind: 'searched' }] })
  const row = await until('the views are counted', async () => {
    await call(shop.broker, 'search.indexer.popularity', {})
    return (await shop.databases.query<{ score: number }>(`SELECT round(score) AS score FROM indexer.popularity WHERE product_id = 'seen'`))[0]
  })
  expect(Number(row.score)).toBe(2)
})

describe('GET /search', () => {
  test('answers cards, a total, facets, and pages that join', async () => {
    await change(...[10, 20, 30].map((amount, i) => product(`felt${i}`, {
      title: `Felt slipper ${i}`, brand: i === 0 ? 'Softly' : 'Woolly', price: { amount, currency: 'USD' }, attributes: i === 2 ? {} : { 'Shoe size': `${40 + i}` }, rating: { average: i + 2, count: 3 },
      categoryPath: [{ slug: 'clothes', name: 'Clothes' }, { slug: 'shoes', name: 'Shoes' }], sellerIds: ['s1', `s${i}`], createdAt: `2026-02-0${i + 1}T00:00:00Z`
    })))
    await until('they are found', async () => (await found('felt slippers')).length === 3)
    const all = await search({ q: 'felt slipper', sort: 'price' })
    expect(all.items).toEqual(['felt0', 'felt1', 'felt2'].map((id) => cardOf(catalogue.get(id)!)))
    expect(all).toMatchObject({
      total: 3, nextCursor: null,
      facets: {
        brand: [{ value: 'Woolly', count: 2 }, { value: 'Softly', count: 1 }],
        category: [{ value: 'clothes', count: 3 }, { value: 'shoes', count: 3 }],
        seller: [{ value: 's1', count: 3 }, { value: 's0', count: 1 }, { value: 's2', count: 1 }],
        'attr.Shoe size': [{ value: '40', count: 1 }, { value: '41', count: 1 }]
      }
    })
    const ids = async (params: object): Promise<string[]> => (await search({ q: 'felt', ...params })).items.map(({ id }) => id)
    expect(await ids({ sort: '-price' })).toEqual(['felt2', 'felt1', 'felt0'])
    expect(await ids({ sort: 'rating' })).toEqual(['felt2', 'felt1', 'felt0'])
    expect(await ids({ sort: 'newest', minPrice: '20' })).toEqual(['felt2', 'felt1'])
    expect(await ids({ sort: 'price', maxPrice: '20', minRating: '2.5' })).toEqual(['felt1'])
    expect(await ids({ sort: 'price', brand: ['Softly', 'Woolly'], seller: 's2' })).toEqual(['felt2'])
    expect(await ids({ sort: 'price', attr: { 'Shoe size': '41' } })).toEqual(['felt1'])
    expect(await ids({ sort: 'price', category: 'clothes' })).toHaveLength(3)
    expect(await ids({ category: 'home' })).toEqual([])
    const first = await search({ q: 'felt', sort: 'price', limit: '2' })
    const second = await search({ q: 'felt', sort: 'price', limit: '2', cursor: first.nextCursor })
    expect([first.items.map(({ id }) => id), second.items.map(({ id }) => id), second.nextCursor]).toEqual([['felt0', 'felt1'], ['felt2'], null])
    await expect(search({ q: 'felt', sort: 'newest', cursor: first.nextCursor })).rejects.toMatchObject({ type: 'validation-failed' })
    await expect(search({ cursor: 'nonsense' })).rejects.toMatchObject({ type: 'validation-failed' })
  })

  test('refuses what it does not know', async () => {
    for (const params of [{ query: 'x' }, { limit: '0' }, { limit: '101' }, { minPrice: '-1' }, { minPrice: 'cheap' }, { sort: 'best' }, { q: 'x'.repeat(201) }, { attr: { a: 'x'.repeat(201) } }]) {
      await expect(search(params)).rejects.toMatchObject({ type: 'VALIDATION_ERROR' })
    }
  })

  test('a product taken back a moment ago is not on the page', async () => {
    await change(product('brief', { title: 'Briefly here' }))
    await until('it is found', async () => (await found('briefly')).length === 1)
    catalogue.set('brief', { ...catalogue.get('brief')!, removed: true }) // not told yet
    expect((await search({ q: 'briefly' })).items).toEqual([])
  })

  test('suggests products, brands, categories and queries', async () => {
    await change(product('sugg', { title: 'Quilted quiver', brand: 'Quartzite', categoryPath: [{ slug: 'quaint', name: 'Quaint things' }] }))
    await until('it is found', async () => (await found('quiver')).length === 1)
    const { items } = body<{ items: unknown[] }>(await shop.broker.call('search.suggest', { q: 'qu' }))
    expect(items).toEqual(expect.arrayContaining([
      { kind: 'product', text: 'Quilted quiver', id: 'sugg' }, { kind: 'brand', text: 'Quartzite' }, { kind: 'category', text: 'Quaint things', id: 'quaint' }, { kind: 'query', text: 'quilted' }
    ]))
  })
})

test('searches whose turn does not come soon are refused, and those after them are answered', async () => {
  const [{ slot }] = (await shop.databases.query<{ slot: string }>(`SELECT slot FROM search.generation WHERE index = 'product' AND state = 'live'`)) as [{ slot: string }]
  const other = new pg.Client({ connectionString: shop.databases.main })
  await other.connect()
  await other.query(`BEGIN; LOCK TABLE search.product_${slot} IN ACCESS EXCLUSIVE MODE`)
  const outcomes = Promise.all(Array.from({ length: 9 }, (_, i) => call(shop.broker, 'search.worker.query', { q: `bird ${i}` }).then(() => 'answered', problemType)))
  await sleep(2_200)
  await other.query('COMMIT')
  await other.end()
  expect((await outcomes).toSorted()).toEqual([...Array<string>(3).fill('answered'), ...Array<string>(6).fill('overloaded')])
  expect(await found('early bird')).toHaveLength(100)
})

test('without its engine, search is unavailable and says so', async () => {
  const url = process.env['DATABASE_URL_SEARCH']
  process.env['DATABASE_URL_SEARCH'] = 'postgres://nobody@127.0.0.1:1/none'
  const { openSearchIndex } = await import('../../../mixins/search/search.ts')
  const { productIndex } = await import('../../../services/search/product-index.ts')
  const index = openSearchIndex(productIndex)
  if (url === undefined) delete process.env['DATABASE_URL_SEARCH']
  else process.env['DATABASE_URL_SEARCH'] = url
  for (const attempt of [index.query({ filters: {}, facets: [], sort: 'relevance', limit: 1 }), index.suggest('x', 1), index.put([{ id: '1', version: 1, doc: {} }])]) {
    expect(problemType(await attempt.catch((e: unknown) => e))).toBe('unavailable')
  }
  await index.close()
})
