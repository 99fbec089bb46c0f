import type { Availability } from './product.contract.ts'

/** What a buy box strategy sees of an offer. */
export interface BuyBoxOffer {
  id: string
  price: number
  handlingDays: number
  availability: Availability
}

/** Decides which of a product's offers a shopper meets first. A policy of the marketplace: put another one in its place. */
export interface BuyBoxStrategy {
  /** Negative when `a` comes before `b`. A total order: no two different offers are equal. */
  compare(a: BuyBoxOffer, b: BuyBoxOffer): number
}

/** What can be bought comes first, then what is cheap, then what leaves soon, then who came first (ids sort by creation). */
export const defaultBuyBox: BuyBoxStrategy = {
  compare: (a, b) =>
    Number(a.availability === 'out_of_stock') - Number(b.availability === 'out_of_stock') || a.price - b.price || a.handlingDays - b.handlingDays || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
