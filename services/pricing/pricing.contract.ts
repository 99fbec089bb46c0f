import { bool, id, int, list, moneyRule, nullable, object, oneOf, optional, pageQuery, pageRule, priceRule, text, timestamp, type Infer } from '../../mixins/primitives/schema.ts'
import { actions, type ActionsOf } from '../../mixins/runtime/calls.ts'

export const SHIPPING_METHODS = ['standard', 'express'] as const
export type ShippingMethod = (typeof SHIPPING_METHODS)[number]

const code = text({ min: 3, max: 40, pattern: /^[\w-]+$/, description: 'case does not matter' })

const quotedLineRule = object({
  offerId: id(),
  productId: id(),
  sellerId: id(),
  category: text(),
  quantity: int({ min: 1, max: 999 }),
  unitPrice: moneyRule,
  /** Days until the seller hands the parcel over; 1 unless told. */
  handlingDays: optional(int({ min: 0, max: 365 }))
})

const destinationRule = object({ country: text({ min: 2, max: 2 }), region: text({ min: 0, max: 100 }), postalCode: text({ min: 0, max: 20 }) })

const totals = { subtotal: moneyRule, discount: moneyRule, shipping: moneyRule, tax: moneyRule, total: moneyRule }

/** Everywhere total = subtotal − discount + shipping + tax; lines add up to their seller's row, sellers' rows to the totals. */
const quoteRule = object({
  /** In the order of the request. `tax` is the tax on the line, less its share of the discount. */
  lines: list(object({ offerId: id(), sellerId: id(), quantity: int(), unitPrice: moneyRule, lineTotal: moneyRule, discount: moneyRule, tax: moneyRule })),
  /** In the order of each seller's first line. */
  sellers: list(object({ sellerId: id(), ...totals, estimatedDays: int() })),
  totals: object(totals),
  /** What each method would cost for the whole order, and when its last parcel is expected. */
  shippingOptions: list(object({ method: oneOf(SHIPPING_METHODS), price: moneyRule, estimatedDays: int() }))
})

const couponFields = {
  code,
  /** Either a percentage of the goods, or an amount. */
  percent: optional(int({ min: 1, max: 100 })),
  amount: optional(priceRule),
  /** Goods worth at least this much. */
  minSubtotal: optional(priceRule),
  usesPerBuyer: optional(int({ min: 1, max: 1_000_000 })),
  usesTotal: optional(int({ min: 1, max: 1_000_000_000 })),
  validUntil: optional(timestamp())
}

const couponRule = object({
  code,
  percent: nullable(int()),
  amount: nullable(moneyRule),
  minSubtotal: nullable(moneyRule),
  usesPerBuyer: nullable(int()),
  usesTotal: nullable(int()),
  validUntil: nullable(timestamp()),
  uses: int({ min: 0 }),
  createdAt: timestamp()
})

/** Why a coupon does not apply. */
const COUPON_REFUSALS = ['unknown', 'expired', 'below-minimum', 'used', 'exhausted', 'currency'] as const
export type CouponRefusal = (typeof COUPON_REFUSALS)[number]

export const pricingActions = actions({
  'pricing.createCoupon': { params: couponFields, returns: couponRule },
  'pricing.listCoupons': { params: pageQuery, returns: pageRule(couponRule) },

  /** Answers the coupon it made, or `conflict` when the code is taken. */
  'pricing.worker.createCoupon': { params: couponFields, returns: couponRule },
  'pricing.worker.listCoupons': { params: pageQuery, returns: pageRule(couponRule) },
  /**
   * The exact price of an order. `validation-failed` of `coupon` when it does not apply (code: one of COUPON_REFUSALS), of
   * `shippingMethod` when it does not deliver there. Changes nothing: the coupon's limits are looked at here, held by `takeCoupon`.
   */
  'pricing.worker.quote': {
    params: {
      buyerId: id(),
      lines: list(quotedLineRule, { min: 1, max: 100 }),
      address: destinationRule,
      shippingMethod: text({ max: 40 }),
      coupon: optional(text({ max: 40 })),
      /** Whether the buyer has Prime. */
      prime: bool()
    },
    returns: quoteRule
  },
  /** Uses a coupon for an order: once per order however often it is asked, within its limits whoever asks. After `undoCoupon` of that order it is refused. */
  'pricing.worker.takeCoupon': {
    params: { code: text({ max: 40 }), buyerId: id(), orderId: id() },
    returns: object({ outcome: oneOf(['taken', 'refused']), reason: optional(oneOf([...COUPON_REFUSALS, 'undone'])) })
  },
  /** Gives the order's use back, and refuses a take that arrives later. Never fails, may be repeated. */
  'pricing.worker.undoCoupon': { params: { orderId: id() }, returns: object({ outcome: oneOf(['undone']) }) }
})

export type Quote = Infer<typeof quoteRule>
export type QuotedLine = Infer<typeof quotedLineRule>
export type Destination = Infer<typeof destinationRule>

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof pricingActions> {}
}
