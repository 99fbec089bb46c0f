import { describe, expect, test } from '@jest/globals'
import { become, cancellable, lineShare, orderView, refundable, refundDone, shipmentMoved, valueOfLines, withRefund, withReturn, type OrderState } from '../../../services/order/order.ts'

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
    shippingMethod: 'standard', coupon: null, subOrders, totals, attempt: 1, paymentMethodId: 'm', confirmation: null, operationId: null,
    payment: { status: 'captured', captured: totals.total, refunded: 0 }, refunds: [], returns: [], cancelReason: null, timeline: []
  }
}
const parcel = (order: OrderState, n: number, status: 'created' | 'picked_up' | 'delivered', number: number): OrderState =>
  shipmentMoved(order, `o.s${n}`, { id: `sh${n}`, trackingNumber: `T${n}`, carrier: 'Souk Express', status, number }, at) ?? order
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
    expect(shipmentMoved(order, 'o.s1', { id: 'sh1', trackingNumber: 'T1', carrier: 'x', status: 'picked_up', number: 2 }, at)).toBeNull()
    expect(shipmentMoved(order, 'o.s9', { id: 'sh9', trackingNumber: 'T9', carrier: 'x', status: 'picked_up', number: 1 }, at)).toBeNull()
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

  test('never exceeds what was captured, pending refunds counted', () => {
    const order = paidOrder()
    const refund = { id: 'r1', amount: order.totals.total - 1, reason: 'x', status: 'pending' as const, at, operationId: null }
    const once = withRefund(order, refund)
    expect(refundable(once)).toBe(1)
    expect(() => withRefund(once, { ...refund, id: 'r2', amount: 2 })).toThrow('At most 1')
    const all = refundDone(withRefund(refundDone(once, 'r1', at), { ...refund, id: 'r2', amount: 1 }), 'r2', at)
    expect(all.status).toBe('refunded')
    expect(all.payment).toEqual({ status: 'refunded', captured: order.totals.total, refunded: order.totals.total })
    expect(refundDone(all, 'r2', at)).toBe(all)
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
    expect(valueOfLines(delivered(), [{ offerId: 'c', quantity: 1 }], 's2')).toEqual({ amount: 50, sellers: [{ sellerId: 's2', amount: 50 }] })
    expect(() => valueOfLines(delivered(), [{ offerId: 'c', quantity: 1 }], 's1')).toThrow('at most 0')
  })
})
