import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cleanUp } from '../support/node-process.ts'
import { Shopper, type Answer } from '../support/shopper.ts'
import { settledViolations } from '../support/clean-books.ts'
import { until } from '../support/until.ts'
import { startWholeShop, type WholeShop } from '../support/whole-shop.ts'

interface Money {
  amount: number
  currency: string
}
interface Card {
  id: string
  title: string
  brand: string
  offerId: string
  sellerId: string
  price: Money
  availability: string
}
interface Order {
  id: string
  status: string
  totals: Record<'subtotal' | 'discount' | 'shipping' | 'tax' | 'total', Money>
  payment: { status: string }
  subOrders: { sellerId: string; status: string; shipments: { trackingNumber: string }[] }[]
}

const typeOf = (answer: Answer): string => String(answer.body['type']).split('/').at(-1)!
const orderOf = ({ body }: Answer): Order => body as unknown as Order

describe('the purchase path, over HTTP on a whole node', () => {
  let shop: WholeShop
  let cards: Card[]
  const as = async (email: string): Promise<Shopper> => {
    const person = new Shopper(shop.url)
    const { body } = await person.send('POST', '/auth/login', { email, password: 'souk-demo-2026' })
    person.token = String(body['accessToken'])
    return person
  }
  const newShopper = async (): Promise<Shopper> => {
    const shopper = new Shopper(shop.url)
    await shopper.register()
    return shopper
  }
  const orderWhen = (shopper: Shopper, id: string, what: string, ready: (order: Order) => boolean): Promise<Order> =>
    until(`order ${id} is ${what}`, async () => {
      const order = orderOf(await shopper.send('GET', `/orders/${id}`))
      return ready(order) ? order : null
    })

  beforeAll(async () => {
    shop = await startWholeShop({ SOUK_DEMO_CARRIER_S: '2' })
    const { body } = await new Shopper(shop.url).send('GET', '/products?limit=60')
    cards = (body['items'] as Card[]).filter((c) => c.availability === 'in_stock')
  }, 150_000)
  afterAll(async () => {
    await cleanUp()
  }, 40_000)

  test('what is listed can be found: by its words, with a typing error, and through its facets', async () => {
    const visitor = new Shopper(shop.url)
    const word = cards.map((c) => /\p{L}{7,}/u.exec(c.title)?.[0]).find(Boolean)!
    const found = (await visitor.send('GET', `/search?q=${word}`)).body as { total: number; items: Card[]; facets: Record<string, { value: string; count: number }[]> }
    expect(found.total).toBeGreaterThan(0)
    const brand = found.facets['brand']![0]!
    expect((await visitor.send('GET', `/search?q=${word}&brand=${encodeURIComponent(brand.value)}`)).body['total']).toBe(brand.count)
    expect((await visitor.send('GET', `/search?q=${word.slice(0, 2)}${word[3]}${word[2]}${word.slice(4)}`)).body['total']).toBeGreaterThan(0)
    expect((await visitor.send('GET', `/search/suggest?q=${word.slice(0, 3)}`)).body['items']).not.toEqual([])
  })

  test("a guest's cart is the shopper's after the login, and becomes one order per seller, paid, sent and delivered", async () => {
    const first = cards[0]!
    const second = cards.find((c) => c.sellerId !== first.sellerId)!
    const shopper = await newShopper()
    const added = await new Shopper(shop.url).send('POST', '/cart/lines', { offerId: first.offerId, quantity: 2 })
    const login = await shopper.send('POST', '/auth/login', { email: (await shopper.send('GET', '/me')).body['email'], password: shopper.password }, { 'souk-cart': added.headers.get('souk-cart')! })
    shopper.token = String(login.body['accessToken'])
    await shopper.add(second.offerId)
    const cart = (await shopper.send('GET', '/cart')).body as { lines: { offerId: string; quantity: number }[] }
    expect(cart.lines.map((l) => [l.offerId, l.quantity])).toEqual([[first.offerId, 2], [second.offerId, 1]])

    const key = randomUUID()
    const placed = await shopper.checkout({ key })
    expect(placed.status).toBe(201)
    const { totals, id } = orderOf(placed)
    expect(totals.total.amount).toBe(totals.subtotal.amount - totals.discount.amount + totals.shipping.amount + totals.tax.amount)
    expect((await shopper.send('GET', '/cart')).body['lines']).toEqual([])
    const delivered = await orderWhen(shopper, id, 'delivered', (o) => o.status === 'delivered')
    expect(delivered.payment.status).toBe('captured')
    expect(delivered.subOrders.map((s) => s.sellerId).sort()).toEqual([first.sellerId, second.sellerId].sort())
    expect(delivered.subOrders.every((s) => s.shipments.length === 1)).toBe(true)
    expect((await (await newShopper()).send('GET', `/orders/${id}`)).status).toBe(404)
    expect((await new Shopper(shop.url).send('GET', `/orders/${id}`)).status).toBe(401)
  }, 60_000)

  test('refusals leave cart and stock as they were; cancelling gives everything back', async () => {
    const shopper = await newShopper()
    await shopper.add(cards[1]!.offerId)
    const declined = await shopper.checkout({ token: 'tok_demo_declined' })
    expect([declined.status, typeOf(declined)]).toEqual([402, 'payment-declined'])
    expect((await shopper.send('GET', '/cart')).body['lines']).toHaveLength(1)
    const { status, body } = await shopper.checkout({ coupon: 'SOUK10' })
    expect(status).toBe(201)
    expect((body['totals'] as Order['totals']).discount.amount).toBeGreaterThan(0)
    const cancelled = await shopper.cancel(String(body['id']))
    expect([200, 202]).toContain(cancelled.status)
    await orderWhen(shopper, String(body['id']), 'cancelled and its money free', (o) => o.status === 'cancelled' && ['voided', 'refunded'].includes(o.payment.status))
    expect(typeOf(await shopper.cancel(String(body['id'])))).toBe('invalid-transition')
  })

  test("a seller's new product is found, and its last unit is sold once", async () => {
    const seller = await as('seller@souk.example')
    const categories = (await seller.send('GET', '/categories')).body['items'] as { id: string; slug: string; parentId: string | null }[]
    const leaf = categories.find((c) => !categories.some((d) => d.parentId === c.id))!
    const title = `Zephyrine lantern ${randomUUID().slice(0, 8)}`
    const product = (await seller.send('POST', '/products', { title, brand: 'Zephyrine', category: leaf.slug, description: 'A lantern for windy nights.' })).body
    const offer = (await seller.send('POST', `/products/${product['id']}/offers`, { price: { amount: 2_500, currency: 'USD' }, condition: 'new', handlingDays: 1 })).body
    expect((await seller.send('PUT', `/offers/${offer['id']}/stock`, { onHand: 1 })).body).toEqual({ onHand: 1, reserved: 0, available: 1 })
    await until('the product is found', async () => ((await seller.send('GET', `/search?q=${encodeURIComponent(title)}`)).body['items'] as Card[]).some((c) => c.id === product['id']))

    const buyers = await Promise.all(Array.from({ length: 5 }, newShopper))
    for (const buyer of buyers) await buyer.add(String(offer['id']))
    const answers = await Promise.all(buyers.map((b) => b.checkout()))
    expect(answers.filter((a) => a.status === 201)).toHaveLength(1)
    expect(answers.filter((a) => a.status !== 201).map(typeOf)).toEqual(Array.from({ length: 4 }, () => 'out-of-stock'))
    await until("the seller's list shows the sale", async () => ((await seller.send('GET', '/sellers/me/orders')).body['items'] as { lines: { offerId: string }[] }[]).some((o) => o.lines.some((l) => l.offerId === offer['id'])))
  }, 60_000)

  test('Prime changes the profile and makes standard shipping free', async () => {
    const shopper = await newShopper()
    const subscribed = await shopper.insist('POST', '/subscriptions', { plan: 'prime-monthly', paymentMethodId: await shopper.method('tok_demo_ok'), confirmation: await shopper.confirm('payment') }, { 'idempotency-key': randomUUID() })
    expect([201, 202]).toContain(subscribed.status)
    await until('the profile shows Prime', async () => (await shopper.send('GET', '/me')).body['subscription'] !== null)
    await shopper.add(cards[2]!.offerId)
    expect(orderOf(await shopper.checkout()).totals.shipping.amount).toBe(0)
  })

  test('an administrator sees both books of an order and the day’s sales; others do not', async () => {
    const [admin, shopper] = [await as('admin@souk.example'), await newShopper()]
    await shopper.add(cards[3]!.offerId)
    const { body } = await shopper.checkout({ token: 'tok_demo_lost' })
    await orderWhen(shopper, String(body['id']), 'paid', (o) => o.payment.status === 'captured')
    const books = (await admin.send('GET', `/orders/${body['id']}/payments`)).body as { items: { kind: string; status: string }[]; provider: { kind: string; status: string }[] }
    for (const rows of [books.items, books.provider]) expect(rows.filter((r) => r.kind === 'authorize' && r.status === 'succeeded')).toHaveLength(1)
    expect((await shopper.send('GET', `/orders/${body['id']}/payments`)).status).toBe(403)
    expect((await shopper.send('GET', '/analytics/sales')).status).toBe(403)
  }, 60_000)

  test('operators see load, errors and times of every service; afterwards the books are right', async () => {
    const metrics = await (await fetch(`${shop.operations}/metrics`)).text()
    expect(metrics).toMatch(/action="order\.worker\.place"/)
    expect(metrics).toMatch(/^nodejs_|^process_|souk_/m)
    expect((await fetch(`${shop.operations}/healthz`)).status).toBe(200)
    expect((await fetch(`${shop.operations}/readyz`)).status).toBe(200)
    expect(await settledViolations(shop.databases())).toEqual([])
  }, 40_000)
})
