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

/** Parts of orders that are still to reach their buyers: a seller's work. */
export const OPEN_STATUSES = ['confirmed', 'packed', 'shipped'] as const
/** Of the open parts, so many are listed. */
export const DASHBOARD_LISTED_MAX = 100

/**
 * What a seller has under way. Totals and list are of one moment: what is counted is what is listed, unless there is more than can be
 * listed.
 */
const dashboardRule = object({
  asOf: timestamp(),
  /** All open parts: how many, how many units, and what they come to. */
  open: object({ count: int({ min: 0 }), units: int({ min: 0 }), amount: moneyRule }),
  /** Those that have waited longest, first. */
  items: list(sellerOrderRule, { max: DASHBOARD_LISTED_MAX })
})
export type Dashboard = Infer<typeof dashboardRule>

const query = { status: optional(oneOf(STATUSES)), ...pageQuery }

export const sellerOrderActions = actions({
  'seller.myOrders': { params: query, returns: pageRule(sellerOrderRule) },
  'seller.dashboard': { params: {}, returns: dashboardRule },
  'seller.orders.dashboard': { params: { sellerId: id() }, returns: dashboardRule },
  /** Newest first; follows the orders' events, a moment behind them. */
  'seller.orders.list': { params: { sellerId: id(), ...query }, returns: pageRule(sellerOrderRule) }
})

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof sellerOrderActions> {}
}
