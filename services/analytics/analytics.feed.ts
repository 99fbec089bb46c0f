import { setTimeout as sleep } from 'node:timers/promises'
import type { AnalyticsStore } from '../../mixins/analytics/port.ts'
import { Batcher } from '../../mixins/batch/batcher.ts'
import type { BehaviourRecord } from '../../mixins/behaviour/behaviour.ts'
import type { DeliveryFailure, EventLog, Subscription } from '../../mixins/events/port.ts'
import { counter } from '../../mixins/metrics/registry.ts'
import { problemType } from '../../mixins/primitives/problem.ts'
import { behaviourRows, rowsOf, TOPICS, type Rows, type Table } from './analytics.ts'

export const GROUP = 'analytics'

/** ClickHouse wants few large inserts: at most one round in this time, with everything that came meanwhile. */
const ROUND_MS = 1_000
/** Batches that may wait for a round: they bound memory, and how much one round writes. */
const CONCURRENCY = 32
const MAX_BATCH = 500
const RETRY_MS = 10_000
const BEHAVIOUR = { most: 20_000, everyMs: 15_000 }

const written = counter('souk_analytics_rows_total', 'Rows that analytics has stored')
const dropped = counter('souk_behaviour_dropped_total', 'Views and searches that found a buffer full').with({ at: 'store' })

/**
 * Brings business events from the log into the analytics store, at least once, and behaviour as well as it can. Where the store
 * cannot be used it leaves the group, so that the group's place in the log stays, says why once, and looks again now and then.
 */
export class AnalyticsFeed {
  readonly #log: EventLog
  readonly #store: AnalyticsStore
  readonly #say: (line: string) => void
  #subscription: Subscription | null = null
  #starting: Promise<void> | null = null
  #retry: NodeJS.Timeout | null = null
  #behaviourTimer: NodeJS.Timeout | null = null
  /** One round at a time, of everything that waits. */
  readonly #rounds = new Batcher<Rows, void>((parts) => this.#runRound(parts), { max: 2 * CONCURRENCY, inFlight: 1 })
  #rest: Promise<unknown> = Promise.resolve()
  #behaviour: BehaviourRecord[] = []
  #off: string | null = null
  #stopped = false

  constructor(log: EventLog, store: AnalyticsStore, say: (line: string) => void) {
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

  /** Takes behaviour into a bounded buffer; it is written now and then, or lost with the process. */
  takeBehaviour(records: readonly BehaviourRecord[]): void {
    const room = BEHAVIOUR.most - this.#behaviour.length
    this.#behaviour.push(...records.slice(0, room))
    if (records.length > room) dropped.add(records.length - room)
    this.#behaviourTimer ??= setTimeout(() => void this.writeBehaviour(), BEHAVIOUR.everyMs).unref()
  }

  /** Writes the behaviour that waits, or drops it where the store refuses it. Never rejects. */
  async writeBehaviour(): Promise<void> {
    if (this.#behaviourTimer) clearTimeout(this.#behaviourTimer)
    this.#behaviourTimer = null
    const records = this.#behaviour.splice(0)
    if (records.length === 0) return
    await this.#rounds.add(behaviourRows(records)).catch(() => dropped.add(records.length))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of [this.#retry, this.#behaviourTimer]) if (timer) clearTimeout(timer)
    await this.#starting
    await this.#subscription?.stop()
    if (this.#off === null) await this.writeBehaviour()
  }

  async #start(): Promise<void> {
    if (this.#retry) clearTimeout(this.#retry)
    this.#retry = null
    const usable = await this.#store.available()
    if (this.#stopped) return
    if (usable !== true) return this.#pause(usable)
    if (this.#off !== null) this.#say('analytics is on, and catches up from the event log')
    this.#off = null
    this.#subscription = this.#log.consume(TOPICS, GROUP, (batch) => this.#rounds.add(rowsOf(batch)), {
      maxBatch: MAX_BATCH,
      concurrency: CONCURRENCY,
      independentTopics: true,
      onFailure: (failure) => this.#failed(failure)
    })
  }

  #pause(reason: string): void {
    if (this.#off !== reason) this.#say(`analytics is off: ${reason}; events wait in the log`)
    this.#off = reason
    this.startIn(RETRY_MS)
  }

  #failed({ topic, error, attempt }: DeliveryFailure): void {
    if (problemType(error) === 'unavailable') this.#leave(error as Error)
    else if (attempt % 20 === 3) this.#say(`analytics: ${topic ?? 'the event log'} is not taken in (${error instanceof Error ? error.message : String(error)}), trying again`)
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
  async #runRound(parts: Rows[]): Promise<(void | Error)[]> {
    await this.#rest
    try {
      await this.#insert(parts)
      return parts.map(() => {})
    } catch (error) {
      if (problemType(error) === 'unavailable') throw error
      const answers: (void | Error)[] = []
      for (const part of parts) answers.push(await this.#insert([part]).catch((fault: Error) => fault))
      return answers
    } finally {
      this.#rest = sleep(ROUND_MS, undefined, { ref: false })
    }
  }

  async #insert(parts: readonly Rows[]): Promise<void> {
    const tables = new Set(parts.flatMap((part) => Object.keys(part) as Table[]))
    for (const table of tables) {
      const rows = parts.flatMap((part) => part[table] ?? [])
      await this.#store.insert(table, rows)
      written.with({ table }).add(rows.length)
    }
  }
}
