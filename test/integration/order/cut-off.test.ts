import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newOrderId } from '../../../services/order/order.store.ts'
import { startMarket, type Buyer, type Market } from '../../support/buying.ts'
import { settledViolations } from '../../support/clean-books.ts'
import { OrderThreads } from '../../support/order-threads.ts'
import { until } from '../../support/until.ts'

describe('the thread of an order that dies half way', () => {
  const threads = new OrderThreads()
  let market: Market
  beforeAll(async () => {
    market = await startMarket({ without: ['order.worker'], broker: threads.into })
    await threads.start(market.shop.broker)
  }, 60_000)
  afterAll(async () => {
    const wrong = await settledViolations(market.shop.databases)
    await threads.stop()
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 60_000)

  async function prepared(token: string, onHand = 10): Promise<{ buyer: Buyer; orderId: string; offer: string; key: string }> {
    const offer = await market.offer({ onHand })
    const buyer = await market.buyer(token)
    await buyer.add(offer)
    return { buyer, orderId: newOrderId(buyer.id), offer, key: randomUUID() }
  }
  const answered = (buyer: Buyer, what: Parameters<Buyer['operationId']>[0], key: string): Promise<number> =>
    until('the key has its final answer', () => market.record(buyer.operationId(what, key)))
  const lost = (request: Promise<unknown>): Promise<unknown> => request.catch(() => null)

  // A thread starts anew for each point: of two that differ little (after one step, before the next), one is here.
  test.each([
    ['before', 'payment.worker.intent'],
    ['after', 'inventory.worker.reserve'],
    ['before', 'payment.worker.authorize'],
    ['after', 'payment.worker.authorize'],
    ['after', 'inventory.worker.take'],
    ['after', 'cart.worker.take'],
    ['before', 'payment.worker.capture'],
    ['after', 'logistics.worker.ship']
  ] as const)('%s %s: the order is placed all the same, and its buyer hears so at once', async (when, action) => {
    const coupon = await market.coupon({ percent: 5 })
    const { buyer, orderId, offer, key } = await prepared('tok_demo_ok')
    const { ended } = await threads.crash(orderId, { action, when })
    const [placed] = await Promise.all([buyer.place({ orderId, key, coupon }), ended])
    expect(placed).toMatchObject({ status: 201, order: { id: orderId, status: 'confirmed' } })
    await buyer.reached(orderId, { payment: 'captured' })
    expect(await market.stock(offer)).toEqual({ onHand: 9, reserved: 0 })
    await until('its cart is empty', async () => (await buyer.cart()).length === 0)
    expect(await market.account(orderId)).toMatchObject({ state: 'captured', entries: 2 })
    expect(await buyer.place({ key, coupon })).toMatchObject({ status: 201, replayed: true, order: { id: orderId } })
  }, 60_000)

  test.each([
    ['before', 'inventory.worker.release'],
    ['after', 'inventory.worker.release']
  ] as const)('%s %s of a declined order: it is declined in the end, and all is as it was', async (when, action) => {
    const coupon = await market.coupon({ percent: 5 })
    const { buyer, orderId, offer, key } = await prepared('tok_demo_declined')
    const { ended } = await threads.crash(orderId, { action, when })
    await Promise.all([lost(buyer.place({ orderId, key, coupon })), ended])
    expect(await answered(buyer, 'place', key)).toBe(402)
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    expect(await buyer.cart()).toEqual([{ offerId: offer, quantity: 1 }])
  }, 60_000)

  test.each([
    ['after', 'payment.worker.void'],
    ['after', 'inventory.worker.release']
  ] as const)('%s %s of an order that nobody can settle: it is given up in the end', async (when, action) => {
    const { buyer, orderId, offer, key } = await prepared('tok_demo_down')
    const { ended } = await threads.crash(orderId, { action, when })
    await Promise.all([lost(buyer.place({ orderId, key })), ended])
    expect(await answered(buyer, 'place', key)).toBe(202)
    await buyer.reached(orderId, { status: 'payment_failed', payment: 'voided' })
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    expect(await buyer.cart()).toEqual([])
  }, 60_000)

  test.each([
    ['after', 'logistics.worker.cancel'],
    ['after', 'inventory.worker.restock'],
    ['after', 'payment.worker.refund']
  ] as const)('%s %s of a cancel: it is cancelled in the end, its money back once', async (when, action) => {
    const { buyer, orderId, offer } = await prepared('tok_demo_ok')
    await buyer.place({ orderId })
    await buyer.reached(orderId, { payment: 'captured' })
    const { ended } = await threads.crash(orderId, { action, when })
    const key = randomUUID()
    await Promise.all([lost(buyer.cancel(orderId, key)), ended])
    expect([200, 202]).toContain(await answered(buyer, 'cancel', key))
    await buyer.reached(orderId, { status: 'cancelled', payment: 'refunded' })
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    expect(await market.account(orderId)).toMatchObject({ entries: 3 })
  }, 60_000)

  test.each([
    ['after', 'inventory.worker.restock'],
    ['after', 'payment.worker.refund']
  ] as const)('%s %s of a return: goods and money are back once', async (when, action) => {
    const { buyer, orderId, offer } = await prepared('tok_demo_ok')
    await buyer.place({ orderId })
    await buyer.reached(orderId, { payment: 'captured' })
    await market.parcel(await buyer.order(orderId), 's1', 'delivered')
    const { ended } = await threads.crash(orderId, { action, when })
    const key = randomUUID()
    await Promise.all([lost(buyer.giveBack(orderId, [{ offerId: offer, quantity: 1 }], key)), ended])
    expect(await answered(buyer, 'return', key)).toBe(201)
    await buyer.reached(orderId, { status: 'refunded' })
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    expect(await market.account(orderId)).toMatchObject({ entries: 3 })
  }, 60_000)
})
