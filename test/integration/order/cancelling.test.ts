import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { call } from '../../../mixins/runtime/calls.ts'
import { refusal, startMarket, type Buyer, type Market } from '../../support/buying.ts'
import { settledViolations } from '../../support/clean-books.ts'
import { until } from '../../support/until.ts'

describe('cancelling an order', () => {
  let market: Market
  beforeAll(async () => {
    market = await startMarket()
  })
  afterAll(async () => {
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 40_000)

  async function ordered(token = 'tok_demo_ok', { coupon }: { coupon?: string } = {}): Promise<{ buyer: Buyer; offer: string; id: string; status: number }> {
    const offer = await market.offer()
    const buyer = await market.buyer(token)
    await buyer.add(offer, 2)
    const { order, status } = await buyer.place(coupon === undefined ? {} : { coupon })
    return { buyer, offer, id: order.id, status }
  }

  test('gives the captured money back, the stock to the shelf, and the coupon to its buyer; the same key gets the same answer', async () => {
    const coupon = await market.coupon({ percent: 10, usesPerBuyer: 1 })
    const { buyer, offer, id } = await ordered('tok_demo_ok', { coupon })
    const { totals } = await buyer.reached(id, { payment: 'captured' })
    expect(await market.stock(offer)).toEqual({ onHand: 8, reserved: 0 })
    const key = randomUUID()
    const first = await buyer.cancel(id, key)
    expect(first).toMatchObject({ status: 200, replayed: false, order: { status: 'cancelled', payment: { status: 'refunded', captured: totals.total, refunded: totals.total } } })
    expect(first.order.subOrders.map((s) => s.status)).toEqual(['cancelled'])
    expect(await buyer.cancel(id, key)).toEqual({ ...first, replayed: true })
    expect(await refusal(buyer.cancel(id))).toBe('invalid-transition')
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    expect(await market.account(id)).toMatchObject({ captured: totals.total.amount, refunded: totals.total.amount })
    await buyer.add(offer)
    expect((await buyer.place({ coupon })).status).toBe(201)
  })

  test('voids a payment that is still pending', async () => {
    const { buyer, offer, id, status } = await ordered('tok_demo_down')
    expect(status).toBe(202)
    const { order } = await buyer.cancel(id)
    expect(order).toMatchObject({ status: 'cancelled', payment: { status: 'voided', captured: { amount: 0 } } })
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    expect(await market.account(id)).toMatchObject({ state: 'voided', captured: 0 })
    expect((await buyer.order(id)).timeline.map((t) => t.status)).toEqual(['payment_pending', 'cancelled'])
  })

  test('voids a payment whose answer was lost, wherever it stands', async () => {
    for (const token of ['tok_demo_lost', 'tok_demo_slow']) {
      const { buyer, offer, id } = await ordered(token)
      expect((await buyer.cancel(id)).order.status).toBe('cancelled')
      const order = await until('its money is released', async () => {
        const now = await buyer.order(id)
        return now.payment.status === 'voided' || now.payment.status === 'refunded' ? now : null
      })
      expect(order.payment.captured).toEqual(order.payment.refunded)
      expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    }
  }, 40_000)

  test('is possible after the payment failed', async () => {
    const { buyer, offer, id } = await ordered('tok_demo_down')
    await buyer.reached(id, { status: 'payment_failed' })
    expect((await buyer.cancel(id)).order).toMatchObject({ status: 'cancelled', payment: { status: 'voided' } })
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
  })

  test('is too late once a parcel has left: the order goes on, and the answer stays', async () => {
    const [a, b] = await Promise.all([market.offer(), market.offer({ sellerId: 's2' })])
    const buyer = await market.buyer()
    await buyer.add(a)
    await buyer.add(b)
    const { order } = await buyer.place()
    await buyer.reached(order.id, { payment: 'captured' })
    // The carrier has it, and the order does not know that yet.
    const { items } = await call(market.shop.broker, 'logistics.worker.shipmentsOf', { orderIds: [order.id] })
    const key = randomUUID()
    const [report, cancel] = await Promise.allSettled([
      call(market.shop.broker, 'logistics.worker.event', { shipmentId: items[0]!.shipment.id, status: 'picked_up', at: new Date().toISOString() }),
      buyer.cancel(order.id, key)
    ])
    if (report.status === 'rejected') {
      expect(cancel.status).toBe('fulfilled') // the cancel was first: then the parcel must not leave
      return
    }
    expect(await refusal(Promise.resolve().then(() => (cancel.status === 'rejected' ? Promise.reject(cancel.reason as Error) : null)))).toBe('invalid-transition')
    expect(await refusal(buyer.cancel(order.id, key))).toBe('invalid-transition')
    await until('one parcel is packed and one is on its way', async () => {
      const after = await buyer.order(order.id)
      return after.status === 'shipped' && after.payment.status === 'captured' && after.subOrders.map((s) => s.status).sort().join() === 'packed,shipped'
    })
    expect(await refusal(buyer.cancel(order.id))).toBe('invalid-transition')
  })

  test('either wins against capture and shipping or undoes them, whenever it comes', async () => {
    const offer = await market.offer({ onHand: 100 })
    const orders = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const buyer = await market.buyer()
        await buyer.add(offer)
        const { order } = await buyer.place()
        await new Promise((resolve) => setTimeout(resolve, i * 2))
        const { order: cancelled } = await buyer.cancel(order.id)
        expect(cancelled.status).toBe('cancelled')
        return { buyer, id: order.id }
      })
    )
    for (const { buyer, id } of orders) {
      const order = await until('its money is back', async () => {
        const now = await buyer.order(id)
        return now.payment.status === 'voided' || now.payment.status === 'refunded' ? now : null
      })
      expect(order.payment.captured).toEqual(order.payment.refunded)
      const { items } = await call(market.shop.broker, 'logistics.worker.shipmentsOf', { orderIds: [id] })
      expect(items).toEqual([])
    }
    expect(await market.stock(offer)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('of two at once one cancels, and both keys have an answer', async () => {
    const { buyer, id } = await ordered()
    const keys = [randomUUID(), randomUUID()]
    const both = await Promise.all(keys.map((key) => refusal(buyer.cancel(id, key))))
    expect(both.sort()).toEqual(['invalid-transition', null])
    const same = await ordered()
    const key = randomUUID()
    for (const answer of await Promise.all([refusal(same.buyer.cancel(same.id, key)), refusal(same.buyer.cancel(same.id, key))])) expect([null, 'idempotency-key-in-progress']).toContain(answer)
    expect(await same.buyer.cancel(same.id, key)).toMatchObject({ status: 200, replayed: true, order: { status: 'cancelled' } })
  })

  test('is not for others, nor for what does not exist', async () => {
    const { id } = await ordered()
    const stranger = await market.buyer()
    expect(await refusal(stranger.cancel(id))).toBe('not-found')
    expect(await refusal(stranger.cancel('no-such-order'))).toBe('not-found')
  })

  test('gives back what is left after an earlier refund, and then nothing more can be refunded', async () => {
    const { buyer, id } = await ordered()
    const { totals } = await buyer.reached(id, { payment: 'captured' })
    await market.refund(id, { amount: { amount: 300, currency: 'USD' } })
    expect((await buyer.cancel(id)).order.payment).toEqual({ status: 'refunded', captured: totals.total, refunded: totals.total })
    expect(await market.account(id)).toMatchObject({ refunded: totals.total.amount })
    expect(await refusal(market.refund(id, { amount: { amount: 1, currency: 'USD' } }))).toBe('invalid-transition')
    expect(await refusal(market.refund(id, {}))).toBe('invalid-transition')
  })
})
