import { id, int, list, moneyRule, object, oneOf, optional, pageQuery, pageRule, text, timestamp, type Infer } from '../../mixins/primitives/schema.ts'
import { actions, type ActionsOf } from '../../mixins/runtime/calls.ts'

const STATUSES = ['confirmed', 'packed', 'shipped', 'delivered', 'cancelled', 'returned'] as const

/** A seller's part of an order, as the seller sees it. */
export const sellerOrderRule = object({
  id: id(),
  orderId: id(),
  status: oneOf(STATUSES),
  placedAt: timestamp(),
  lines: list(object({ offerId: id(), productId: id(), title: text({ max: 500 }), quantity: int(), unitPrice: moneyRule, lineTotal: moneyRule })),
  totals: object({ subtotal: moneyRule, discount: moneyRule, shipping: moneyRule, tax: moneyRule, total: moneyRule })
})
export type SellerOrder = Infer<typeof sellerOrderRule>

const query = { status: optional(oneOf(STATUSES)), ...pageQuery }

export const sellerOrderActions = actions({
  'seller.myOrders': { params: query, returns: pageRule(sellerOrderRule) },
  /** Newest first; follows the orders' events, a moment behind them. */
  'seller.orders.list': { params: { sellerId: id(), ...query }, returns: pageRule(sellerOrderRule) }
})

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof sellerOrderActions> {}
}
