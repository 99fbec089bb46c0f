import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { openEventLog } from '../../../mixins/events/log.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import type { Prepared } from '../../../mixins/runtime/prepared.ts'
import type { Card, Product } from '../../../services/product/product.contract.ts'
import { signIn, type SignedIn } from '../../support/callers.ts'
import { startShop, type Shop } from '../../support/shop.ts'
import { until } from '../../support/until.ts'

let shop: Shop
let ana: SignedIn
let ben: SignedIn
let admin: SignedIn
let shopper: SignedIn

beforeAll(async () => {
  shop = await startShop(['product.worker', 'product', 'seller.worker', 'inventory.worker', 'inventory'])
  ;[ana, ben, admin, shopper] = [await signIn('ana', ['seller']), await signIn('ben', ['seller']), await signIn('boss', ['admin']), await signIn('shopper')]
  await call(shop.broker, 'seller.worker.import', { sellers: [{ id: 's-ana', name: 'Ana & Co', userId: 'ana' }, { id: 's-ben', name: 'Ben Ltd', userId: 'ben' }] })
  await call(shop.broker, 'product.worker.addCategories', {
    categories: [
      { id: 'c1', slug: 'home', name: 'Home', parentId: null },
      { id: 'c2', slug: 'lamps', name: 'Lamps', parentId: 'c1' },
      { id: 'c3', slug: 'kettles', name: 'Kettles', parentId: 'c1' },
      { id: 'c4', slug: 'books', name: 'Books', parentId: null }
    ]
  })
})
afterAll(() => shop.stop())

const usd = (amount: number) => ({ amount, currency: 'USD' })
const body = (answer: unknown): unknown => JSON.parse(Buffer.from((answer as Prepared).$body).toString())
const refusal = (promise: Promise<unknown>): Promise<string | null> => promise.then(
    () => null,
    (error: Error) => (error.name === 'ValidationError' ? 'validation-failed' : problemType(error))
  )

const create = (who: SignedIn, change: object = {}): Promise<Product> =>
  call(shop.broker, 'product.create', { title: 'Zephyrine lantern', brand: 'Zephyrine', category: 'lamps', description: 'A lantern for windy nights.', ...change }, who)
const offer = (who: SignedIn, id: string, amount: number, change: object = {}) => call(shop.broker, 'product.addOffer', { id, price: usd(amount), condition: 'new', handlingDays: 1, ...change }, who)
const get = async (id: string): Promise<Product & { etag: string }> => {
  const answer = (await call(shop.broker, 'product.get', { id })) as unknown as Prepared
  return { ...(body(answer) as Product), etag: answer.$etag }
}
const list = async (query: object): Promise<{ items: Card[]; nextCursor: string | null }> => body(await call(shop.broker, 'product.list', query)) as never
const put = (who: SignedIn, id: string, onHand: number) => call(shop.broker, 'inventory.setStock', { id, onHand }, who)
const sold = async (): Promise<{ product: Product; offerId: string }> => {
  const product = await create(ana)
  const { id } = await offer(ana, product.id, 2_500)
  return { product, offerId: id }
}
const events = (id: string) =>
  shop.databases.query<{ body: Record<string, unknown> }>('SELECT body FROM product.outbox WHERE aggregate = $1 ORDER BY number', [`product/${id}`]).then((rows) => rows.map((row) => row.body))

async function publish(records: readonly Record<string, unknown>[]): Promise<void> {
  const log = openEventLog()
  await log.publish(records as never)
  await log.close()
}

/** Hands the outbox of the stock on, as the relay does. */
async function passStockOn(): Promise<void> {
  const rows = await shop.databases.query<Record<string, unknown>>(`SELECT event_id AS id, topic, aggregate, number, at::text, body FROM inventory.outbox ORDER BY id`)
  await publish(rows.map((row) => ({ ...row, number: Number(row['number']) })))
}

