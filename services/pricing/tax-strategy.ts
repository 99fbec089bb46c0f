import type { Destination } from './pricing.contract.ts'

/** A line as a tax authority sees it. */
export interface TaxableLine {
  category: string
  /** What is paid for it: line total less its share of the discount, in minor units. */
  amount: number
}

/** How sales tax is found. An implementation may ask a tax service. */
export interface TaxStrategy {
  /** The tax on each line, in the lines' order: whole minor units, never negative. */
  taxes(lines: readonly TaxableLine[], destination: Destination): number[] | Promise<number[]>
}
