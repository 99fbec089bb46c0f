import { randomUUID } from 'node:crypto'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpAnswer, HttpClient } from '../bench/load/http-client.ts'

/** Longer than the shop itself takes to say that it cannot. */
const PATIENCE_MS = 20_000
const GIVE_UP_MS = 90_000
/** Microseconds, up to an hour. */
const LATENCIES = { lowest: 1, highest: 3_600_000_000, figures: 3 }
const [PAUSE_MIN_MS, PAUSE_SPREAD_MS] = [100, 200]

/** Counts what clients see: the time until each final answer, and what they were told instead of one. */
export class Tally {
  readonly #intervals = new Map<string, RecordableHistogram>()
  readonly #whole = new Map<string, RecordableHistogram>()
  /** Answers that were none, by type, and how often. */
  readonly misses: Record<string, number> = {}
  /** Final answers by operation and status. */
  readonly outcomes: Record<string, Record<string, number>> = {}
  requests = 0

  took(kind: string, ms: number): void {
    for (const histograms of [this.#intervals, this.#whole]) {
      let histogram = histograms.get(kind)
      if (!histogram) histograms.set(kind, (histogram = createHistogram(LATENCIES)))
      histogram.record(Math.max(1, Math.round(ms * 1_000)))
    }
  }

  missed(type: string): void {
    this.misses[type] = (this.misses[type] ?? 0) + 1
  }

  answered(kind: string, status: number): void {
    this.requests++
    const outcomes = (this.outcomes[kind] ??= {})
    outcomes[status] = (outcomes[status] ?? 0) + 1
  }

  /** The 95th percentiles since the last look, in milliseconds, by operation. */
  interval(): Record<string, number> {
    const entries = [...this.#intervals].map(([kind, histogram]): [string, number] => [kind, histogram.percentile(95) / 1_000])
    this.#intervals.clear()
    return Object.fromEntries(entries)
  }

  /** Of all operations together, in milliseconds. */
  overall(): { p50: number; p95: number; max: number } {
    const all = createHistogram(LATENCIES)
    for (const histogram of this.#whole.values()) all.add(histogram)
    return all.count === 0 ? { p50: 0, p95: 0, max: 0 } : { p50: all.percentile(50) / 1_000, p95: all.percentile(95) / 1_000, max: all.max / 1_000 }
  }

  /** Of the whole run, in milliseconds. */
  summary(): Record<string, { count: number; p50: number; p95: number; p99: number; max: number }> {
    const at = (histogram: RecordableHistogram, p: number): number => histogram.percentile(p) / 1_000
    return Object.fromEntries([...this.#whole].map(([kind, h]) => [kind, { count: h.count, p50: at(h, 50), p95: at(h, 95), p99: at(h, 99), max: h.max / 1_000 }]))
  }
}

export interface Ask {
  /** What it counts as. */
  kind: string
  method: string
  /** Below /api/v1. */
  path: string
  headers?: Readonly<Record<string, string>>
  body?: object
}

const typeOf = (answer: HttpAnswer): string => {
  if (answer.status < 400) return String(answer.status)
  const type = /"type":"([^"]+)"/.exec(answer.text())?.[1]?.split('/').at(-1)
  return type ? `${answer.status} ${type}` : String(answer.status)
}

const isFinal = ({ status }: HttpAnswer, type: string): boolean => status < 500 && status !== 429 && !type.endsWith('in-progress')

/** A careful program: what it got no final answer to it repeats, with the same key. */
export class Client {
  readonly #http: HttpClient
  /** Who counts; another one from the next request on. */
  tally: Tally

  constructor(http: HttpClient, tally: Tally) {
    this.#http = http
    this.tally = tally
  }

  /** The final answer; rejects when there is none within 90 s. */
  async ask({ kind, method, path, headers = {}, body }: Ask): Promise<HttpAnswer> {
    const keyed = method === 'POST' ? { 'idempotency-key': randomUUID() } : {}
    const bytes = this.#http.bytesOf({ method, path: `/api/v1${path}`, headers: { ...keyed, ...headers }, ...(body ? { body: JSON.stringify(body) } : {}) })
    const from = performance.now()
    for (;;) {
      const answer = await this.#once(bytes)
      if (typeof answer === 'object') {
        this.tally.took(kind, performance.now() - from)
        this.tally.answered(kind, answer.status)
        return answer
      }
      this.tally.missed(`${kind}: ${answer}`)
      if (performance.now() - from > GIVE_UP_MS) throw new Error(`${method} ${path}: no final answer within ${GIVE_UP_MS / 1_000} s, last ${answer}`)
      await sleep(PAUSE_MIN_MS + Math.random() * PAUSE_SPREAD_MS)
    }
  }

  /** The final answer, or what came instead of one. */
  async #once(bytes: string): Promise<HttpAnswer | string> {
    const patience = new AbortController()
    try {
      const answer = await Promise.race([this.#http.send(bytes), sleep(PATIENCE_MS, null, { signal: patience.signal })])
      if (answer === null) return 'no answer'
      const type = typeOf(answer)
      return isFinal(answer, type) ? answer : type
    } catch (error) {
      return (error as { type?: string }).type ?? String(error)
    } finally {
      patience.abort()
    }
  }
}