describe('products and offers', () => {
  test('a product with an offer in stock is what its cards, its page and its list show', async () => {
    const { product, offerId } = await sold()
    expect(product).toMatchObject({ slug: 'zephyrine-lantern', version: 1, price: null, offers: [], availability: 'out_of_stock' })
    expect(await put(ana, offerId, 3)).toEqual({ onHand: 3, reserved: 0, available: 3 })
    await passStockOn()
    const shown = await until('the stock is shown', async () => {
      const page = await get(product.id)
      return page.availability === 'low_stock' ? page : null
    })
    expect(shown).toMatchObject({ price: usd(2_500), offerId, sellerId: 's-ana', offers: [{ id: offerId, sellerName: 'Ana & Co', availability: 'low_stock' }] })
    expect(shown.etag).toBe(String(shown.version))
    const { items } = await call(shop.broker, 'product.worker.cards', { ids: ['none-such', product.id] })
    expect(items).toMatchObject([{ id: product.id, price: usd(2_500), availability: 'low_stock' }])
    expect((await list({ category: 'home', limit: 1 })).items[0]).toEqual(items[0])
    const documents = await events(product.id)
    expect(documents.map((d) => d['version'])).toEqual([1, 2, 3])
    expect(documents[2]).toMatchObject({ removed: false, categoryPath: [{ slug: 'home', name: 'Home' }, { slug: 'lamps', name: 'Lamps' }], sellerIds: ['s-ana'], availability: 'low_stock', price: usd(2_500) })
  })

  test('several sellers share a product, and the best offer has the box', async () => {
    const { product, offerId } = await sold()
    const cheaper = await offer(ben, product.id, 2_000, { condition: 'used' })
    expect(await get(product.id)).toMatchObject({ offerId: cheaper.id, sellerId: 's-ben', price: usd(2_000) })
    await put(ana, offerId, 10)
    await passStockOn()
    await until('the one in stock has the box', async () => (await get(product.id)).offerId === offerId)
    expect((await get(product.id)).offers.map((o) => o.id)).toEqual([offerId, cheaper.id])
    await call(shop.broker, 'product.removeOffer', { id: offerId }, ana)
    expect(await get(product.id)).toMatchObject({ offerId: cheaper.id, offers: [{ id: cheaper.id }] })
    const { items } = await call(shop.broker, 'product.worker.offers', { offerIds: [offerId, 'none', cheaper.id] })
    expect(items.map((o) => [o.offerId, o.active, o.warehouseId])).toEqual([[offerId, false, 'wh.s-ana'], [cheaper.id, true, 'wh.s-ben']])
  })

  test('a stale If-Match is refused, on products and on offers', async () => {
    const { product, offerId } = await sold()
    const seen = (await get(product.id)).etag
    const patch = (ifMatch: string, title: string) => call(shop.broker, 'product.update', { id: product.id, title }, { meta: { ...ana.meta, ifMatch } })
    const price = (ifMatch: string, amount: number) => call(shop.broker, 'product.updateOffer', { id: offerId, price: usd(amount) }, { meta: { ...ana.meta, ifMatch } })
    expect(await price('1', 2_600)).toMatchObject({ price: usd(2_600), version: 2 })
    expect(await refusal(price('1', 2_700))).toBe('version-conflict')
    expect(await refusal(patch(seen, 'Lantern of storms'))).toBe('version-conflict') // its price is shown too
    expect(await patch((await get(product.id)).etag, 'Lantern of storms')).toMatchObject({ title: 'Lantern of storms', slug: 'lantern-of-storms', price: usd(2_600) })
    expect((await get(product.id)).title).toBe('Lantern of storms')
  })

  test('others may not change it, and stock is shown to its seller alone', async () => {
    const { product, offerId } = await sold()
    const change = (who: SignedIn) => call(shop.broker, 'product.update', { id: product.id, title: 'mine now' }, who)
    expect(await refusal(change(ben))).toBe('forbidden')
    expect(await refusal(change(shopper))).toBe('forbidden')
    expect(await refusal(call(shop.broker, 'product.update', { id: product.id, title: 'x' }))).toBe('token-expired')
    expect(await refusal(call(shop.broker, 'product.updateOffer', { id: offerId, price: usd(1) }, ben))).toBe('forbidden')
    expect(await refusal(call(shop.broker, 'product.remove', { id: product.id }, ben))).toBe('forbidden')
    expect(await change(admin)).toMatchObject({ title: 'mine now' })
    expect(await refusal(put(ben, offerId, 5))).toBe('not-found')
    expect(await refusal(call(shop.broker, 'inventory.stock', { id: offerId }, ben))).toBe('not-found')
    expect(await refusal(call(shop.broker, 'inventory.stock', { id: 'none-such' }, ana))).toBe('not-found')
    expect(await put(admin, offerId, 5)).toMatchObject({ onHand: 5 })
    expect(await call(shop.broker, 'inventory.stock', { id: offerId }, ana)).toMatchObject({ onHand: 5 })
  })

  test('a removed product is gone for readers, buyers and editors', async () => {
    const { product, offerId } = await sold()
    await call(shop.broker, 'product.remove', { id: product.id }, ana)
    expect(await refusal(get(product.id))).toBe('not-found')
    expect((await list({ seller: 's-ana', limit: 100 })).items.map((c) => c.id)).not.toContain(product.id)
    expect((await call(shop.broker, 'product.worker.offers', { offerIds: [offerId] })).items).toMatchObject([{ active: false }])
    expect(await refusal(offer(ben, product.id, 100))).toBe('not-found')
    expect(await refusal(call(shop.broker, 'product.updateOffer', { id: offerId, price: usd(1) }, ana))).toBe('not-found')
    expect((await events(product.id)).at(-1)).toMatchObject({ removed: true, price: null, sellerIds: [] })
  })

  test('what is not sold here is refused by field', async () => {
    expect(await refusal(create(ana, { category: 'home' }))).toBe('validation-failed')
    expect(await refusal(create(ana, { category: 'none-such' }))).toBe('validation-failed')
    expect(await refusal(create(ana, { title: '<b>x</b>' }))).toBe('validation-failed')
    expect(await refusal(create(ana, { secret: true }))).toBe('validation-failed')
    expect(await refusal(create(shopper))).toBe('forbidden')
    const { product } = await sold()
    expect(await refusal(offer(ana, product.id, 100, { price: { amount: 100, currency: 'EUR' } }))).toBe('validation-failed')
    expect(await refusal(offer(ana, product.id, 0))).toBe('validation-failed')
    expect(await refusal(offer(admin, product.id, 100))).toBe('forbidden')
  })

  test('a repeated key brings one product', async () => {
    const key = randomUUID()
    const ask = (title = 'Keyed lantern') => call(shop.broker, 'product.create', { title, brand: 'Z', category: 'lamps', description: 'd' }, { meta: { ...ana.meta, idempotencyKey: key } })
    const [first, second] = await Promise.all([ask(), ask()])
    expect(second).toEqual(first)
    expect(await refusal(ask('Another lantern'))).toBe('idempotency-key-reused')
    expect(await shop.databases.query(`SELECT 1 FROM product.product WHERE title = 'Keyed lantern'`)).toHaveLength(1)
  })

  test('concurrent edits of one product lose nothing and number their versions without a gap', async () => {
    const { product } = await sold()
    const offers = await Promise.all([...Array(6).keys()].map((i) => offer(i % 2 ? ana : ben, product.id, 3_000 + i)))
    await Promise.all(offers.map((o, i) => call(shop.broker, 'product.updateOffer', { id: o.id, price: usd(1_000 + i) }, i % 2 ? ana : ben)))
    const page = await get(product.id)
    expect(page).toMatchObject({ version: 14, price: usd(1_000), offerId: offers[0]!.id })
    expect(page.offers).toHaveLength(7)
    expect((await events(product.id)).map((e) => e['version'])).toEqual([...Array(14).keys()].map((i) => i + 1))
  })

  test('the box is right whatever two sellers do at once', async () => {
    const { product, offerId } = await sold()
    const other = await offer(ben, product.id, 2_600)
    const price = (id: string, amount: number, who: SignedIn) => call(shop.broker, 'product.updateOffer', { id, price: usd(amount) }, who)
    for (let round = 0; round < 15; round++) {
      const [a, b] = round % 2 ? [1_000, 2_000] : [4_000, 3_000] // the box goes to and fro
      await Promise.all([price(offerId, a!, ana), price(other.id, b!, ben)])
      const page = (await call(shop.broker, 'product.worker.details', { ids: [product.id] })).items[0]!
      expect(page.price).toEqual(usd(Math.min(a!, b!)))
      expect(page.offers.map((o) => o.price.amount)).toEqual([a!, b!].toSorted((x, y) => x - y))
    }
  })

  test('an older word about stock does not overwrite a newer one, and no news change nothing', async () => {
    const { product, offerId } = await sold()
    for (const onHand of [20, 0, 4, 0, 30]) await put(ana, offerId, onHand)
    await passStockOn()
    await until('the last word is shown', async () => (await get(product.id)).availability === 'in_stock')
    const { version } = await get(product.id)
    const [old] = await shop.databases.query<Record<string, unknown>>(`SELECT topic, aggregate, at::text, body FROM inventory.outbox WHERE aggregate = $1 AND number = 2`, [`stock/${offerId}`])
    const body = (availability: string) => ({ ...(old!['body'] as object), availability })
    const log = openEventLog()
    for (const news of [{ number: 2, body: body('out_of_stock') }, { number: 6, body: body('in_stock') }]) {
      await publish([{ ...old, id: randomUUID(), ...news }])
      await until('it was taken', async () => (await log.lag('product.worker')) === 0)
    }
    await log.close()
    expect(await get(product.id)).toMatchObject({ version, availability: 'in_stock' })
  })
})

