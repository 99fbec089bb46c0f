// How much a product is wanted, for the order of search results. Pure.

/** An event counts half after so long. */
export const HALF_LIFE_MS = 14 * 24 * 3_600_000

/** What one event adds to a product's score. */
export const WEIGHTS = { viewed: 1, ordered: 20 } as const

/** What a score is worth `ms` later. */
export const decayed = (score: number, ms: number): number => score * 2 ** (-Math.max(0, ms) / HALF_LIFE_MS)

/** A product that cannot be had now still shows, behind what can. */
const OUT_OF_STOCK = 0.1

/**
 * Popularity in the index, 0 and more: the score of orders and views, and what buyers think. Ratings count by the logarithm of
 * their number, so that a new product with one five-star review does not pass one with a thousand of 4.8.
 */
export function popularityOf(score: number, { rating, ratingCount, availability }: { rating: number; ratingCount: number; availability: string }): number {
  const popularity = score + Math.max(0, rating - 2.5) * Math.log1p(ratingCount)
  return Math.round(popularity * (availability === 'out_of_stock' ? OUT_OF_STOCK : 1) * 1_000) / 1_000
}
