import { money, sum, times, type Money } from '../../mixins/primitives/money.ts'
import { invalidField } from '../../mixins/primitives/problem.ts'
import { defaultDiscountStrategy } from './default-discount-strategy.ts'
import { defaultShippingStrategy } from './default-shipping-strategy.ts'
import { defaultTaxStrategy } from './default-tax-strategy.ts'
import type { DiscountStrategy } from './discount-strategy.ts'
import { SHIPPING_METHODS, type CouponRefusal, type Destination, type Quote, type QuotedLine, type ShippingMethod } from './pricing.contract.ts'
import type { Parcel, ShippingRate, ShippingStrategy } from './shipping-strategy.ts'
import type { TaxStrategy } from './tax-strategy.ts'

/** A coupon as it is stored. Nulls are limits that it does not have. */
export interface Coupon {
  code: string
  percent: number | null
  amount: Money | null
  minSubtotal: Money | null
  usesPerBuyer: number | null
  usesTotal: number | null
  validUntil: string | null
  uses: number
  createdAt: string
}

/** The policies of a quote: each may be replaced by itself. */
export interface PricingStrategies {
  tax: TaxStrategy
  shipping: ShippingStrategy
  discount: DiscountStrategy
}

export const defaultStrategies: PricingStrategies = { tax: defaultTaxStrategy, shipping: defaultShippingStrategy, discount: defaultDiscountStrategy }

export interface QuoteRequest {
  lines: readonly QuotedLine[]
  destination: Destination
  shippingMethod: string
  prime: boolean
  /** The coupon to apply, found fit by `couponRefusal`. */
  coupon: Coupon | null
}

/** Codes are compared without case. */
export const normalizeCode = (code: string): string => code.trim().toUpperCase()

/** Why a coupon's limits end it, whatever the order; null when they do not. `buyerUses` are the buyer's uses so far. */
export function limitRefusal(coupon: Coupon | null | undefined, { buyerUses, now }: { buyerUses: number; now: number }): CouponRefusal | null {
  if (!coupon) return 'unknown'
  if (coupon.validUntil !== null && Date.parse(coupon.validUntil) <= now) return 'expired'
  if (coupon.usesTotal !== null && coupon.uses >= coupon.usesTotal) return 'exhausted'
  if (coupon.usesPerBuyer !== null && buyerUses >= coupon.usesPerBuyer) return 'used'
  return null
}

/** Why a coupon does not fit goods of this worth; null when it does. */
export function worthRefusal({ amount, minSubtotal }: Coupon, subtotal: Money): CouponRefusal | null {
  if ([amount, minSubtotal].some((m) => m !== null && m.currency !== subtotal.currency)) return 'currency'
  return minSubtotal !== null && subtotal.amount < minSubtotal.amount ? 'below-minimum' : null
}

const REFUSALS: Readonly<Record<CouponRefusal, string>> = {
  unknown: 'there is no such coupon',
  expired: 'this coupon is no longer valid',
  exhausted: 'this coupon has been used up',
  used: 'you have used this coupon as often as it allows',
  currency: 'this coupon is in another currency',
  'below-minimum': 'the goods are worth less than this coupon asks for'
}

/** A refusal as the client meets it: a 422 of the field `coupon`, whose code is the reason. */
export const couponProblem = (reason: CouponRefusal): Error => invalidField('coupon', reason, REFUSALS[reason])

/** What the lines cost before anything is taken off. Refuses lines of two currencies. */
export function subtotalOf(lines: readonly QuotedLine[]): Money {
  const currency = lines[0]!.unitPrice.currency
  const other = lines.findIndex((line) => line.unitPrice.currency !== currency)
  if (other >= 0) throw invalidField(`lines[${other}].unitPrice`, 'currency', 'an order has one currency: order these lines apart')
  return sum(lines.map((line) => times(line.unitPrice, line.quantity)))
}

interface PricedLine {
  line: QuotedLine
  total: number
  discount: number
  tax: number
}

const add = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

const isMethod = (name: string): name is ShippingMethod => (SHIPPING_METHODS as readonly string[]).includes(name)

async function priceLines({ lines, coupon, destination }: QuoteRequest, { discount, tax }: PricingStrategies): Promise<PricedLine[]> {
  const totals = lines.map((line) => line.unitPrice.amount * line.quantity)
  const discounts = coupon ? discount.discounts(coupon, totals) : totals.map(() => 0)
  const taxes = await tax.taxes(lines.map((line, i) => ({ category: line.category, amount: totals[i]! - discounts[i]! })), destination)
  return lines.map((line, i) => ({ line, total: totals[i]!, discount: discounts[i]!, tax: taxes[i]! }))
}

const parcelOf = (sellerId: string, lines: readonly PricedLine[]): Parcel => ({
  sellerId,
  currency: lines[0]!.line.unitPrice.currency,
  items: add(lines.map((p) => p.line.quantity)),
  value: add(lines.map((p) => p.total - p.discount)),
  handlingDays: Math.max(...lines.map((p) => p.line.handlingDays ?? 1))
})

function totalsOf(lines: readonly PricedLine[], shipping: number, currency: string): Quote['totals'] {
  const [subtotal, discount, tax] = [add(lines.map((p) => p.total)), add(lines.map((p) => p.discount)), add(lines.map((p) => p.tax))]
  const of = (amount: number): Money => money(amount, currency)
  return { subtotal: of(subtotal), discount: of(discount), shipping: of(shipping), tax: of(tax), total: of(subtotal - discount + shipping + tax) }
}

/**
 * The exact price of an order: integers throughout, lines add up to sellers, sellers to the whole, and everywhere
 * total = subtotal − discount + shipping + tax. Rejects with `validation-failed` of `shippingMethod` when it is unknown or does not
 * go there, of a line when currencies differ.
 */
export async function quote(request: QuoteRequest, strategies: PricingStrategies = defaultStrategies): Promise<Quote> {
  const { currency } = subtotalOf(request.lines)
  const priced = await priceLines(request, strategies)
  const bySeller = Map.groupBy(priced, (p) => p.line.sellerId)
  const parcels = [...bySeller].map(([sellerId, lines]) => parcelOf(sellerId, lines))
  const rates = new Map<ShippingMethod, ShippingRate[]>()
  for (const method of SHIPPING_METHODS) {
    const found = await strategies.shipping.rates(method, parcels, request.destination, { prime: request.prime })
    if (found) rates.set(method, found)
  }
  const chosen = isMethod(request.shippingMethod) ? rates.get(request.shippingMethod) : undefined
  if (!chosen) throw invalidField('shippingMethod', 'shippingMethod', `this order cannot be sent so; it can by: ${[...rates.keys()].join(', ') || 'no method'}`)
  const of = (amount: number): Money => money(amount, currency)
  return {
    lines: priced.map(({ line, total, discount, tax }) => ({
      offerId: line.offerId, sellerId: line.sellerId, quantity: line.quantity, unitPrice: line.unitPrice,
      lineTotal: of(total), discount: of(discount), tax: of(tax)
    })),
    sellers: [...bySeller].map(([sellerId, lines], i) => ({ sellerId, ...totalsOf(lines, chosen[i]!.price, currency), estimatedDays: chosen[i]!.estimatedDays })),
    totals: totalsOf(priced, add(chosen.map((r) => r.price)), currency),
    shippingOptions: [...rates].map(([method, list]) => ({ method, price: of(add(list.map((r) => r.price))), estimatedDays: Math.max(...list.map((r) => r.estimatedDays)) }))
  }
}