describe('lists', () => {
  test('pages cover a list once, in every order', async () => {
    await call(shop.broker, 'product.addCategory', { slug: 'pens', name: 'Pens' }, admin)
    for (let i = 0; i < 9; i++) {
      const product = await create(ana, { title: `Pen ${i}`, category: 'pens' })
      await offer(ana, product.id, 100 + (i % 3))
    }
    for (const sort of ['newest', 'price', '-price', 'rating'] as const) {
      const seen: Card[] = []
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await list({ category: 'pens', sort, limit: 4, ...(cursor ? { cursor } : {}) })
        seen.push(...page.items)
        cursor = page.nextCursor
      }
      expect(new Set(seen.map((c) => c.id)).size).toBe(9)
      const prices = seen.map((c) => c.price!.amount)
      if (sort === 'price') expect(prices).toEqual(prices.toSorted((a, b) => a - b))
      if (sort === '-price') expect(prices).toEqual(prices.toSorted((a, b) => b - a))
      if (sort === 'newest') expect(seen.map((c) => c.title)).toEqual([...Array(9).keys()].map((i) => `Pen ${8 - i}`))
    }
  })

  test('a foreign cursor is refused, not obeyed', async () => {
    const cursor = (position: unknown): string => Buffer.from(JSON.stringify(position)).toString('base64url')
    for (const wrong of ['x', cursor([1, 2]), cursor(['a', 'b']), cursor([1e30, 'b']), cursor([null, null])]) expect(await refusal(list({ sort: 'price', cursor: wrong }))).toBe('validation-failed')
    expect(await refusal(list({ sort: 'newest', cursor: cursor(['a\0']) }))).toBe('validation-failed')
    expect(await refusal(list({ limit: 100_000 }))).toBe('validation-failed')
  })

  test('what nobody sells is listed for its seller only', async () => {
    const product = await create(ben, { category: 'books' })
    expect((await list({ category: 'books' })).items).toEqual([])
    expect((await list({ category: 'books', seller: 's-ben' })).items).toMatchObject([{ id: product.id, price: null }])
    expect((await list({ category: 'none-such' })).items).toEqual([])
  })

  test('a category that holds products stays a leaf', async () => {
    await create(ana, { category: 'kettles' })
    expect(await refusal(call(shop.broker, 'product.addCategory', { slug: 'electric-kettles', name: 'Electric', parentId: 'c3' }, admin))).toBe('validation-failed')
    expect(await refusal(call(shop.broker, 'product.addCategory', { slug: 'lamps', name: 'Lamps' }, admin))).toBe('conflict')
    expect(await refusal(call(shop.broker, 'product.addCategory', { slug: 'toys', name: 'Toys' }, ana))).toBe('forbidden')
    const { items } = body(await call(shop.broker, 'product.categories', {})) as { items: { slug: string }[] }
    expect(items.map((c) => c.slug)).toEqual(expect.arrayContaining(['home', 'lamps', 'kettles', 'books']))
  })
})

