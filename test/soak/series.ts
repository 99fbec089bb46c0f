import { trendOf, type Point, type Trend } from './trend.ts'

/** What the samples of one moment hold, by series: `memory/node`, `heap/web`, … */
export interface Sample {
  /** From the start of the trade. */
  seconds: number
  values: Readonly<Record<string, number>>
}

/** The parts of a run. Under fire threads die; afterwards the shop trades in peace, so that what either leaves behind can be seen. */
export type Part = 'fire' | 'peace'

/** What is watched, and what counts as growing. */
export interface Watch {
  /** First part of the names of its series. */
  group: string
  title: string
  unit: string
  of?: 'median' | 'least'
  /** In which it is judged; in none: only shown. */
  parts: readonly Part[]
  /** Growth over the part that nobody minds: whichever is more, so much, or this share of the level. */
  allowed: { atLeast: number; share: number }
  /** Seconds of peace before it can be as it will stay: what is kept for a while fills for that while. */
  fills: number
  /** Says nothing where others keep the machine busy: it rises with what waits. */
  ofMachine?: true
}

/** Actors stay in memory for 5 minutes after their last turn, with what they hold. */
const ACTORS_STAY = 330
const STARTED = 20
const BOTH: readonly Part[] = ['fire', 'peace']

export const WATCHES: readonly Watch[] = [
  { group: 'memory', title: 'Memory by process', unit: 'MiB', of: 'least', parts: ['peace'], allowed: { atLeast: 24, share: 0.06 }, fills: ACTORS_STAY, ofMachine: true },
  { group: 'heap', title: 'Heap in use by thread', unit: 'MiB', of: 'least', parts: ['peace'], allowed: { atLeast: 8, share: 0.1 }, fills: ACTORS_STAY },
  { group: 'descriptors', title: 'Open files and sockets', unit: '', of: 'least', parts: BOTH, allowed: { atLeast: 6, share: 0.05 }, fills: STARTED, ofMachine: true },
  { group: 'handles', title: 'Handles and timers by thread', unit: '', of: 'least', parts: BOTH, allowed: { atLeast: 10, share: 0.1 }, fills: STARTED, ofMachine: true },
  { group: 'connections', title: 'Connections to the databases', unit: '', of: 'least', parts: BOTH, allowed: { atLeast: 3, share: 0.05 }, fills: STARTED, ofMachine: true },
  { group: 'outbox', title: 'Events that wait in an outbox', unit: '', of: 'least', parts: BOTH, allowed: { atLeast: 50, share: 0.5 }, fills: STARTED, ofMachine: true },
  { group: 'lag', title: 'Events that consumers have not handled yet', unit: '', of: 'least', parts: BOTH, allowed: { atLeast: 100, share: 0.5 }, fills: STARTED, ofMachine: true },
  { group: 'actors', title: 'Actors in memory', unit: '', parts: ['peace'], allowed: { atLeast: 50, share: 0.1 }, fills: ACTORS_STAY, ofMachine: true },
  { group: 'unanswered', title: 'Turns that were taken and not answered yet', unit: '', of: 'least', parts: BOTH, allowed: { atLeast: 10, share: 0.5 }, fills: STARTED, ofMachine: true },
  { group: 'latency', title: 'Latency, p95', unit: 'ms', parts: ['peace'], allowed: { atLeast: 20, share: 0.5 }, fills: STARTED, ofMachine: true },
  // Bounded by PostgreSQL's settings, and filled as more of the data has been touched.
  { group: 'engine', title: "PostgreSQL's caches: shared buffers (MiB) and files", unit: '', parts: [], allowed: { atLeast: 0, share: 0 }, fills: 0 },
  { group: 'machine', title: 'CPU that others take of the machine', unit: '%', parts: [], allowed: { atLeast: 0, share: 0 }, fills: 0 }
]

export interface Verdict {
  series: string
  part: Part
  trend: Trend
  allowed: number
  /** `young`: peace was too short for the series to become as it will stay. `disturbed`: others kept the machine busy. Either proves nothing. */
  verdict: 'flat' | 'growing' | 'young' | 'disturbed'
}

/** A rise less certain than this is taken for noise. */
const CERTAIN = 0.05
/** The first samples of a part are not judged: those of a new shop. */
const SETTLING_SHARE = 0.15
/** What is judged after something has filled must be this long, in seconds. */
const JUDGED_MIN = 120
/** Percent of the machine in others' hands, from which what waits is theirs as much as ours. */
export const BUSY = 20

export function pointsOf(samples: readonly Sample[], series: string): Point[] {
  return samples.flatMap(({ seconds, values }) => (values[series] === undefined ? [] : [[seconds, values[series]] as const]))
}

export const seriesOf = (samples: readonly Sample[], group: string): string[] => [...new Set(samples.flatMap(({ values }) => Object.keys(values)))].filter((name) => name.startsWith(`${group}/`)).sort()

const medianOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Percent of the machine in others' hands after `turn`, mostly. */
export const othersShare = (samples: readonly Sample[], turn: number): number => medianOf(pointsOf(samples, 'machine/others').filter(([t]) => t > turn).map(([, share]) => share))

/**
 * Flat unless it is certain (one chance in twenty) that the series rises, and the rise over what is judged is more than is allowed.
 * What has too few samples in a part is not judged there. `turn`: where fire ends, in seconds.
 */
export function judge(samples: readonly Sample[], turn: number, end: number, watches: readonly Watch[] = WATCHES): Verdict[] {
  const isBusy = othersShare(samples, turn) > BUSY
  const windowOf = (part: Part, fills: number): { from: number; to: number; young: boolean } => {
    if (part === 'fire') return { from: turn * SETTLING_SHARE, to: turn, young: false }
    const young = end - turn - fills < JUDGED_MIN && fills > STARTED
    return { from: turn + (young ? (end - turn) * SETTLING_SHARE : fills), to: end, young }
  }
  const verdictOf = (series: string, part: Part, { of = 'median', allowed, fills, ofMachine }: Watch): Verdict[] => {
    const { from, to, young } = windowOf(part, fills)
    const trend = trendOf(pointsOf(samples, series).filter(([t]) => t >= from && t <= to), of)
    if (trend === null) return []
    const room = Math.max(allowed.atLeast, allowed.share * trend.level)
    const grows = trend.p < CERTAIN && trend.growth > room
    return [{ series, part, trend, allowed: room, verdict: !grows ? 'flat' : young ? 'young' : ofMachine && isBusy ? 'disturbed' : 'growing' }]
  }
  return watches.flatMap((watch) => seriesOf(samples, watch.group).flatMap((series) => watch.parts.flatMap((part) => verdictOf(series, part, watch))))
}
