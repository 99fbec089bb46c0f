import { describe, expect, test } from '@jest/globals'
import { lineShare, partsLeft, proportional, refundable, refundEnded, valueOfLines, withRefund, withReturn } from '../../../services/order/money-back.ts'
import { become, cancellable, type OrderState } from '../../../services/order/order.ts'
import { orderView } from '../../../services/order/order-view.ts'
import { parcelMoved } from '../../../services/order/parcels.ts'

const at = '2026-01-02T03:04:05.000Z'
const line = (offerId: string, quantity: number, unitPrice: number, discount = 0, tax = 0) => ({ offerId, productId: `p-${offerId}`, category: 'lamps', title: offerId, quantity, unitPrice, discount, tax })
const sub = (n: number, lines: ReturnType<typeof line>[]): OrderState['subOrders'][number] => {
  const subtotal = lines.reduce((t, l) => t + l.unitPrice * l.quantity, 0)
  const discount = lines.reduce((t, l) => t + l.discount, 0)
  const tax = lines.reduce((t, l) => t + l.tax, 0)
  return { id: `o.s${n}`, sellerId: `s${n}`, sellerName: `Seller ${n}`, warehouseId: `wh.s${n}`, handlingDays: 1, status: 'confirmed', lines, totals: { subtotal, discount, shipping: 500, tax, total: subtotal - discount + 500 + tax }, shipments: [] }
}

