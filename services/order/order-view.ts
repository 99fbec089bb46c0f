import { money, type Money } from '../../mixins/primitives/money.ts'
import type { OrderState, OrderView, Totals } from './order.ts'

/** Totals as money. */
export function moneyTotals(t: Totals, currency: string): { subtotal: Money; discount: Money; shipping: Money; tax: Money; total: Money } {
  return {
    subtotal: money(t.subtotal, currency),
    discount: money(t.discount, currency),
    shipping: money(t.shipping, currency),
    tax: money(t.tax, currency),
    total: money(t.total, currency)
  }
}

/** The order as its buyer sees it. */
export function orderView(order: OrderState): OrderView {
  const at = (amount: number): Money => money(amount, order.currency)
  return {
    id: order.id,
    status: order.status,
    placedAt: order.placedAt,
    currency: order.currency,
    shippingAddress: order.shippingAddress,
    shippingMethod: order.shippingMethod,
    subOrders: order.subOrders.map((s) => ({
      id: s.id,
      sellerId: s.sellerId,
      sellerName: s.sellerName,
      status: s.status,
      lines: s.lines.map((l) => ({ offerId: l.offerId, productId: l.productId, title: l.title, quantity: l.quantity, unitPrice: at(l.unitPrice), lineTotal: at(l.unitPrice * l.quantity) })),
      totals: moneyTotals(s.totals, order.currency),
      shipments: s.shipments.map(({ number: _number, ...shown }) => shown)
    })),
    totals: moneyTotals(order.totals, order.currency),
    payment: { status: order.payment.status, captured: at(order.payment.captured), refunded: at(order.payment.refunded) },
    returns: order.returns.map((r) => {
      const refund = order.refunds.find((f) => f.id === r.refundId)
      return { id: r.id, at: r.at, reason: r.reason, status: refund?.status === 'succeeded' ? ('refunded' as const) : ('requested' as const), lines: r.lines, refund: at(refund?.amount ?? 0) }
    }),
    timeline: order.timeline
  }
}
