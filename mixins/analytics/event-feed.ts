import type { DeliveryFailure, EventLog, EventText, Subscription, TextHandler } from '../events/port.ts'
import { counter } from '../metrics/registry.ts'
import type { Json } from '../primitives/json.ts'
import { problemType } from '../primitives/problem.ts'
import type { AnalyticsStore } from './port.ts'
import { Rounds } from './rounds.ts'

/** Rows by table. */
export type Rows = Readonly<Partial<Record<string, readonly Record<string, Json>[]>>>

export interface FeedOptions {
  /** All who feed the same tables are of one group: each event is taken in by one of them. */
  group: string
  topics: readonly string[]
  /** Rows of a batch. They derive from the events alone, so that an event that comes again gives the same rows, with the same keys. */
  rowsOf(batch: readonly EventText[]): Rows
}

/** Batches that may wait for a round: they bound memory, and how much one round writes. */
const CONCURRENCY = 16
const MAX_BATCH = 2_000
/** ClickHouse wants few large inserts. */
const ROUND = { pauseMs: 1_000, enough: MAX_BATCH }
const RETRY_MS = 10_000
const BEST_EFFORT = { most: 20_000, everyMs: 15_000 }

const written = counter('souk_analytics_rows_total', 'Rows that analytics has stored')
const dropped = counter('souk_behaviour_dropped_total', 'Views and searches that found a buffer full').with({ at: 'store' })

const rowsIn = (rows: Rows): number => Object.values(rows).reduce((sum, list = []) => sum + list.length, 0)

/**
 * Brings business events from the log into the analytics store, at least once, and best-effort rows as well as it can. Where the store
 * cannot be used it leaves the group, so that the group's place in the log stays, says why once, and looks again now and then.
 */
export class EventFeed {
  readonly #options: FeedOptions
  readonly #log: EventLog
  readonly #store: AnalyticsStore
  readonly #say: (line: string) => void
  #subscription: Subscription | null = null
  #starting: Promise<void> | null = null
  #retry: NodeJS.Timeout | null = null
  #bestEffortTimer: NodeJS.Timeout | null = null
  #bestEffort: { table: string; row: Record<string, Json> }[] = []
  #off: string | null = null
  #stopped = false

  constructor(log: EventLog, store: AnalyticsStore, options: FeedOptions, say: (line: string) => void) {
    this.#options = options
    this.#log = log
    this.#store = store
    this.#say = say
  }

  /** Why nothing is fed; null when it is, or has not begun. */
  get off(): string | null {
    return this.#off
  }

  /** Begins after `ms`, unless it has begun already. */
  startIn(ms: number): void {
    this.#retry ??= setTimeout(() => void this.start(), ms).unref()
  }

  /** Begins now, as far as the store can be used. Never rejects. */
  start(): Promise<void> {
    if (this.#subscription || this.#stopped) return Promise.resolve()
    this.#starting ??= this.#start().finally(() => (this.#starting = null))
    return this.#starting
  }

  wake(topics: readonly string[]): void {
    this.#subscription?.wake(topics)
  }

  /** Takes rows into a bounded buffer; they are written now and then, or lost with the process. */
  takeBestEffort(rows: Rows): void {
    const all = Object.entries(rows).flatMap(([table, list = []]) => list.map((row) => ({ table, row })))
    const room = BEST_EFFORT.most - this.#bestEffort.length
    this.#bestEffort.push(...all.slice(0, room))
    if (all.length > room) dropped.add(all.length - room)
    this.#bestEffortTimer ??= setTimeout(() => void this.writeBestEffort(), BEST_EFFORT.everyMs).unref()
  }

  /** Writes the best-effort rows that wait, or drops them where the store refuses them. Never rejects. */
  async writeBestEffort(): Promise<void> {
    if (this.#bestEffortTimer) clearTimeout(this.#bestEffortTimer)
    this.#bestEffortTimer = null
    const taken = this.#bestEffort.splice(0)
    if (taken.length === 0) return
    const rows: Record<string, Record<string, Json>[]> = {}
    for (const { table, row } of taken) (rows[table] ??= []).push(row)
    await this.#insert([rows]).catch(() => dropped.add(taken.length))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of [this.#retry, this.#bestEffortTimer]) if (timer) clearTimeout(timer)
    await this.#starting
    await this.#subscription?.stop()
    if (this.#off === null) await this.writeBestEffort()
  }

  async #start(): Promise<void> {
    if (this.#retry) clearTimeout(this.#retry)
    this.#retry = null
    const usable = await this.#store.available()
    if (this.#stopped) return
    if (usable !== true) return this.#pause(usable)
    if (this.#off !== null) this.#say(`${this.#options.group} is on, and catches up from the event log`)
    this.#off = null
    const { topics, group, rowsOf } = this.#options
    // Rounds of its own for each member: what one stores is not held up by what another still brings.
    const open = (): TextHandler => {
      const rounds = new Rounds<Rows>({ ...ROUND, sizeOf: rowsIn, write: (parts) => this.#write(parts) })
      return (batch) => rounds.add(rowsOf(batch))
    }
    this.#subscription = this.#log.forward(topics, group, open, {
      maxBatch: MAX_BATCH,
      concurrency: CONCURRENCY,
      onFailure: (failure) => this.#failed(failure)
    })
  }

  #pause(reason: string): void {
    if (this.#off !== reason) this.#say(`${this.#options.group} is off: ${reason}; events wait in the log`)
    this.#off = reason
    this.startIn(RETRY_MS)
  }

  #failed({ topic, error, attempt }: DeliveryFailure): void {
    if (problemType(error) === 'unavailable') this.#leave(error as Error)
    else if (attempt % 20 === 3) this.#say(`${this.#options.group}: ${topic ?? 'the event log'} is not taken in (${error instanceof Error ? error.message : String(error)}), trying again`)
  }

  /** Leaves the group until the store can be used again; nobody starts anew before it has left. */
  #leave(error: Error): void {
    const subscription = this.#subscription
    if (!subscription || this.#stopped) return
    this.#subscription = null
    this.#starting = subscription
      .stop()
      .then(() => this.#store.available())
      .then((usable) => this.#pause(usable === true ? error.message : usable))
      .finally(() => (this.#starting = null))
  }

  /** Stores the parts of a round together; when the engine refuses them, one by one, so that only the one at fault comes again. */
  async #write(parts: readonly Rows[]): Promise<(void | Error)[]> {
    try {
      await this.#insert(parts)
      return parts.map(() => {})
    } catch (error) {
      if (problemType(error) === 'unavailable') throw error
      const answers: (void | Error)[] = []
      for (const part of parts) answers.push(await this.#insert([part]).catch((fault: Error) => fault))
      return answers
    }
  }

  async #insert(parts: readonly Rows[]): Promise<void> {
    const tables = new Set(parts.flatMap((part) => Object.keys(part)))
    for (const table of tables) {
      const rows = parts.flatMap((part) => part[table] ?? [])
      await this.#store.insert(table, rows)
      written.with({ table }).add(rows.length)
    }
  }
}
