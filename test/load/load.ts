import { createHistogram } from 'node:perf_hooks'
import { arrivals, Recorder, type Measured } from '../bench/load/drive.ts'
import { Steps, type Api } from './api.ts'
import { draw, type PreparedMix, type Transaction } from './mix.ts'

/** What went on in one interval. */
export interface Sample {
  /** Of the run, at its end. */
  seconds: number
  /** A second: begun, gone right, gone wrong. */
  begun: number
  done: number
  failed: number
  underWay: number
  /** Of those that went right, in milliseconds. */
  p50: number
  p99: number
}

export interface TransactionFigure {
  name: string
  doc: string
  measured: Measured
  /** Right ends other than the usual one, and how often. */
  outcomes: Record<string, number>
}

export interface LoadFigures {
  /** From the first arrival to the last answer. */
  seconds: number
  lateMs: number
  transactions: TransactionFigure[]
  steps: { name: string; measured: Measured }[]
  samples: Sample[]
}

/** An interval is a second, of short runs a tenth, of long ones what gives so many. */
const [SHARE_MS, SAMPLES_MAX] = [100, 300]
/** Tokens and sessions live longer. */
const RENEW_MS = 240_000

/** What goes on, interval by interval: as many intervals as a chart can show, however long the run. */
class Course {
  readonly #interval = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 })
  readonly #from = performance.now()
  readonly samples: Sample[] = []
  readonly #counts = { begun: 0, done: 0, failed: 0 }
  #at = 0
  underWay = 0

  begun(): void {
    this.#counts.begun++
    this.underWay++
  }

  ended(ms: number | null): void {
    this.underWay--
    if (ms === null) this.#counts.failed++
    else {
      this.#counts.done++
      this.#interval.record(Math.max(1, Math.round(ms * 1_000)))
    }
  }

  sample(): Sample {
    const now = (performance.now() - this.#from) / 1_000
    const rateOf = (count: number): number => count / Math.max(1e-3, now - this.#at)
    const at = (p: number): number => (this.#counts.done === 0 ? 0 : this.#interval.percentile(p) / 1_000)
    const { begun, done, failed } = this.#counts
    const sample = { seconds: now, begun: rateOf(begun), done: rateOf(done), failed: rateOf(failed), underWay: this.underWay, p50: at(50), p99: at(99) }
    this.samples.push(sample)
    this.#interval.reset()
    Object.assign(this.#counts, { begun: 0, done: 0, failed: 0 })
    this.#at = now
    return sample
  }
}

class TransactionRecorder {
  readonly recorder = new Recorder()
  readonly outcomes: Record<string, number> = {}
  underWay = 0
  readonly transaction: Transaction

  constructor(transaction: Transaction) {
    this.transaction = transaction
  }

  async run(intended: number, course: Course): Promise<void> {
    course.begun()
    this.underWay++
    try {
      const outcome = await this.recorder.watch(intended, 1, () => this.transaction.run())
      if (outcome) this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1
      course.ended(performance.now() - intended)
    } catch {
      course.ended(null) // its type is counted
    } finally {
      this.underWay--
    }
  }

  figure(seconds: number): TransactionFigure {
    const { name, doc } = this.transaction
    for (let i = this.underWay; i > 0; i--) this.recorder.wrong('no-answer')
    return { name, doc, measured: this.recorder.result(seconds), outcomes: this.outcomes }
  }
}

export interface LoadRunOptions {
  rate: number
  seconds: number
  onSample: (sample: Sample) => void
}

/** Does work every now and then until it is told to end. */
function regularly(ms: number, work: () => unknown): () => void {
  const timer = setInterval(() => void work(), ms)
  return () => clearInterval(timer)
}

/**
 * Lets transactions of the mix come at random moments, so many a second, each chosen by its share and timed from the moment it was meant
 * to start. Memory does not grow with the length of the run.
 */
export async function runLoad(api: Api, mix: Pick<PreparedMix, 'transactions' | 'renew'>, { rate, seconds, onSample }: LoadRunOptions): Promise<LoadFigures> {
  api.steps = new Steps()
  const course = new Course()
  const choices = mix.transactions.map((transaction) => ({ share: transaction.share, recorder: new TransactionRecorder(transaction) }))
  let failure: unknown = null
  const ends = [
    regularly(Math.max(Math.min(1_000, seconds * SHARE_MS), (seconds * 1_000) / SAMPLES_MAX), () => onSample(course.sample())),
    regularly(RENEW_MS, () => mix.renew?.().catch((error: unknown) => (failure ??= error)))
  ]
  try {
    const choose = (): TransactionRecorder => draw(choices, Math.random()).recorder
    const arrived = await arrivals({ seconds, rate }, (_n, intended) => choose().run(intended, course), () => choose().recorder.wrong('not-sent'))
    if (failure) throw failure
    return {
      seconds: arrived.seconds, lateMs: arrived.lateMs, samples: course.samples,
      transactions: choices.map(({ recorder }) => recorder.figure(arrived.seconds)), steps: api.steps.results()
    }
  } finally {
    for (const end of ends) end()
  }
}