describe('bulk import', () => {
  const imported = (id: string, change: object = {}) => ({
    id,
    title: `Imported ${id}`,
    brand: 'Bulk',
    category: 'books',
    description: 'd',
    attributes: { pages: '100' },
    images: ['a1b2'],
    ownerSellerId: 's-ana',
    createdAt: '2026-01-02T03:04:05.000Z',
    offers: [
      { id: `${id}-o1`, sellerId: 's-ana', sellerName: 'Ana & Co', warehouseId: 'wh.s-ana', price: usd(900), condition: 'new' as const, handlingDays: 1, availability: 'out_of_stock' as const },
      { id: `${id}-o2`, sellerId: 's-ben', sellerName: 'Ben Ltd', warehouseId: 'wh.s-ben', price: usd(950), condition: 'new' as const, handlingDays: 1, availability: 'in_stock' as const }
    ],
    ...change
  })

  test('imports once, with buy boxes and documents', async () => {
    const products = ['i1', 'i2', 'i3'].map((id) => imported(id))
    expect(await call(shop.broker, 'product.worker.import', { products: products.slice(0, 2) })).toEqual({ added: 2 })
    expect(await call(shop.broker, 'product.worker.import', { products })).toEqual({ added: 1 })
    const page = await get('i1')
    expect(page).toMatchObject({ offerId: 'i1-o2', price: usd(950), availability: 'in_stock', version: 1, createdAt: '2026-01-02T03:04:05.000Z' })
    expect(page.offers).toHaveLength(2)
    expect(page.images[0]!.small).toBe('/api/v1/images/a1b2-160.webp')
    expect(await events('i1')).toMatchObject([{ version: 1, sellerIds: ['s-ana', 's-ben'], categoryPath: [{ slug: 'books', name: 'Books' }] }])
  })

  test('a scan passes every product once, removed ones too, as the last event told it', async () => {
    const seen: { id: string; version: number }[] = []
    for (let after: string | undefined; ; after = seen.at(-1)!.id) {
      const { items } = await call(shop.broker, 'product.worker.scan', { limit: 7, ...(after ? { after } : {}) })
      if (items.length === 0) break
      seen.push(...items)
      for (const item of items) expect((await events(item.id)).at(-1)).toEqual(item)
    }
    const [{ count }] = (await shop.databases.query<{ count: number }>('SELECT count(*)::int AS count FROM product.product')) as [{ count: number }]
    expect(seen).toHaveLength(count)
  })
})

