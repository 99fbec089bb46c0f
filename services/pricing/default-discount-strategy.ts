import { portion, prorate } from '../../mixins/primitives/money.ts'
import type { DiscountStrategy } from './discount-strategy.ts'

/** The reduction of the whole, at most all of it, spread over the lines by their totals. */
export const defaultDiscountStrategy: DiscountStrategy = {
  discounts({ percent, amount }, lineTotals) {
    const subtotal = lineTotals.reduce((a, b) => a + b, 0)
    const whole = percent === null ? (amount?.amount ?? 0) : portion(subtotal, percent * 100)
    return prorate(Math.min(whole, subtotal), lineTotals)
  }
}
