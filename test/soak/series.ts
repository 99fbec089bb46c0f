import { trendOf, type Point, type Trend } from './trend.ts'

/** What the samples of one moment hold, by series: `memory/node`, `heap/web`, … */
export interface Sample {
  /** From the start of the trade. */
  seconds: number
  values: Readonly<Record<string, number>>
}

/** The halves of a run. Under fire threads die; afterwards the shop trades in peace, so that what either leaves behind can be seen. */
export type Half = 'fire' | 'peace'

/** What is watched, and what counts as growing. */
export interface Watch {
  /** First part of the names of its series. */
  group: string
  title: string
  unit: string
  of?: 'median' | 'least'
  halves: readonly Half[]
  /** Growth over the half that nobody minds: whichever is more, so much, or this share of the level. */
  allowed: { atLeast: number; share: number }
  /** Seconds from the start before it can be as it will stay: what is cached for a while fills for that while. */
  fills: number
}

/** Actors stay in memory for 5 minutes after their last turn, with what they hold. */
const ACTORS_STAY = 330
const STARTED = 30

export const WATCHES: readonly Watch[] = [
  { group: 'memory', title: 'Memory by process', unit: 'MiB', of: 'least', halves: ['peace'], allowed: { atLeast: 24, share: 0.06 }, fills: ACTORS_STAY },
  { group: 'heap', title: 'Heap in use by thread', unit: 'MiB', of: 'least', halves: ['peace'], allowed: { atLeast: 8, share: 0.1 }, fills: ACTORS_STAY },
  { group: 'descriptors', title: 'Open files and sockets', unit: '', halves: ['fire', 'peace'], allowed: { atLeast: 6, share: 0.05 }, fills: STARTED },
  { group: 'handles', title: 'Handles and timers by thread', unit: '', halves: ['fire', 'peace'], allowed: { atLeast: 10, share: 0.1 }, fills: STARTED },
  { group: 'connections', title: 'Connections to the databases', unit: '', halves: ['fire', 'peace'], allowed: { atLeast: 3, share: 0.05 }, fills: STARTED },
  { group: 'outbox', title: 'Events that wait in an outbox', unit: '', halves: ['fire', 'peace'], allowed: { atLeast: 50, share: 0.5 }, fills: STARTED },
  { group: 'lag', title: 'Events that consumers have not handled yet', unit: '', halves: ['fire', 'peace'], allowed: { atLeast: 100, share: 0.5 }, fills: STARTED },
  { group: 'actors', title: 'Actors in memory', unit: '', halves: ['peace'], allowed: { atLeast: 50, share: 0.1 }, fills: ACTORS_STAY },
  { group: 'unanswered', title: 'Turns that were taken and not answered yet', unit: '', halves: ['fire', 'peace'], allowed: { atLeast: 10, share: 0.5 }, fills: STARTED },
  { group: 'latency', title: 'Latency, p95', unit: 'ms', halves: ['peace'], allowed: { atLeast: 20, share: 0.5 }, fills: STARTED }
]

export interface Verdict {
  series: string
  half: Half
  trend: Trend
  allowed: number
  /** `young`: the half began before the series could be as it will stay, so its growth proves nothing. */
  verdict: 'flat' | 'growing' | 'young'
}

/** A rise less certain than this is taken for noise. */
const CERTAIN = 0.05

/** The first samples of a half are not judged: those of a new shop, or of threads that have just come back. */
const SETTLING_SHARE = 0.15

export function pointsOf(samples: readonly Sample[], series: string): Point[] {
  return samples.flatMap(({ seconds, values }) => (values[series] === undefined ? [] : [[seconds, values[series]] as const]))
}

export const seriesOf = (samples: readonly Sample[], group: string): string[] => [...new Set(samples.flatMap(({ values }) => Object.keys(values)))].filter((name) => name.startsWith(`${group}/`)).sort()

/**
 * Flat unless it is certain (one chance in twenty) that the series rises, and the rise over the half is more than is allowed.
 * What has too few samples in a half is not judged there. `turn`: where fire ends, in seconds.
 */
export function judge(samples: readonly Sample[], turn: number, end: number, watches: readonly Watch[] = WATCHES): Verdict[] {
  const windows: Record<Half, [from: number, to: number]> = { fire: [turn * SETTLING_SHARE, turn], peace: [turn + (end - turn) * SETTLING_SHARE, end] }
  return watches.flatMap(({ group, halves, of = 'median', allowed, fills }) =>
    seriesOf(samples, group).flatMap((series) =>
      halves.flatMap((half): Verdict[] => {
        const [from, to] = windows[half]
        const trend = trendOf(pointsOf(samples, series).filter(([t]) => t >= from && t <= to), of)
        if (trend === null) return []
        const room = Math.max(allowed.atLeast, allowed.share * trend.level)
        const grows = trend.p < CERTAIN && trend.growth > room
        return [{ series, half, trend, allowed: room, verdict: grows ? (from < fills ? 'young' : 'growing') : 'flat' }]
      })
    )
  )
}