describe("a seller's list", () => {
  const whole = async (query: object): Promise<Card[]> => {
    const seen: Card[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await list({ ...query, limit: 3, ...(cursor ? { cursor } : {}) })
      seen.push(...page.items)
      cursor = page.nextCursor
    }
    return seen
  }

  test('moves with the offer, the price, the category and the end of a product', async () => {
    const { product, offerId } = await sold()
    const [dear, cheap] = [await sold(), await sold()]
    await offer(ben, product.id, 2_400)
    const listed = async (seller: string, query: object = {}) => (await whole({ seller, category: 'lamps', ...query })).map((card) => card.id)
    expect(await listed('s-ben')).toContain(product.id)
    await call(shop.broker, 'product.updateOffer', { id: dear.offerId, price: usd(9_900_000) }, ana)
    await call(shop.broker, 'product.updateOffer', { id: cheap.offerId, price: usd(1) }, ana)
    expect((await listed('s-ana', { sort: '-price' }))[0]).toBe(dear.product.id)
    expect((await whole({ seller: 's-ana', category: 'lamps', sort: 'price' })).find((card) => card.price)!.id).toBe(cheap.product.id)
    await call(shop.broker, 'product.update', { id: cheap.product.id, category: 'kettles' }, ana)
    expect(await listed('s-ana')).not.toContain(cheap.product.id)
    expect(await listed('s-ana', { category: 'kettles' })).toContain(cheap.product.id)
    await call(shop.broker, 'product.removeOffer', { id: offerId }, ana)
    expect([(await listed('s-ana')).includes(product.id), (await listed('s-ben')).includes(product.id)]).toEqual([false, true])
    await call(shop.broker, 'product.remove', { id: product.id }, ana)
    expect(await listed('s-ben')).not.toContain(product.id)
  })

  test('holds what they offer and what is theirs and unsold, whatever came before', async () => {
    const wanted = await shop.databases.query<{ seller: string; id: string }>(
      `SELECT DISTINCT o.seller_id AS seller, p.id FROM product.product p JOIN product.offer o ON o.product_id = p.id AND o.active WHERE p.status = 'active'
       UNION SELECT owner_seller_id, id FROM product.product WHERE status = 'active' AND offer_id IS NULL AND owner_seller_id IS NOT NULL`
    )
    for (const seller of ['s-ana', 's-ben']) {
      const ids = wanted.filter((row) => row.seller === seller).map((row) => row.id)
      for (const sort of ['newest', 'price', '-price', 'rating'] as const) {
        const cards = await whole({ seller, sort })
        expect(cards.map((card) => card.id).toSorted()).toEqual(ids.toSorted())
        const prices = cards.map((card) => card.price?.amount ?? 0)
        if (sort.endsWith('price')) expect(prices).toEqual(prices.toSorted((a, b) => (sort === 'price' ? a - b : b - a)))
      }
    }
  })
})
