import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { money } from '../../../mixins/primitives/money.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import { HURRIED, refusal, startMarket, type Market } from '../../support/buying.ts'
import { settledViolations } from '../../support/clean-books.ts'
import { databaseIndexOfOrder, newOrderId, OrderStore } from '../../../services/order/order.store.ts'
import { until } from '../../support/until.ts'

describe('placing an order', () => {
  let market: Market
  beforeAll(async () => {
    market = await startMarket({ timings: { ...HURRIED, giveUpAfterMs: 40_000 } })
  })
  afterAll(async () => {
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 40_000)

  test('pays, sells the stock, empties the cart, captures, and has a parcel made per seller', async () => {
    const [a, b] = await Promise.all([market.offer({ onHand: 5 }), market.offer({ sellerId: 's2', price: 999 })])
    const buyer = await market.buyer()
    await buyer.add(a, 2)
    await buyer.add(b)
    const { status, order } = await buyer.place()
    expect(status).toBe(201)
    expect(order.status).toBe('confirmed')
    expect(order.subOrders.map((s) => s.sellerId).sort()).toEqual(['s1', 's2'])
    const { subtotal, discount, shipping, tax, total } = order.totals
    expect(total.amount).toBe(subtotal.amount - discount.amount + shipping.amount + tax.amount)
    expect(await buyer.cart()).toEqual([])
    expect(await market.available(a)).toBe(3)
    await market.sold(a, 3)
    await buyer.reached(order.id, { payment: 'captured' })
    await until('there is a parcel per seller', async () => (await buyer.order(order.id)).subOrders.every((s) => s.shipments.length === 1))
  })

  test('is the same order for two equal requests at once, and for one that comes later', async () => {
    const buyer = await market.buyer()
    await buyer.add(await market.offer())
    const [key, confirmation] = [randomUUID(), buyer.confirmation()]
    const both = await Promise.allSettled([buyer.place({ key, confirmation }), buyer.place({ key, confirmation })])
    const answers = both.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []))
    for (const r of both) if (r.status === 'rejected') expect(problemType(r.reason)).toBe('idempotency-key-in-progress')
    const again = await buyer.place({ key, confirmation })
    expect(again).toEqual({ status: 201, replayed: true, order: answers[0]!.order })
    expect(await refusal(buyer.place({ key, confirmation, coupon: 'OTHER' }))).toBe('idempotency-key-reused')
    expect((await call(market.shop.broker, 'order.worker.list', { buyerId: buyer.id })).items).toHaveLength(1)
    await buyer.reached(again.order.id, { payment: 'captured' })
  })

  test('leaves nothing behind when it is refused, and the key is free where nothing final was said', async () => {
    const offer = await market.offer({ onHand: 1 })
    const buyer = await market.buyer('tok_demo_declined')
    expect(await refusal(buyer.place())).toBe('cart-empty')
    await buyer.add(offer)
    expect(await refusal(buyer.place({ expectedTotal: money(1) }))).toBe('price-changed')
    const key = randomUUID()
    expect(await refusal(buyer.place({ key, confirmation: 'wrong' }))).toBe('identity-confirmation-required')
    expect(await refusal(buyer.place({ key, method: 'none-such' }))).toBe('not-found')
    const confirmation = buyer.confirmation()
    expect(await refusal(buyer.place({ key, confirmation }))).toBe('payment-declined')
    expect(await refusal(buyer.place({ key, confirmation }))).toBe('payment-declined')
    expect(await market.stock(offer)).toEqual({ onHand: 1, reserved: 0 })
    expect(await buyer.cart()).toEqual([{ offerId: offer, quantity: 1 }])
    expect(market.proofs.get(confirmation)).toMatchObject({ holder: null, spent: false })
    expect((await call(market.shop.broker, 'order.worker.list', { buyerId: buyer.id })).items).toEqual([])
  })

  test('sells the last unit once, whoever asks at the same time', async () => {
    const offer = await market.offer({ onHand: 1 })
    const buyers = await Promise.all(Array.from({ length: 8 }, () => market.buyer()))
    await Promise.all(buyers.map((b) => b.add(offer)))
    const results = await Promise.allSettled(buyers.map((b) => b.place()))
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
    for (const r of results) if (r.status === 'rejected') expect(problemType(r.reason)).toBe('out-of-stock')
    expect(await market.available(offer)).toBe(0)
    await market.sold(offer, 0)
  })

  test('uses a coupon as often as it allows, whoever asks at the same time; the others are as they were', async () => {
    const coupon = await market.coupon({ percent: 10, usesTotal: 2 })
    const offer = await market.offer({ onHand: 50 })
    const buyers = await Promise.all(Array.from({ length: 8 }, () => market.buyer()))
    await Promise.all(buyers.map((b) => b.add(offer)))
    const keys = buyers.map(() => randomUUID())
    const confirmations = buyers.map((b) => b.confirmation())
    const answers = await Promise.all(buyers.map((b, i) => refusal(b.place({ coupon, key: keys[i]!, confirmation: confirmations[i]! }))))
    expect(answers.filter((a) => a === null)).toHaveLength(2)
    for (const [i, answer] of answers.entries()) {
      if (answer === null) continue
      expect(answer).toBe('validation-failed')
      expect(await buyers[i]!.cart()).toEqual([{ offerId: offer, quantity: 1 }])
      expect(market.proofs.get(confirmations[i]!)).toMatchObject({ holder: null, spent: false })
    }
    await until('the others’ stock is free', async () => (await market.stock(offer)).onHand === 48 && (await market.stock(offer)).reserved === 0)
  })

  test('is one order of one cart, however many are placed at once with keys of their own', async () => {
    const offer = await market.offer({ onHand: 9 })
    const buyer = await market.buyer()
    await buyer.add(offer, 2)
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => buyer.place()))
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
    for (const r of results) if (r.status === 'rejected') expect(problemType(r.reason)).toBe('cart-empty')
    expect(await market.available(offer)).toBe(7)
    expect(await buyer.cart()).toEqual([])
    await market.sold(offer, 7)
  })

  test('takes all lines or none', async () => {
    const [plenty, none] = await Promise.all([market.offer(), market.offer({ sellerId: 's2', onHand: 0 })])
    const buyer = await market.buyer()
    await buyer.add(plenty)
    await buyer.add(none)
    expect(await refusal(buyer.place())).toBe('out-of-stock')
    expect(await market.stock(plenty)).toEqual({ onHand: 10, reserved: 0 })
  })

  test('is confirmed in the end when the provider is slow, and when its answer is lost, charged once', async () => {
    for (const token of ['tok_demo_slow', 'tok_demo_lost']) {
      const offer = await market.offer()
      const buyer = await market.buyer(token)
      await buyer.add(offer)
      const { status, order } = await buyer.place()
      expect([201, 202]).toContain(status)
      expect(await buyer.cart()).toEqual([])
      await buyer.reached(order.id, { payment: 'captured' })
      expect((await buyer.order(order.id)).status).not.toBe('payment_pending')
    }
  }, 60_000)

  test('asks for no payment when a coupon pays it all, and can be cancelled and returned like any other', async () => {
    const coupon = await market.coupon({ percent: 100 })
    const offer = await market.offer()
    const buyer = await market.buyer('tok_demo_declined', { prime: true })
    const free = async () => {
      await buyer.add(offer)
      const { status, order } = await buyer.place({ coupon })
      expect(status).toBe(201)
      expect(order).toMatchObject({ status: 'confirmed', totals: { total: { amount: 0 } }, payment: { status: null, captured: { amount: 0 } } })
      await until('it has a parcel', async () => (await buyer.order(order.id)).subOrders[0]!.shipments.length === 1)
      return order
    }
    const one = await free()
    expect((await buyer.cancel(one.id)).order).toMatchObject({ status: 'cancelled', payment: { status: null } })
    expect(await market.account(one.id)).toBeNull()
    const two = await free()
    await market.parcel(two, 's1', 'delivered')
    expect((await buyer.giveBack(two.id, [{ offerId: offer, quantity: 1 }])).order.status).toBe('refunded')
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
  })

  test('leaves nothing behind of a refused order but a dead row, which is swept after days', async () => {
    const offer = await market.offer({ onHand: 0 })
    const buyer = await market.buyer()
    await buyer.add(offer)
    const orderId = newOrderId(buyer.id)
    expect(await refusal(buyer.place({ orderId }))).toBe('out-of-stock')
    expect(await refusal(buyer.order(orderId))).toBe('not-found')
    expect(await refusal(buyer.cancel(orderId))).toBe('not-found')
    expect(await refusal(buyer.place({ orderId }))).toBe('conflict')
    const store = new OrderStore()
    const url = market.shop.databases.orders[databaseIndexOfOrder(orderId)]!
    const count = async () => (await market.shop.databases.query<{ n: number }>(`SELECT ((SELECT count(*) FROM orders.actor WHERE key = $1) + (SELECT count(*) FROM orders.buyer_order WHERE order_id = $1))::int AS n`, [orderId], url))[0]!.n
    await store.sweepRefused()
    expect(await count()).toBe(2)
    await market.shop.databases.query(`UPDATE orders.buyer_order SET refused_at = now() - interval '4 days' WHERE order_id = $1`, [orderId], url)
    await store.sweepRefused()
    expect(await count()).toBe(0)
    await store.close()
  })
})
