import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { HURRIED, refusal, startMarket, type Buyer, type Market } from '../../support/buying.ts'
import { settledViolations } from '../../support/clean-books.ts'
import { until } from '../../support/until.ts'

describe('paying an order again', () => {
  let market: Market
  beforeAll(async () => {
    market = await startMarket()
  })
  afterAll(async () => {
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 40_000)

  /** An order of two units that nobody could settle: `payment_failed`. */
  async function unpaid(options: { onHand?: number } = {}): Promise<{ buyer: Buyer; offer: string; id: string }> {
    const offer = await market.offer(options)
    const buyer = await market.buyer('tok_demo_down')
    await buyer.add(offer, 2)
    const { status, order } = await buyer.place()
    expect([status, order.status, order.payment.status]).toEqual([202, 'payment_pending', 'unknown'])
    await buyer.reached(order.id, { status: 'payment_failed' })
    return { buyer, offer, id: order.id }
  }

  test('a payment that nobody can settle is given up in time: the stock is free, the cart stays empty, the provider can never hold it', async () => {
    const { buyer, offer, id } = await unpaid()
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    expect(await buyer.cart()).toEqual([])
    expect((await buyer.order(id)).payment.status).toBe('voided')
    expect(await market.account(id)).toMatchObject({ state: 'voided' })
  })

  test('reserves anew and charges the accepted price, whatever the offer costs now', async () => {
    const { buyer, offer, id } = await unpaid()
    const { totals } = await buyer.order(id)
    await market.shop.databases.query('UPDATE product.offer SET price = price + 500 WHERE id = $1', [offer])
    const key = randomUUID()
    const paid = await buyer.pay(id, 'tok_demo_ok', { key })
    expect(paid).toMatchObject({ status: 200, order: { status: 'confirmed', totals } })
    expect(await buyer.pay(id, 'tok_demo_ok', { key })).toMatchObject({ status: 200, replayed: true })
    await buyer.reached(id, { payment: 'captured' })
    expect(await market.stock(offer)).toEqual({ onHand: 8, reserved: 0 })
    expect(await market.account(id, 2)).toMatchObject({ captured: totals.total.amount })
    expect(await refusal(buyer.pay(id, 'tok_demo_ok'))).toBe('invalid-transition')
  })

  test('leaves what is in the cart by now alone', async () => {
    const { buyer, id } = await unpaid()
    const other = await market.offer()
    await buyer.add(other)
    await buyer.pay(id, 'tok_demo_ok')
    await buyer.reached(id, { payment: 'captured' })
    expect(await buyer.cart()).toEqual([{ offerId: other, quantity: 1 }])
  })

  test('wants a fresh proof that is meant for a payment', async () => {
    const { buyer, id } = await unpaid()
    for (const confirmation of ['wrong', buyer.confirmation('checkout')]) {
      const key = randomUUID()
      expect(await refusal(buyer.pay(id, 'tok_demo_ok', { key, confirmation }))).toBe('identity-confirmation-required')
      expect(await market.record(buyer.operationId('pay', key))).toBeUndefined()
    }
    expect((await buyer.order(id)).status).toBe('payment_failed')
    const confirmation = buyer.confirmation('payment')
    await buyer.pay(id, 'tok_demo_ok', { confirmation })
    await until('the proof is spent', () => market.proofs.get(confirmation)!.spent)
  })

  test('is out of stock when somebody bought it meanwhile, and declined where the money is not there: the order waits on', async () => {
    const { buyer, offer, id } = await unpaid({ onHand: 2 })
    const declined = await refusal(buyer.pay(id, 'tok_demo_declined'))
    expect(declined).toBe('payment-declined')
    expect(await buyer.order(id)).toMatchObject({ status: 'payment_failed', payment: { status: 'declined' } })
    const rival = await market.buyer()
    await rival.add(offer)
    await rival.place()
    const confirmation = buyer.confirmation('payment')
    const key = randomUUID()
    expect(await refusal(buyer.pay(id, 'tok_demo_ok', { key, confirmation }))).toBe('out-of-stock')
    expect(await refusal(buyer.pay(id, 'tok_demo_ok', { key, confirmation }))).toBe('out-of-stock')
    expect(await buyer.order(id)).toMatchObject({ status: 'payment_failed', payment: { status: 'voided' } })
    expect(market.proofs.get(confirmation)).toMatchObject({ holder: null, spent: false })
    await market.sold(offer, 1)
    expect((await buyer.order(id)).timeline.at(-1)!.status).toBe('payment_failed')
  })

  test('may go unsettled as well, and be cancelled while it does', async () => {
    const { buyer, offer, id } = await unpaid()
    const key = randomUUID()
    expect(await buyer.pay(id, 'tok_demo_down', { key })).toMatchObject({ status: 202, order: { status: 'payment_pending' } })
    await buyer.reached(id, { status: 'payment_failed' })
    expect((await buyer.pay(id, 'tok_demo_down')).status).toBe(202)
    expect((await buyer.cancel(id)).order).toMatchObject({ status: 'cancelled', payment: { status: 'voided' } })
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
  })

  test('and cancelling it at the same moment: one of them wins, and neither leaves anything behind', async () => {
    for (let i = 0; i < 6; i++) {
      const { buyer, offer, id } = await unpaid()
      const key = randomUUID()
      const pay = refusal(buyer.pay(id, 'tok_demo_ok', { key }))
      await new Promise((resolve) => setTimeout(resolve, i * 3))
      const cancel = await refusal(buyer.cancel(id))
      const paid = await pay
      expect([null, 'invalid-transition']).toContain(paid)
      expect(cancel).toBeNull()
      const order = await buyer.order(id)
      expect(order.status).toBe('cancelled')
      expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
      expect([null, undefined]).not.toContain(paid === null ? await market.record(buyer.operationId('pay', key)) : 409)
    }
  }, 60_000)

  test('is not for others', async () => {
    const { id } = await unpaid()
    expect(await refusal((await market.buyer()).pay(id, 'tok_demo_ok'))).toBe('not-found')
  })
})

describe('an order that nobody pays', () => {
  test('is cancelled when its day is over, and gives its coupon back', async () => {
    const market = await startMarket({ timings: { ...HURRIED, payAgainWithinMs: 1_500 } })
    const coupon = await market.coupon({ percent: 10, usesTotal: 1 })
    const offer = await market.offer()
    const buyer = await market.buyer('tok_demo_down')
    await buyer.add(offer)
    const { order } = await buyer.place({ coupon })
    await buyer.reached(order.id, { status: 'payment_failed' })
    const cancelled = await buyer.reached(order.id, { status: 'cancelled', payment: 'voided' })
    expect(cancelled.timeline.at(-1)).toMatchObject({ status: 'cancelled', note: 'not paid within 24 hours' })
    const other = await market.buyer()
    await other.add(offer)
    const second = await other.place({ coupon })
    await other.reached(second.order.id, { payment: 'captured' })
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 60_000)
})
