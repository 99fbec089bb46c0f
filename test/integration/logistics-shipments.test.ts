import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { problem, problemType } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import type { ShipmentStatus } from '../../services/logistics/logistics.contract.ts'
import { signIn, type SignedIn } from '../support/callers.ts'
import { startShop, type Shop } from '../support/shop.ts'

const address = { name: 'Ada', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' }

/** Stands in for the order domain: one order without parcels, of `buyer`, sold by `seller-a`. */
const orders = {
  name: 'order.worker',
  actions: {
    get(ctx: { params: { orderId: string; buyerId: string | null } }) {
      if (ctx.params.orderId !== 'unshipped' || ![null, 'buyer'].includes(ctx.params.buyerId)) throw problem('not-found', 'There is no such order.')
      return { subOrders: [{ sellerId: 'seller-a' }] }
    }
  }
}
const sellers = { name: 'seller.worker', actions: { ofUser: (ctx: { params: { userId: string } }) => ({ seller: ctx.params.userId.startsWith('seller') ? { id: ctx.params.userId } : null }) } }

describe('shipments', () => {
  let shop: Shop

  beforeAll(async () => {
    shop = await startShop(['logistics.worker', 'logistics'], [orders, sellers])
  })
  afterAll(async () => {
    await shop.stop()
  })

  const ship = (orderId: string, sellerIds = ['seller-a']) =>
    call(shop.broker, 'logistics.worker.ship', {
      orderId, buyerId: 'buyer', address, subOrders: sellerIds.map((sellerId, i) => ({ id: `${orderId}.${i}`, sellerId, handlingDays: 1, lines: [{ offerId: 'o1', quantity: 1 }] }))
    })
  const report = (shipmentId: string, status: Exclude<ShipmentStatus, 'created'>, at: string) => call(shop.broker, 'logistics.worker.event', { shipmentId, status, at })
  const cancel = async (orderId: string): Promise<string> => (await call(shop.broker, 'logistics.worker.cancel', { orderId })).outcome
  const refusal = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, problemType)
  const sent = (shipmentId: string) =>
    shop.databases.query<{ status: string; number: number }>(`SELECT body->>'status' AS status, number::int FROM logistics.outbox WHERE aggregate = $1 ORDER BY number`, [`shipment/${shipmentId}`])

  test('one parcel per sub-order, however often it is asked for at once', async () => {
    const order = randomUUID()
    const answers = await Promise.all(Array.from({ length: 20 }, () => ship(order, ['seller-a', 'seller-b'])))
    const ids = new Set(answers.flatMap((a) => a.items.map((i) => i.id)))
    expect(ids.size).toBe(2)
    expect(answers.every((a) => a.outcome === 'shipped' && a.items.length === 2)).toBe(true)
    for (const id of ids) expect((await sent(id)).map((e) => [e.status, e.number])).toEqual([['created', 1]])
  })

  test('reports in any order and twice leave the parcel at the furthest, with its whole history', async () => {
    const { items: [parcel] } = await ship(randomUUID())
    const day = (n: number): string => `2026-01-0${n}T10:00:00Z`
    const reports = [['picked_up', 1], ['in_transit', 2], ['out_for_delivery', 3], ['delivered', 4]] as const
    await report(parcel!.id, 'in_transit', day(2))
    await Promise.all([...reports, ...reports].reverse().map(([status, n]) => report(parcel!.id, status, day(n))))
    const late = await report(parcel!.id, 'picked_up', day(1))
    expect(late.status).toBe('delivered')
    expect(late.events.filter((e) => e.status !== 'created').map((e) => e.status)).toEqual(['picked_up', 'in_transit', 'out_for_delivery', 'delivered'])
    const events = await sent(parcel!.id)
    expect(events.at(-1)!.status).toBe('delivered')
    expect(events.map((e) => e.number)).toEqual(events.map((_, i) => i + 1))
    expect(new Set(events.map((e) => e.status)).size).toBe(events.length)
  })

  test('holding back and pick-up at once: one of them wins, and both say so', async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 20; round++) {
      const order = randomUUID()
      const { items } = await ship(order, ['seller-a', 'seller-b'])
      const pickUp = () => report(items[round % 2]!.id, 'picked_up', '2026-01-01T00:00:00Z').then(() => 'left', problemType)
      const [held, left] = round % 3 === 0 ? await Promise.all([cancel(order), pickUp()]) : (await Promise.all([pickUp(), cancel(order)])).reverse()
      expect([held, left]).toEqual(held === 'cancelled' ? ['cancelled', 'invalid-transition'] : ['too-late', 'left'])
      expect(await cancel(order)).toBe(held)
      outcomes.add(held!)
    }
    expect(outcomes.size).toBeGreaterThan(0)
  })

  test('what was held back never leaves, whoever writes it, and is not shown', async () => {
    const order = randomUUID()
    const { items: [parcel] } = await ship(order)
    expect(await cancel(order)).toBe('cancelled')
    await expect(shop.databases.query(`UPDATE logistics.shipment SET status = 'picked_up' WHERE id = $1`, [parcel!.id])).rejects.toThrow('held_back_never_left')
    expect((await call(shop.broker, 'logistics.worker.shipmentsOf', { orderIds: [order] })).items).toEqual([])
    expect((await call(shop.broker, 'logistics.worker.find', { shipmentId: parcel!.id })).found).toBe(null)
  })

  test('a parcel asked for after its order was held back is refused', async () => {
    const order = randomUUID()
    expect(await cancel(order)).toBe('cancelled')
    expect(await ship(order)).toEqual({ outcome: 'refused', items: [] })
    for (let round = 0; round < 10; round++) {
      const raced = randomUUID()
      const [held, made] = await Promise.all([cancel(raced), ship(raced)])
      expect(held).toBe('cancelled')
      expect((await call(shop.broker, 'logistics.worker.shipmentsOf', { orderIds: [raced] })).items).toEqual([])
      expect(['shipped', 'refused']).toContain(made.outcome)
    }
  })

  const people = async () => ({
    buyer: await signIn('buyer'),
    stranger: await signIn('stranger'),
    seller: await signIn('seller-a', ['seller']),
    otherSeller: await signIn('seller-z', ['seller']),
    admin: await signIn('anyone', ['admin']),
    carrier: await signIn('anyone', ['carrier'])
  })

  test('a further parcel that races the holding back of its order does not slip through', async () => {
    for (let round = 0; round < 30; round++) {
      const order = randomUUID()
      await ship(order, ['seller-a'])
      const [, held] = await Promise.all([ship(order, ['seller-a', 'seller-b']), cancel(order)])
      expect(held).toBe('cancelled')
      expect((await call(shop.broker, 'logistics.worker.shipmentsOf', { orderIds: [order] })).items).toEqual([])
    }
  })

  test('who may see a parcel, and who may report on it', async () => {
    const order = randomUUID()
    const { items: [a] } = await ship(order, ['seller-a', 'seller-b'])
    const { buyer, stranger, seller, otherSeller, admin, carrier } = await people()
    const list = (as?: SignedIn): Promise<unknown> => call(shop.broker, 'logistics.ofOrder', { id: order }, as).then((r) => r.items.length, problemType)
    expect(await Promise.all([buyer, seller, admin, carrier, stranger, otherSeller, undefined].map(list))).toEqual([2, 1, 2, 2, 'not-found', 'not-found', 'token-expired'])
    const track = (as: SignedIn, trackingNumber: string): Promise<unknown> => call(shop.broker, 'logistics.track', { trackingNumber }, as).then((s) => s.id, problemType)
    expect(await track(buyer, a!.trackingNumber.toLowerCase())).toBe(a!.id)
    expect(await track(stranger, a!.trackingNumber)).toBe('not-found')
    expect(await track(buyer, 'SK0000000000001')).toBe('not-found')
    const event = (as: SignedIn): Promise<unknown> => call(shop.broker, 'logistics.report', { id: a!.id, status: 'picked_up', at: '2026-01-01T00:00:00Z' }, as).then((s) => s.status, problemType)
    for (const [who, outcome] of [[stranger, 'not-found'], [otherSeller, 'not-found'], [buyer, 'forbidden'], [seller, 'forbidden'], [admin, 'forbidden'], [carrier, 'picked_up']] as const) {
      expect(await event(who)).toBe(outcome)
    }
  })

  test('an order without parcels is shown as such to those it concerns', async () => {
    const { buyer, stranger, seller, otherSeller, admin } = await people()
    const list = (as: SignedIn, id = 'unshipped'): Promise<unknown> => call(shop.broker, 'logistics.ofOrder', { id }, as).then((r) => r.items, problemType)
    expect(await Promise.all([buyer, seller, admin, stranger, otherSeller].map((who) => list(who)))).toEqual([[], [], [], 'not-found', 'not-found'])
    expect(await list(buyer, 'none-such')).toBe('not-found')
  })

  test('a report of the future, or of no parcel, is refused', async () => {
    const { items: [parcel] } = await ship(randomUUID())
    expect(await refusal(report(parcel!.id, 'picked_up', '2126-01-01T00:00:00Z'))).toBe('validation-failed')
    expect(await refusal(report(parcel!.id, 'picked_up', '2026-13-01T00:00:00Z'))).toBe('validation-failed')
    expect(await refusal(report('none-such', 'picked_up', '2026-01-01T00:00:00Z'))).toBe('not-found')
  })

  test('a report repeated under its key is answered as the first was', async () => {
    const { items: [parcel] } = await ship(randomUUID())
    const meta = { operation: { id: randomUUID(), bodyHash: 'h' } }
    const send = (status: 'picked_up' | 'lost') => shop.broker.call('logistics.worker.event', { shipmentId: parcel!.id, status, at: '2026-01-01T00:00:00Z' }, { meta })
    const first = await send('picked_up')
    await report(parcel!.id, 'delivered', '2026-01-02T00:00:00Z')
    expect(await send('picked_up')).toEqual(first)
  })
})
