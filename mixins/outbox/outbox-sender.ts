import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog, EventRecord } from '../events/port.ts'
import { columns, type Database } from '../postgres/database.ts'
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

interface OutboxRow {
  lane: number
  id: number
  event_id: string
  topic: string
  aggregate: string
  number: number
  at: string
  body: EventRecord['body']
}

const toRecord = ({ event_id, topic, aggregate, number, at, body }: OutboxRow): EventRecord => ({ id: event_id, topic, aggregate, number, at, body })

/**
 * Sends one outbox: reads the heads of the lanes it owns, publishes them in order, and deletes them once the log has them. At least
 * once: a crash, or a second sender for a moment, sends again from the head; nothing is deleted that was not stored, and no event
 * overtakes an earlier one of its lane. A row that the log refuses holds up its own lane only.
 */
export class OutboxSender {
  readonly #db: Database
  readonly #log: EventLog
  readonly #statements: ReturnType<typeof statements>
  readonly #events: SenderEvents
  readonly #shares: ShareSet
  /** Rounds, while there is reason for one. */
  #sending: Promise<void> | null = null
  /** The round under way: it goes on with the lanes that were owned when it began. Never rejects. */
  #round: Promise<void> = Promise.resolve()
  #again = false
  #failures = 0
  #stopping = false

  constructor(db: Database, schema: string, log: EventLog, events: SenderEvents, join: (user: ShareUser) => ShareSet) {
    this.#db = db
    this.#log = log
    this.#statements = statements(schema)
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
    // Not prepared: an outbox is empty now and a million rows in a minute, and the plan must follow.
    const rows = await this.#db.query<OutboxRow>(this.#statements.read, [lanes, rowsOfLane], { prepare: false })
    if (rows.length === 0) return false
    await this.#log.publish(rows.map(toRecord))
    await this.#db.query(this.#statements.remove, columns(rows, ['lane', 'id']), { prepare: false })
    this.#events.published([...new Set(rows.map((row) => row.topic))], rows.length)
    return rows.length >= rowsOfLane
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

const statements = (schema: string) => ({
  read: `SELECT o.lane, o.id, o.event_id, o.topic, o.aggregate, o.number, o.at, o.body FROM unnest($1::smallint[]) AS l (lane)
    CROSS JOIN LATERAL (SELECT * FROM ${schema}.outbox o WHERE o.lane = l.lane ORDER BY o.id LIMIT $2) o ORDER BY o.lane, o.id`,
  remove: `DELETE FROM ${schema}.outbox o USING unnest($1::smallint[], $2::bigint[]) AS sent (lane, id) WHERE o.lane = sent.lane AND o.id = sent.id`
})
