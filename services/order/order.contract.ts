import { postalAddressRule } from '../../mixins/primitives/postal-address.ts'
import { anything, id, int, list, moneyRule, nullable, object, oneOf, optional, pageQuery, pageRule, priceRule, text, timestamp } from '../../mixins/primitives/schema.ts'
import { actions, events, type ActionsOf, type EventsOf } from '../../mixins/runtime/calls.ts'

export const ORDER_STATUSES = ['payment_pending', 'confirmed', 'shipped', 'delivered', 'payment_failed', 'cancelled', 'refunded'] as const
export const SUB_ORDER_STATUSES = ['confirmed', 'packed', 'shipped', 'delivered', 'cancelled', 'returned'] as const
export const PAYMENT_STATUSES = ['authorized', 'captured', 'voided', 'partially_refunded', 'refunded', 'declined', 'unknown'] as const
const SHIPMENT_STATUSES = ['created', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered', 'returned', 'lost'] as const
export const SHIPPING_METHODS = ['standard', 'express'] as const

const totalsRule = object({ subtotal: moneyRule, discount: moneyRule, shipping: moneyRule, tax: moneyRule, total: moneyRule })

const orderLineRule = object({ offerId: id(), productId: id(), title: text({ max: 500 }), quantity: int(), unitPrice: moneyRule, lineTotal: moneyRule })

const orderShipmentRule = object({ id: id(), trackingNumber: text(), carrier: text(), status: oneOf(SHIPMENT_STATUSES) })

const returnRule = object({
  id: id(),
  at: timestamp(),
  reason: text({ max: 1_000 }),
  status: oneOf(['requested', 'refunded']),
  lines: list(object({ offerId: id(), quantity: int() })),
  refund: moneyRule
})

/** An order as its buyer sees it. */
export const orderRule = object({
  id: id(),
  status: oneOf(ORDER_STATUSES),
  placedAt: timestamp(),
  currency: text({ min: 3, max: 3 }),
  shippingAddress: postalAddressRule,
  shippingMethod: oneOf(SHIPPING_METHODS),
  subOrders: list(
    object({
      id: id(),
      sellerId: id(),
      sellerName: text({ max: 500 }),
      status: oneOf(SUB_ORDER_STATUSES),
      lines: list(orderLineRule),
      totals: totalsRule,
      shipments: list(orderShipmentRule)
    })
  ),
  totals: totalsRule,
  payment: object({ status: nullable(oneOf(PAYMENT_STATUSES)), captured: moneyRule, refunded: moneyRule }),
  returns: list(returnRule),
  timeline: list(object({ at: timestamp(), status: text(), note: optional(text({ max: 1_000 })) }))
})

const quoteRule = object({
  lines: list(
    object({
      offerId: id(),
      productId: id(),
      title: text({ max: 500 }),
      sellerId: id(),
      quantity: int(),
      unitPrice: moneyRule,
      lineTotal: moneyRule,
      discount: moneyRule,
      tax: moneyRule,
      availability: oneOf(['in_stock', 'low_stock', 'out_of_stock'])
    })
  ),
  subtotal: moneyRule,
  discount: moneyRule,
  shipping: moneyRule,
  tax: moneyRule,
  total: moneyRule,
  shippingOptions: list(object({ method: oneOf(SHIPPING_METHODS), price: moneyRule, estimatedDays: int() }))
})

const refundRule = object({ id: id(), orderId: id(), amount: moneyRule, reason: text({ max: 1_000 }), status: oneOf(['pending', 'succeeded', 'declined']), at: timestamp() })

const coupon = optional(text({ max: 40, pattern: /^[\w-]+$/ }))
const paymentMethodId = id()
/** Optional in the schema: without one the answer is `identity-confirmation-required`, not a wrong field. */
const confirmation = optional(text({ max: 500 }))
const reason = text({ max: 1_000 })
const returnedLines = list(object({ offerId: id(), quantity: int({ min: 1, max: 999 }) }), { min: 1, max: 100 })

const quoteParams = { addressId: id(), shippingMethod: oneOf(SHIPPING_METHODS), coupon }
const placeParams = { ...quoteParams, paymentMethodId, confirmation, expectedTotal: optional(moneyRule) }
const payBody = { paymentMethodId, confirmation }
const refundBody = { amount: optional(priceRule), lines: optional(returnedLines), reason }

/** The person who orders, as the face knows them. */
const buyer = { buyerId: id(), sessionId: id() }

export const orderActions = actions({
  'order.quote': { params: quoteParams, returns: quoteRule },
  'order.place': { params: placeParams, returns: orderRule },
  'order.list': { params: pageQuery, returns: pageRule(orderRule) },
  'order.get': { params: { id: id() }, returns: orderRule },
  'order.pay': { params: { id: id(), ...payBody }, returns: orderRule },
  'order.cancel': { params: { id: id(), reason: optional(reason) }, returns: orderRule },
  'order.return': { params: { id: id(), lines: returnedLines, reason }, returns: orderRule },
  'order.refund': { params: { id: id(), ...refundBody }, returns: refundRule },

  'order.worker.quote': { params: { buyerId: id(), ...quoteParams }, returns: quoteRule },
  /** Runs on the owner of the order that is to be; `orderId` is new and made by the face. */
  'order.worker.place': { params: { orderId: id(), ...buyer, ...placeParams }, returns: orderRule },
  'order.worker.list': { params: { buyerId: id(), ...pageQuery }, returns: pageRule(orderRule) },
  /** 404 unless `buyerId` (null: anyone, for internal callers) owns the order. */
  'order.worker.get': { params: { orderId: id(), buyerId: nullable(id()) }, returns: orderRule },
  'order.worker.pay': { params: { orderId: id(), ...payBody, ...buyer }, returns: orderRule },
  'order.worker.cancel': { params: { orderId: id(), buyerId: id(), reason: optional(reason) }, returns: orderRule },
  'order.worker.return': { params: { orderId: id(), buyerId: id(), lines: returnedLines, reason }, returns: orderRule },
  /** `sellerId` null: an administrator, who may refund anything; a seller only lines of his own sub-order. */
  'order.worker.refund': { params: { orderId: id(), ...refundBody, sellerId: nullable(id()) }, returns: refundRule },
  /** Takes a saga up again where it stands: called when something it waits for has happened. Harmless at any time. */
  'order.worker.resume': { params: { orderId: id() }, returns: nullable(anything()) },
  /** What a parcel does, applied once per shipment and event number. */
  'order.worker.shipment': {
    params: { orderId: id(), subOrderId: id(), shipmentId: id(), trackingNumber: text(), carrier: text(), status: oneOf(SHIPMENT_STATUSES), at: timestamp(), number: int() },
    returns: nullable(anything())
  },
  /** The saga's inside, for the operator's `saga <order>`. */
  'order.worker.saga': { params: { orderId: id() }, returns: anything() },
  /** Every order of one database from committed state, by id, for the audit and rebuilds. */
  'order.worker.scan': { params: { database: int({ min: 0, max: 63 }), after: optional(id()), limit: int({ min: 1, max: 1_000 }) }, returns: object({ items: list(anything()) }) }
})

/** What followers of an order need: enough that none has to ask back. */
const orderEventRule = object({
  orderId: id(),
  buyerId: id(),
  placedAt: timestamp(),
  status: oneOf(ORDER_STATUSES),
  totals: totalsRule,
  couponCode: nullable(text()),
  subOrders: list(
    object({
      id: id(),
      sellerId: id(),
      totals: totalsRule,
      lines: list(object({ offerId: id(), productId: id(), category: text(), title: text({ max: 500 }), quantity: int(), unitPrice: moneyRule, lineTotal: moneyRule }))
    })
  )
})

export const orderEvents = events({
  /** Accepted: paid at once (confirmed in the same commit) or payment pending. */
  order_created: { body: orderEventRule },
  order_confirmed: { body: orderEventRule },
  order_payment_failed: { body: orderEventRule },
  /** `reason` tells the buyer's cancel from the marketplace's. Money and stock go back. */
  order_cancelled: { body: object({ order: orderEventRule, reason: text({ max: 1_000 }), wasConfirmed: oneOf(['yes', 'no']) }) },
  /** A sub-order's parcel moved on: `status` is the sub-order's. */
  sub_order_changed: { body: object({ orderId: id(), buyerId: id(), subOrderId: id(), sellerId: id(), status: oneOf(SUB_ORDER_STATUSES) }) },
  order_delivered: { body: orderEventRule },
  /** Money went back without a cancel: a return, or a refund by seller or administrator. */
  order_refunded: { body: object({ orderId: id(), buyerId: id(), refundId: id(), amount: moneyRule, reason: text({ max: 1_000 }) }) }
})

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof orderActions> {}
  interface Events extends EventsOf<typeof orderEvents> {}
}
