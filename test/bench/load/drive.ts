import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomOf } from './random.ts'

/** One operation, the `n`th of its run. Rejects when its outcome is not the right one; the error's `type` names what went wrong. */
export type Operation = (n: number) => Promise<unknown>

/** Milliseconds, of the operations that went right. */
export interface Latency {
  p50: number
  p95: number
  p99: number
  p999: number
  max: number
  /** [percentile, milliseconds], for charts. */
  curve: [percentile: number, ms: number][]
}

export interface Measured {
  /** Operations that went right. */
  operations: number
  seconds: number
  /** Operations a second that went right. */
  rate: number
  latency: Latency
  /** How many went wrong, by type. */
  errors: Record<string, number>
  /** Open arrival: what was offered a second, and how late the load itself was (p99, ms), which the times include. */
  offered?: { rate: number; lateMs: number }
  /** There was nothing left to do before the time was over. */
  ranOut?: true
}

export interface LoadOptions {
  operation: Operation
  seconds: number
  /** Operations at most: what was made for them is used up. */
  supply?: number | undefined
  /** What one call counts as. */
  weight?: number | undefined
}

/** Operations under way at most with open arrival; beyond it they count as `not-sent`, for memory is not without end. */
const UNDER_WAY_MAX = 20_000
/** How long the last answers are waited for. */
const PATIENCE_MS = 20_000
const CURVE = [0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.99, 100]
const MICROSECONDS_MAX = 3_600_000_000

/** Counts operations and their times, in memory that does not grow with them. */
export class Recorder {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: MICROSECONDS_MAX, figures: 3 })
  readonly #errors: Record<string, number> = {}
  operations = 0

  /** Counts `run` from `start` (of `performance.now`) on, whenever it began; answers, and rejects, as it does. */
  async watch<T>(start: number, weight: number, run: () => Promise<T>): Promise<T> {
    try {
      const result = await run()
      this.#histogram.record(Math.max(1, Math.round((performance.now() - start) * 1_000)))
      this.operations += weight
      return result
    } catch (error) {
      const { type, code, name } = error as { type?: string; code?: string; name?: string }
      this.wrong(String(type ?? code ?? name))
      throw error
    }
  }

  /** The same, and never rejects. */
  async time(start: number, weight: number, run: () => Promise<unknown>): Promise<void> {
    await this.watch(start, weight, run).catch(() => {}) // it is counted
  }

  wrong(type: string): void {
    this.#errors[type] = (this.#errors[type] ?? 0) + 1
  }

  result(seconds: number): Measured {
    const at = (percentile: number): number => (this.operations === 0 ? 0 : percentile === 0 ? this.#histogram.min / 1_000 : this.#histogram.percentile(percentile) / 1_000)
    const latency = { p50: at(50), p95: at(95), p99: at(99), p999: at(99.9), max: at(100), curve: CURVE.map((p): [number, number] => [p, at(p)]) }
    return { operations: this.operations, seconds, rate: this.operations / seconds, latency, errors: this.#errors }
  }
}

/** So many at once, each asking again when it has its answer: what the system can do. Hides stalls; `openArrival` shows them. */
export async function closedLoop({ operation, seconds, supply = Infinity, weight = 1, inFlight }: LoadOptions & { inFlight: number }): Promise<Measured> {
  const recorder = new Recorder()
  const from = performance.now()
  const end = from + seconds * 1_000
  let next = 0
  const caller = async (): Promise<void> => {
    while (performance.now() < end && next < supply) {
      const n = next++
      await recorder.time(performance.now(), weight, () => operation(n))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
  const ranOut = next >= supply && performance.now() < end
  return { ...recorder.result((performance.now() - from) / 1_000), ...(ranOut ? { ranOut } : {}) }
}

export interface Arrived {
  /** From the first moment to the last answer, or to when no more were waited for. */
  seconds: number
  /** How late operations were begun (p99, ms): the load's own fault, which their times include. */
  lateMs: number
  /** Operations that were never answered. */
  unanswered: number
}

/**
 * Begins operations at random moments, `rate` a second on average, whether or not those before are done; each is told the moment it was
 * meant to start. What is begun must not reject. Moments are kept to about a millisecond. `notSent` is told of those that were left
 * out, since too many were under way.
 */
export async function arrivals({ seconds, rate, supply = Infinity }: { seconds: number; rate: number; supply?: number | undefined }, begin: (n: number, intended: number) => Promise<void>, notSent: () => void): Promise<Arrived> {
  const late = createHistogram()
  const random = randomOf(1)
  const from = performance.now()
  let due = from
  let underWay = 0
  let sent = 0
  const start = (intended: number): void => {
    late.record(Math.max(1, Math.round((performance.now() - intended) * 1_000)))
    if (underWay >= UNDER_WAY_MAX) return notSent()
    underWay++
    void begin(sent++, intended).finally(() => underWay--)
  }
  for (const end = from + seconds * 1_000; due < end && sent < supply; ) {
    for (const now = performance.now(); due <= now && due < end && sent < supply; ) {
      start(due)
      due += (-Math.log(1 - random()) * 1_000) / rate
    }
    await sleep(1)
  }
  for (const deadline = performance.now() + PATIENCE_MS; underWay > 0 && performance.now() < deadline; ) await sleep(5)
  return { seconds: (performance.now() - from) / 1_000, lateMs: late.percentile(99) / 1_000, unanswered: underWay }
}

/** As many a second as they come, however long each takes; what waits behind a stall counts. Below a millisecond, read the closed loop. */
export async function openArrival({ operation, seconds, supply, weight = 1, rate }: LoadOptions & { rate: number }): Promise<Measured> {
  const recorder = new Recorder()
  const arrived = await arrivals({ seconds, rate, supply }, (n, intended) => recorder.time(intended, weight, () => operation(n)), () => recorder.wrong('not-sent'))
  for (let i = arrived.unanswered; i > 0; i--) recorder.wrong('no-answer')
  return { ...recorder.result(arrived.seconds), offered: { rate, lateMs: arrived.lateMs } }
}
