import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { call } from '../../../mixins/runtime/calls.ts'
import type { OrderView } from '../../../services/order/order.ts'
import { refusal, startMarket, type Buyer, type Market } from '../../support/buying.ts'
import { settledViolations } from '../../support/clean-books.ts'
import { forgetfulProvider } from '../../support/payments.ts'
import { until } from '../../support/until.ts'

const usd = (amount: number) => ({ amount, currency: 'USD' })

describe('money that goes back', () => {
  let market: Market
  beforeAll(async () => {
    market = await startMarket()
  })
  afterAll(async () => {
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 40_000)

  /** Three units of one seller and one of another, captured; delivered too unless told. */
  async function bought({ delivered = true } = {}): Promise<{ buyer: Buyer; a: string; b: string; order: OrderView }> {
    const [a, b] = await Promise.all([market.offer({ price: 1_001 }), market.offer({ sellerId: 's2', price: 700 })])
    const buyer = await market.buyer()
    await buyer.add(a, 3)
    await buyer.add(b)
    const { order } = await buyer.place()
    await buyer.reached(order.id, { payment: 'captured' })
    if (delivered) for (const seller of ['s1', 's2']) await market.parcel(order, seller, 'delivered')
    return { buyer, a, b, order: await buyer.order(order.id) }
  }
  const part = (order: OrderView, sellerId: string): OrderView['subOrders'][number] => order.subOrders.find((s) => s.sellerId === sellerId)!
  const soldBy = async (sellerId: string, subOrderId: string): Promise<string | undefined> =>
    (await call(market.shop.broker, 'seller.orders.list', { sellerId, limit: 100 })).items.find((s) => s.id === subOrderId)?.status

  test('comes in parts with what is returned, and all of it with the last: the shelf, the seller’s list and the provider agree', async () => {
    const { buyer, a, b, order } = await bought()
    expect(order.status).toBe('delivered')
    const key = randomUUID()
    const one = await buyer.giveBack(order.id, [{ offerId: a, quantity: 1 }], key)
    expect(one.order).toMatchObject({ status: 'delivered', payment: { status: 'partially_refunded' }, returns: [{ status: 'refunded', lines: [{ offerId: a, quantity: 1 }] }] })
    expect(await buyer.giveBack(order.id, [{ offerId: a, quantity: 1 }], key)).toEqual({ ...one, status: 201, replayed: true })
    expect(await market.stock(a)).toEqual({ onHand: 8, reserved: 0 })
    expect(await refusal(buyer.giveBack(order.id, [{ offerId: a, quantity: 3 }]))).toBe('validation-failed')
    const two = await buyer.giveBack(order.id, [{ offerId: a, quantity: 1 }, { offerId: a, quantity: 1 }])
    expect(part(two.order, 's1').status).toBe('returned')
    expect(two.order.payment.refunded).toEqual(part(order, 's1').totals.total)
    const { order: all } = await buyer.giveBack(order.id, [{ offerId: b, quantity: 1 }])
    expect(all).toMatchObject({ status: 'refunded', payment: { status: 'refunded', captured: order.totals.total, refunded: order.totals.total } })
    expect(await market.account(order.id)).toMatchObject({ captured: order.totals.total.amount, refunded: order.totals.total.amount })
    expect([await market.stock(a), await market.stock(b)]).toEqual([{ onHand: 10, reserved: 0 }, { onHand: 10, reserved: 0 }])
    await until('the sellers’ lists follow', async () => (await soldBy('s1', part(order, 's1').id)) === 'returned' && (await soldBy('s2', part(order, 's2').id)) === 'returned')
    expect(await refusal(buyer.giveBack(order.id, [{ offerId: b, quantity: 1 }]))).toBe('invalid-transition')
  })

  test('is returned only for what was delivered, and by its buyer', async () => {
    const { buyer, a, order } = await bought({ delivered: false })
    expect(await refusal(buyer.giveBack(order.id, [{ offerId: a, quantity: 1 }]))).toBe('invalid-transition')
    expect(await refusal((await market.buyer()).giveBack(order.id, [{ offerId: a, quantity: 1 }]))).toBe('not-found')
  })

  test('a seller gives back of his own part alone, an administrator of any, and nobody more than is left', async () => {
    const { buyer, a, b, order } = await bought()
    const own = part(order, 's1').totals.total.amount
    expect(await refusal(market.refund(order.id, { sellerId: 's3' }))).toBe('not-found')
    expect(await refusal(market.refund(order.id, { sellerId: 's1', lines: [{ offerId: b, quantity: 1 }] }))).toBe('validation-failed')
    expect(await refusal(market.refund(order.id, { sellerId: 's1', amount: usd(own + 1) }))).toBe('invalid-transition')
    const key = randomUUID()
    const first = await market.refund(order.id, { sellerId: 's1', amount: usd(101) }, key)
    expect(first).toMatchObject({ amount: usd(101), status: 'succeeded' })
    expect(await market.refund(order.id, { sellerId: 's1', amount: usd(101) }, key)).toEqual(first)
    const half = await market.refund(order.id, { amount: usd(200) })
    expect(half.status).toBe('succeeded')
    const rest = await market.refund(order.id, { sellerId: 's1' })
    const { refunds } = (await call(market.shop.broker, 'order.worker.saga', { orderId: order.id })) as { refunds: { sellers: { sellerId: string; amount: number }[] }[] }
    const bySeller = (sellerId: string): number => refunds.flatMap((r) => r.sellers).reduce((n, s) => n + (s.sellerId === sellerId ? s.amount : 0), 0)
    expect(bySeller('s1')).toBe(own)
    expect(rest.amount.amount).toBe(own - 101 - (200 - bySeller('s2')))
    expect(await refusal(market.refund(order.id, { sellerId: 's1', lines: [{ offerId: a, quantity: 1 }] }))).toBe('invalid-transition')
    expect(await refusal(market.refund(order.id, { amount: usd(order.totals.total.amount) }))).toBe('invalid-transition')
    await market.refund(order.id, {})
    expect(await buyer.order(order.id)).toMatchObject({ status: 'refunded', payment: { status: 'refunded', refunded: order.totals.total } })
    const { order: returned } = await buyer.giveBack(order.id, [{ offerId: a, quantity: 3 }])
    expect(returned.returns).toMatchObject([{ status: 'refunded', refund: usd(0) }])
    expect(await market.stock(a)).toEqual({ onHand: 10, reserved: 0 })
  })

  test('is asked for in one way at a time', async () => {
    const { a, order } = await bought({ delivered: false })
    expect(await refusal(market.refund(order.id, { amount: usd(1), lines: [{ offerId: a, quantity: 1 }] }))).toBe('validation-failed')
    expect(await refusal(market.refund(order.id, { amount: { amount: 1, currency: 'EUR' } }))).toBe('validation-failed')
  })

  test('of a lost parcel goes back once, and the order is delivered without it', async () => {
    const { buyer, order } = await bought({ delivered: false })
    await market.parcel(order, 's2', 'picked_up')
    await market.parcel(order, 's2', 'lost')
    await buyer.reached(order.id, { payment: 'partially_refunded' })
    await market.parcel(order, 's1', 'delivered')
    const after = await buyer.reached(order.id, { status: 'delivered' })
    expect(after.payment.refunded).toEqual(part(order, 's2').totals.total)
    await market.parcel(order, 's2', 'delivered') // it was found
    expect((await buyer.order(order.id)).payment.refunded).toEqual(part(order, 's2').totals.total)
  })

  test('of a parcel that came back undelivered goes back with its goods', async () => {
    const { buyer, b, order } = await bought({ delivered: false })
    await market.parcel(order, 's1', 'delivered')
    await market.parcel(order, 's2', 'returned')
    const after = await buyer.reached(order.id, { payment: 'partially_refunded' })
    expect(after).toMatchObject({ status: 'delivered', payment: { refunded: part(order, 's2').totals.total } })
    expect(part(after, 's2').status).toBe('returned')
    await until('its goods are back', async () => (await market.stock(b)).onHand === 10)
  })

  test('two refunds at once do not give back the same money twice', async () => {
    const { order } = await bought({ delivered: false })
    const answers = await Promise.all(Array.from({ length: 4 }, () => refusal(market.refund(order.id, { sellerId: 's1' }))))
    expect(answers.filter((a) => a === null)).toHaveLength(1)
    expect(await market.account(order.id)).toMatchObject({ refunded: part(order, 's1').totals.total.amount })
  })
})

describe('money that goes back while the provider forgets to answer', () => {
  test('goes back once, and the request’s key gets its answer', async () => {
    const market = await startMarket({ without: ['provider'], extra: [forgetfulProvider(['refund'], 3)] })
    const offer = await market.offer()
    const buyer = await market.buyer()
    await buyer.add(offer, 2)
    const { order } = await buyer.place()
    await buyer.reached(order.id, { payment: 'captured' })
    const key = randomUUID()
    const first = await market.refund(order.id, { amount: usd(500) }, key)
    expect(first.status).toBe('pending')
    await buyer.reached(order.id, { payment: 'partially_refunded' })
    expect(await market.refund(order.id, { amount: usd(500) }, key)).toMatchObject({ id: first.id })
    expect(await market.account(order.id)).toMatchObject({ refunded: 500 })
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 60_000)

  test('and is refused where the provider says no: it may be given back another way then', async () => {
    const market = await startMarket()
    const offer = await market.offer()
    const buyer = await market.buyer()
    await buyer.add(offer, 2)
    const { order } = await buyer.place()
    await buyer.reached(order.id, { payment: 'captured' })
    // Somebody gave the money back at the provider's own desk: we do not know of it.
    await market.shop.broker.call('provider.refund', { key: `${order.id}.1`, refundId: 'desk', amount: order.totals.total })
    const key = randomUUID()
    expect(await refusal(market.refund(order.id, {}, key))).toBe('invalid-transition')
    expect(await refusal(market.refund(order.id, {}, key))).toBe('invalid-transition')
    expect(await market.account(order.id)).toMatchObject({ refunded: order.totals.total.amount })
    expect((await buyer.order(order.id)).payment.refunded).toEqual(usd(0))
    await market.shop.stop()
  }, 60_000)
})
