/** A value at a time, in seconds from the start. */
export type Point = readonly [seconds: number, value: number]

export interface Trend {
  /** Median of the blocks. */
  level: number
  /** What the slope makes of the whole span. */
  growth: number
  /** Of the slope, for an hour. */
  perHour: number
  /** One-sided probability that a series without a trend rises as steadily as this one (Mann and Kendall). */
  p: number
}

/** Samples are taken together in so many blocks: neighbours resemble each other, so each alone would pass for more evidence than it is. */
const BLOCKS = 12
const BLOCKS_MIN = 6

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** One value of each block: the median, or the least for what is a saw between two collections of garbage. */
function inBlocks(points: readonly Point[], of: 'median' | 'least'): Point[] {
  const [from, to] = [points[0]![0], points.at(-1)![0]]
  const blockOf = ([t]: Point): number => Math.min(BLOCKS - 1, Math.floor(((t - from) / (to - from)) * BLOCKS))
  return [...Map.groupBy(points, blockOf).values()].map((block) => {
    const values = block.map(([, value]) => value)
    return [median(block.map(([t]) => t)), of === 'median' ? median(values) : Math.min(...values)]
  })
}

/** Upper tail of the normal distribution (Abramowitz and Stegun 26.2.17). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return z >= 0 ? tail : 1 - tail
}

/**
 * Where a series goes: the median of the slopes between all pairs of blocks (Theil and Sen), which a few wild samples do not move,
 * and how sure it is that it rises at all. Null when there is too little to tell.
 */
export function trendOf(points: readonly Point[], of: 'median' | 'least' = 'median'): Trend | null {
  if (points.length < BLOCKS_MIN) return null
  const blocks = inBlocks(points, of)
  if (blocks.length < BLOCKS_MIN) return null
  const pairs = blocks.flatMap(([t, v], i) => blocks.slice(i + 1).map(([u, w]) => ({ slope: (w - v) / (u - t), sign: Math.sign(w - v) })))
  const slope = median(pairs.map((pair) => pair.slope))
  const n = blocks.length
  const ties = [...Map.groupBy(blocks, ([, value]) => value).values()].reduce((sum, { length: k }) => sum + k * (k - 1) * (2 * k + 5), 0)
  const variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
  const s = pairs.reduce((sum, { sign }) => sum + sign, 0)
  const p = variance > 0 ? upperTail((s - Math.sign(s)) / Math.sqrt(variance)) : 1
  return { level: median(blocks.map(([, value]) => value)), growth: slope * (points.at(-1)![0] - points[0]![0]), perHour: slope * 3_600, p }
}
