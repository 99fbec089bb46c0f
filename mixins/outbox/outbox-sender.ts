import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog, EventRecord } from '../events/port.ts'
import type { ShareSet, ShareUser } from '../postgres/shares.ts'

/** Rows of one lane in one round: with all lanes about a thousand. */
const LANE_ROWS = 64
/** Least time between two rounds that found less than there may be: under load events go in batches, not one by one. */
const PACE_MS = 50
const RETRY_MS = { first: 100, longest: 5_000 }
/** From this failure in a row on, lanes go one by one and row by row. */
const SINGLE_FROM = 3

export interface SenderEvents {
  /** Events of these topics are in the log now. */
  published(topics: string[], count: number): void
  /** A round failed and comes again; `lane` when a single one is at fault. */
  failed(error: unknown, attempt: number, lane: number | null): void
}

/** An event that waits, with its place in the outbox. */
export interface OutboxEntry {
  lane: number
  /** Its place in its lane: what `remove` is told. */
  id: string | number
  event: EventRecord
}

/** The lanes of one outbox, wherever it lies. */
export interface OutboxLanes {
  /** The first `limit` entries of each of these lanes, lane by lane, each in its order. */
  read(lanes: readonly number[], limit: number): Promise<OutboxEntry[]>
  /** Deletes entries that the log has; those that are gone already are no fault. */
  remove(entries: readonly OutboxEntry[]): Promise<void>
}

/**
 * Sends one outbox: reads the heads of the lanes it owns, publishes them in order, and deletes them once the log has them. At least
 * once: a crash, or a second sender for a moment, sends again from the head; nothing is deleted that was not stored, and no event
 * overtakes an earlier one of its lane. A row that the log refuses holds up its own lane only.
 */
export class OutboxSender {
  readonly #outbox: OutboxLanes
  readonly #log: EventLog
  readonly #events: SenderEvents
  readonly #shares: ShareSet
  /** Rounds, while there is reason for one. */
  #sending: Promise<void> | null = null
  /** The round under way: it goes on with the lanes that were owned when it began. Never rejects. */
  #round: Promise<void> = Promise.resolve()
  #again = false
  #failures = 0
  #stopping = false

  constructor(outbox: OutboxLanes, log: EventLog, events: SenderEvents, join: (user: ShareUser) => ShareSet) {
    this.#outbox = outbox
    this.#log = log
    this.#events = events
    this.#shares = join({
      settled: () => this.#round,
      taken: () => this.look(),
      broken: (error) => events.failed(error, ++this.#failures, null)
    })
  }

  get lanes(): number[] {
    return [...this.#shares.owned].sort((a, b) => a - b)
  }

  /** Sends what waits, now, or again when the round under way has ended. */
  look(): void {
    this.#again = true
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#sending
    await this.#shares.leave()
  }

  async #sendAll(): Promise<void> {
    while (this.#again && !this.#stopping) {
      this.#again = false
      const pace = sleep(PACE_MS, undefined, { ref: false })
      this.#round = this.#sendOnce()
      await this.#round
      if (this.#failures > 0) await sleep(Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** (this.#failures - 1)))
      await pace
    }
  }

  async #sendOnce(): Promise<void> {
    try {
      if (this.#failures < SINGLE_FROM) while (!this.#stopping && (await this.#send(this.lanes, LANE_ROWS)));
      else await this.#sendSingly()
      this.#failures = 0
    } catch (error) {
      this.#events.failed(error, ++this.#failures, null)
      this.#again = true
    }
  }

  /** One round; true when there may be more. */
  async #send(lanes: readonly number[], rowsOfLane: number): Promise<boolean> {
    if (lanes.length === 0) return false
    const entries = await this.#outbox.read(lanes, rowsOfLane)
    if (entries.length === 0) return false
    await this.#log.publish(entries.map((entry) => entry.event))
    await this.#outbox.remove(entries)
    this.#events.published([...new Set(entries.map((entry) => entry.event.topic))], entries.length)
    return entries.length >= rowsOfLane
  }

  /**
   * Lanes one by one and row by row, so that only a lane whose head is at fault stands still. Rejects while there is one; where
   * others moved on, all lanes are tried together next, for faults that come and go would keep this slow way going for ever.
   */
  async #sendSingly(): Promise<void> {
    let fault: unknown
    let moved = false
    for (const lane of this.lanes) {
      try {
        while (!this.#stopping && (await this.#send([lane], 1))) moved = true
      } catch (error) {
        fault = error
        this.#events.failed(error, this.#failures, lane)
      }
    }
    if (moved) this.#failures = SINGLE_FROM - 2
    if (fault !== undefined) throw fault
  }
}