function paidOrder(): OrderState {
  const subOrders = [sub(1, [line('a', 3, 333, 10, 7), line('b', 1, 1_000)]), sub(2, [line('c', 2, 50)])]
  const sum = (key: keyof OrderState['totals']): number => subOrders.reduce((t, s) => t + s.totals[key], 0)
  const totals = { subtotal: sum('subtotal'), discount: sum('discount'), shipping: sum('shipping'), tax: sum('tax'), total: sum('total') }
  return {
    id: 'o', buyerId: 'u', sessionId: 'x', status: 'confirmed', phase: 'done', placedAt: at, currency: 'USD',
    shippingAddress: { name: 'Ada', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' },
    shippingMethod: 'standard', coupon: null, subOrders, totals, attempt: 1, paymentMethodId: 'm', confirmation: null, operationId: null, refusal: null,
    payment: { status: 'captured', captured: totals.total, refunded: 0 }, refunds: [], returns: [], cancel: null, timeline: []
  }
}
const parcel = (order: OrderState, n: number, status: 'created' | 'picked_up' | 'delivered' | 'lost' | 'returned', number: number): OrderState =>
  parcelMoved(order, `o.s${n}`, { id: `sh${n}`, trackingNumber: `T${n}`, carrier: 'Souk Express', status, number }, at) ?? order
const delivered = (): OrderState => parcel(parcel(paidOrder(), 1, 'delivered', 3), 2, 'delivered', 3)

describe('an order', () => {
  test('follows its parcels: shipped with the first that leaves, delivered with the last', () => {
    let order = parcel(paidOrder(), 1, 'created', 1)
    expect(order.status).toBe('confirmed')
    order = parcel(order, 1, 'picked_up', 2)
    expect(order.status).toBe('shipped')
    expect(cancellable(order)).toBe(false)
    order = parcel(order, 1, 'delivered', 3)
    expect(order.status).toBe('shipped')
    expect(parcel(order, 2, 'delivered', 3).status).toBe('delivered')
  })

  test('ignores news of a parcel that it has had already', () => {
    const order = parcel(paidOrder(), 1, 'delivered', 3)
    expect(parcelMoved(order, 'o.s1', { id: 'sh1', trackingNumber: 'T1', carrier: 'x', status: 'picked_up', number: 2 }, at)).toBeNull()
    expect(parcelMoved(order, 'o.s9', { id: 'sh9', trackingNumber: 'T9', carrier: 'x', status: 'picked_up', number: 1 }, at)).toBeNull()
  })

  test('has no edge that its table lacks', () => {
    expect(() => become(delivered(), 'cancelled', 'done', at)).toThrow('delivered')
  })

  test('shows totals and lines exactly', () => {
    const view = orderView(paidOrder())
    expect(view.totals.total.amount).toBe(view.totals.subtotal.amount - view.totals.discount.amount + view.totals.shipping.amount + view.totals.tax.amount)
    expect(view.subOrders[0]!.lines[0]).toEqual({ offerId: 'a', productId: 'p-a', title: 'a', quantity: 3, unitPrice: { amount: 333, currency: 'USD' }, lineTotal: { amount: 999, currency: 'USD' } })
  })
})

describe('money that goes back', () => {
  test("a line's shares add up to the line, in whatever pieces it comes back", () => {
    const l = line('a', 7, 333, 13, 5)
    for (const pieces of [[7], [1, 1, 1, 1, 1, 1, 1], [3, 4], [6, 1]]) {
      let from = 0
      let total = 0
      for (const n of pieces) {
        total += lineShare(l, from, n)
        from += n
      }
      expect(total).toBe(333 * 7 - 13 + 5)
    }
  })

  test('never exceeds what was captured, nor a seller’s part; pending refunds counted', () => {
    const order = paidOrder()
    const { total } = order.totals
    const [one, two] = partsLeft(order).map((p) => p.amount) as [number, number]
    const refund = (id: string, amount: number) => ({ id, reason: 'x', at, operationId: null, sellers: proportional(order, amount) })
    const once = withRefund(order, refund('r1', total - 1))
    expect(refundable(once)).toBe(1)
    expect(() => withRefund(once, refund('r2', 2))).toThrow('At most')
    expect(() => withRefund(order, { ...refund('r2', 1), sellers: [{ sellerId: 's2', amount: two + 1 }] })).toThrow(`At most ${two}`)
    expect(one + two).toBe(total)
    const all = refundEnded(withRefund(refundEnded(once, 'r1', 'succeeded', at), { ...refund('r2', 1), sellers: proportional(once, 1) }), 'r2', 'succeeded', at)
    expect(all.status).toBe('refunded')
    expect(all.payment).toEqual({ status: 'refunded', captured: total, refunded: total })
    expect(refundEnded(all, 'r2', 'succeeded', at)).toBe(all)
  })

  test('may be given back another way when the provider refuses it', () => {
    const order = paidOrder()
    const asked = withRefund(order, { id: 'r1', reason: 'x', at, operationId: null, sellers: partsLeft(order) })
    expect(refundable(asked)).toBe(0)
    const refused = refundEnded(asked, 'r1', 'declined', at)
    expect(refused.status).toBe('confirmed')
    expect(refused.payment).toEqual(order.payment)
    expect(refundable(refused)).toBe(order.totals.total)
  })

  test('returns only what was delivered, and no unit twice', () => {
    expect(() => withReturn(paidOrder(), 'ret1', [{ offerId: 'a', quantity: 1 }], 'too bright', at, null)).toThrow('only what was delivered')
    const first = withReturn(delivered(), 'ret1', [{ offerId: 'a', quantity: 2 }], 'too bright', at, null)
    expect(() => withReturn(first, 'ret2', [{ offerId: 'a', quantity: 2 }], 'again', at, null)).toThrow('at most 1')
    expect(() => withReturn(first, 'ret2', [{ offerId: 'zzz', quantity: 1 }], 'whose', at, null)).toThrow('at most 0')
    const rest = withReturn(first, 'ret2', [{ offerId: 'a', quantity: 1 }, { offerId: 'b', quantity: 1 }], 'all of it', at, null)
    expect(rest.subOrders[0]!.status).toBe('returned')
    expect(rest.subOrders[1]!.status).toBe('delivered')
  })

  test("a seller answers for his own lines alone", () => {
    expect(valueOfLines(delivered(), [{ offerId: 'c', quantity: 1 }], 's2')).toEqual([{ sellerId: 's2', amount: 50 }])
    expect(() => valueOfLines(delivered(), [{ offerId: 'c', quantity: 1 }], 's1')).toThrow('at most 0')
  })

  test('whoever sends all of a part back gets its delivery back too, but never more than is left', () => {
    const order = delivered()
    const two = order.subOrders[1]!
    const returned = withReturn(order, 'ret1', [{ offerId: 'c', quantity: 2 }], 'all of it', at, null)
    expect(returned.refunds.at(-1)).toMatchObject({ amount: two.totals.total, sellers: [{ sellerId: 's2', amount: two.totals.total }] })
    const goodwill = refundEnded(withRefund(order, { id: 'r1', reason: 'sorry', at, operationId: null, sellers: [{ sellerId: 's2', amount: two.totals.total }] }), 'r1', 'succeeded', at)
    const nothing = withReturn(goodwill, 'ret1', [{ offerId: 'c', quantity: 1 }], 'still', at, null)
    expect(nothing.refunds.at(-1)).toMatchObject({ amount: 0, sellers: [], status: 'pending' })
  })

  test('follows a parcel that never arrives: lost or brought back, once, and the rest is delivered without it', () => {
    const order = parcel(paidOrder(), 2, 'picked_up', 2)
    const lost = parcel(order, 2, 'lost', 3)
    expect(lost.refunds).toMatchObject([{ id: 'o.s2.lost', amount: order.subOrders[1]!.totals.total, status: 'pending' }])
    expect(parcel(lost, 1, 'delivered', 2).status).toBe('delivered')
    const found = parcel(lost, 2, 'returned', 4)
    expect(found.refunds.map((r) => r.amount)).toEqual([order.subOrders[1]!.totals.total, 0])
    expect(found.returns).toMatchObject([{ undelivered: true, lines: [{ offerId: 'c', quantity: 2 }] }])
    const back = parcel(order, 2, 'returned', 3)
    expect(back.subOrders[1]!.status).toBe('returned')
    expect(back.refunds).toMatchObject([{ amount: order.subOrders[1]!.totals.total }])
    expect(parcel(back, 1, 'delivered', 2).status).toBe('delivered')
  })

  test('does not move with a parcel that comes back after it was delivered: that is the buyer’s return', () => {
    const order = parcel(delivered(), 1, 'returned', 4)
    expect(order.subOrders[0]!.status).toBe('delivered')
    expect(order.refunds).toEqual([])
  })
})
