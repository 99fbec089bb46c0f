import type { Money } from '../../mixins/primitives/money.ts'

/** What a coupon takes off: a percentage, or an amount. */
export interface Reduction {
  percent: number | null
  amount: Money | null
}

/** How a coupon's reduction falls on the lines of an order. */
export interface DiscountStrategy {
  /** What is taken off each line, in the lines' order: whole minor units, none more than its line. */
  discounts(reduction: Reduction, lineTotals: readonly number[]): number[]
}
