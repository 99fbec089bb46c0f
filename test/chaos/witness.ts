import { Tally } from '../soak/client.ts'

/** What clients saw in each second of the whole run. */
export class Timeline {
  readonly #from = performance.now()
  readonly answered: number[] = []
  readonly refused: number[] = []

  /** Seconds since the run began. */
  now(): number {
    return (performance.now() - this.#from) / 1_000
  }

  count(where: number[]): void {
    const second = Math.floor(this.now())
    while (where.length <= second) where.push(0)
    where[second]!++
  }
}

/** What a client is told when it may ask again, and nothing was done. */
const POLITE = /^(429|503)\b|in-progress$/

/** Counts what clients see during one fault. */
export class Witness extends Tally {
  readonly #timeline: Timeline
  /** What came instead of an answer, whatever was asked for. */
  readonly refusals: Record<string, number> = {}
  /** When the last one came, in seconds of the run. */
  lastRefusal: number | null = null

  constructor(timeline: Timeline) {
    super()
    this.#timeline = timeline
  }

  override answered(kind: string, status: number): void {
    super.answered(kind, status)
    this.#timeline.count(this.#timeline.answered)
  }

  override missed(miss: string): void {
    super.missed(miss)
    const type = miss.slice(miss.indexOf(': ') + 2)
    if (type.endsWith('in-progress')) return // the other of two equal requests is at work
    this.refusals[type] = (this.refusals[type] ?? 0) + 1
    this.lastRefusal = this.#timeline.now()
    this.#timeline.count(this.#timeline.refused)
  }

  /** Answers that do not tell that nothing was done. */
  rude(): [type: string, count: number][] {
    return Object.entries(this.refusals).filter(([type]) => !POLITE.test(type))
  }
}
