import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { call } from '../../../mixins/runtime/calls.ts'
import { newOrderId } from '../../../services/order/order.store.ts'
import { HURRIED, startMarket, type Buyer, type Market } from '../../support/buying.ts'
import { CallFaults, type Fault } from '../../support/call-faults.ts'
import { settledViolations } from '../../support/clean-books.ts'
import { until } from '../../support/until.ts'

const FAULTS: readonly Fault[] = ['fails', 'loses its answer', 'hangs']

/** Work that leads over a neighbour, and what must be true in the end whatever became of that one call. */
interface Case {
  buyer: Buyer
  orderId: string
  offer: string
  key: string
}

describe('a neighbour that fails once, whose answer is lost, or that does not answer', () => {
  const faults = new CallFaults()
  let market: Market
  beforeAll(async () => {
    market = await startMarket({ broker: faults.into })
  })
  afterAll(async () => {
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
    expect(faults.allMet).toBe(true)
  }, 40_000)

  async function prepared(token: string, onHand = 10): Promise<Case> {
    const offer = await market.offer({ onHand })
    const buyer = await market.buyer(token)
    await buyer.add(offer)
    return { buyer, orderId: newOrderId(buyer.id), offer, key: randomUUID() }
  }

  /** The request's own answer may be a fault; the record of its key must come to an end: a status, or (freed) none. */
  const tried = (request: Promise<unknown>): Promise<unknown> => request.catch((error: unknown) => error)
  const answered = (buyer: Buyer, what: Parameters<Buyer['operationId']>[0], key: string): Promise<number> =>
    until('the key has its final answer', () => market.record(buyer.operationId(what, key)))

  async function confirmed({ buyer, orderId, key, offer }: Case, coupon?: string): Promise<void> {
    await tried(buyer.place({ orderId, key, ...(coupon === undefined ? {} : { coupon }) }))
    expect([201, 202]).toContain(await answered(buyer, 'place', key))
    await buyer.reached(orderId, { payment: 'captured' })
    await until('its cart is empty', async () => (await buyer.cart()).length === 0)
    expect(await market.stock(offer)).toEqual({ onHand: 9, reserved: 0 })
    expect(await market.account(orderId)).toMatchObject({ state: 'captured', entries: 2 })
    await until('it has its parcel', async () => (await buyer.order(orderId)).subOrders[0]!.shipments.length === 1)
  }

  async function refused({ buyer, orderId, key, offer }: Case, status: number, coupon?: string): Promise<void> {
    const before = await market.stock(offer)
    const confirmation = buyer.confirmation()
    await tried(buyer.place({ orderId, key, confirmation, ...(coupon === undefined ? {} : { coupon }) }))
    expect(await answered(buyer, 'place', key)).toBe(status)
    expect(await market.stock(offer)).toEqual(before)
    expect(market.proofs.get(confirmation)).toMatchObject({ holder: null, spent: false })
    expect(await buyer.cart()).toEqual([{ offerId: offer, quantity: 1 }])
  }

  test('captures nothing that is not confirmed, and ships nothing that is not captured', async () => {
    const seen: string[] = []
    const phaseOf = async (orderId: string): Promise<string> => ((await call(market.shop.broker, 'order.worker.saga', { orderId })) as { phase: string }).phase
    faults.watch('payment.worker.capture', async (params) => void seen.push(`captured ${await phaseOf((params as { paymentId: string }).paymentId.replace(/\.1$/, ''))}`))
    faults.watch('logistics.worker.ship', async (params) => void seen.push(`shipped ${(await market.account((params as { orderId: string }).orderId))?.state}`))
    await confirmed(await prepared('tok_demo_ok'))
    expect(seen).toEqual(['captured paid', 'shipped captured'])
  })

  test('cancels an order whose money the provider withdrew before it was captured', async () => {
    const { buyer, orderId, offer } = await prepared('tok_demo_ok')
    faults.watch('payment.worker.capture', async (params) => {
      const { paymentId } = params as { paymentId: string }
      if (paymentId.startsWith(orderId)) await market.shop.broker.call('provider.void', { key: paymentId })
    })
    expect((await buyer.place({ orderId })).status).toBe(201)
    const order = await buyer.reached(orderId, { status: 'cancelled', payment: 'voided' })
    expect(order.timeline.at(-1)).toMatchObject({ note: 'the payment was withdrawn' })
    expect(order.subOrders[0]!.shipments).toEqual([])
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
  })

  const each = (actions: readonly string[], run: (action: string) => Promise<void>): Promise<unknown> => Promise.all(actions.map(run))

  test.each(FAULTS)('on the way to a confirmed order: %s', async (fault) => {
    const coupon = await market.coupon({ percent: 5 })
    await each(
      [
        'cart.worker.claim', 'auth.worker.holdProof', 'payment.worker.intent', 'inventory.worker.reserve', 'pricing.worker.takeCoupon', 'payment.worker.authorize',
        'inventory.worker.take', 'auth.worker.spendProof', 'cart.worker.take', 'payment.worker.capture', 'logistics.worker.ship'
      ],
      async (action) => {
        const one = await prepared('tok_demo_ok')
        faults.plan(action, one.orderId, fault)
        await confirmed(one, coupon)
      }
    )
  }, 60_000)

  test.each(FAULTS)('what is put into the cart after the order stays there: %s', async (fault) => {
    const { buyer, orderId, key, offer } = await prepared('tok_demo_ok')
    for (let n = 0; n < 2; n++) faults.plan('cart.worker.take', orderId, fault) // so that one more comes after the next add
    await tried(buyer.place({ orderId, key }))
    if (fault !== 'fails') await until('its cart is empty', async () => (await buyer.cart()).length === 0)
    await buyer.add(offer)
    await buyer.reached(orderId, { payment: 'captured' })
    expect(await buyer.cart()).toEqual([{ offerId: offer, quantity: 1 }])
  })

  test.each(FAULTS)('while a declined order is undone: %s', async (fault) => {
    const coupon = await market.coupon({ percent: 5, usesTotal: 1 })
    await each(['inventory.worker.release', 'cart.worker.unclaim', 'auth.worker.freeProof', 'pricing.worker.undoCoupon'], async (action) => {
      const one = await prepared('tok_demo_declined')
      faults.plan(action, one.orderId, fault)
      await refused(one, 402, action === 'pricing.worker.undoCoupon' ? coupon : undefined)
    })
    await until('the coupon is free again', async () => (await market.shop.databases.query<{ uses: number }>('SELECT uses FROM pricing.coupon WHERE code = $1', [coupon]))[0]!.uses === 0)
  }, 60_000)

  test.each(FAULTS)('while an order without stock is undone: %s', async (fault) => {
    await each(['inventory.worker.release', 'auth.worker.freeProof', 'payment.worker.void'], async (action) => {
      const one = await prepared('tok_demo_ok', 0)
      faults.plan(action, one.orderId, fault)
      await refused(one, 409)
      expect((await market.account(one.orderId))?.captured ?? 0).toBe(0)
    })
  }, 60_000)

  test.each(FAULTS)('while an order is accepted that nobody can settle, and given up: %s', async (fault) => {
    await each(['auth.worker.spendProof', 'cart.worker.take', 'payment.worker.authorize', 'payment.worker.void', 'inventory.worker.release'], async (action) => {
      const { buyer, orderId, key, offer } = await prepared('tok_demo_down')
      faults.plan(action, orderId, fault)
      const confirmation = buyer.confirmation()
      await tried(buyer.place({ orderId, key, confirmation }))
      expect(await answered(buyer, 'place', key)).toBe(202)
      await buyer.reached(orderId, { status: 'payment_failed', payment: 'voided' })
      expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
      expect(await buyer.cart()).toEqual([])
      expect(market.proofs.get(confirmation)).toMatchObject({ spent: true })
    })
  }, 60_000)

  test.each(FAULTS)('while an order is cancelled: %s', async (fault) => {
    const coupon = await market.coupon({ percent: 5 })
    await each(
      [
        'logistics.worker.cancel', 'inventory.worker.release', 'inventory.worker.restock', 'pricing.worker.undoCoupon', 'auth.worker.spendProof',
        'cart.worker.take', 'payment.worker.void', 'payment.worker.status', 'payment.worker.refund'
      ],
      async (action) => {
        const one = await prepared('tok_demo_ok')
        await confirmed(one, coupon)
        const { buyer, orderId, offer } = one
        faults.plan(action, orderId, fault)
        const key = randomUUID()
        await tried(buyer.cancel(orderId, key))
        expect([200, 202]).toContain(await answered(buyer, 'cancel', key))
        await buyer.reached(orderId, { status: 'cancelled', payment: 'refunded' })
        expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
        expect(await market.account(orderId)).toMatchObject({ entries: 3 })
      }
    )
  }, 60_000)

  test.each(FAULTS)('while goods come back: %s', async (fault) => {
    await each(['inventory.worker.restock', 'payment.worker.refund'], async (action) => {
      const one = await prepared('tok_demo_ok')
      await confirmed(one)
      const { buyer, orderId, offer } = one
      await market.parcel(await buyer.order(orderId), 's1', 'delivered')
      faults.plan(action, orderId, fault)
      const key = randomUUID()
      await tried(buyer.giveBack(orderId, [{ offerId: offer, quantity: 1 }], key))
      expect(await answered(buyer, 'return', key)).toBe(201)
      await buyer.reached(orderId, { status: 'refunded' })
      expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
      expect(await market.account(orderId)).toMatchObject({ entries: 3 })
    })
  }, 60_000)
})

describe('an order that could not be placed while anybody waited', () => {
  test('is refused in the end and charges nobody; its key is free', async () => {
    const faults = new CallFaults()
    const market = await startMarket({ broker: faults.into, timings: { ...HURRIED, placeWithinMs: 1_000 } })
    const offer = await market.offer()
    const buyer = await market.buyer()
    await buyer.add(offer)
    const [orderId, key] = [newOrderId(buyer.id), randomUUID()]
    for (let n = 0; n < 4; n++) faults.plan('payment.worker.intent', orderId, 'fails')
    await expect(buyer.place({ orderId, key })).rejects.toThrow('payment.worker.intent failed')
    expect(await market.record(buyer.operationId('place', key))).toBeNull()
    await until('the key is free', async () => (await market.record(buyer.operationId('place', key))) === undefined)
    expect(await market.stock(offer)).toEqual({ onHand: 10, reserved: 0 })
    expect(await buyer.cart()).toEqual([{ offerId: offer, quantity: 1 }])
    expect((await market.account(orderId))?.captured ?? 0).toBe(0)
    const again = await buyer.place({ key })
    expect(again).toMatchObject({ status: 201, replayed: false })
    await buyer.reached(again.order.id, { payment: 'captured' })
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 60_000)
})
