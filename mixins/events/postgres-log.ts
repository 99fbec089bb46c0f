import { hash } from 'node:crypto'
import { Batcher } from '../batch/batcher.ts'
import { columns, isConnectionError, type Database } from '../postgres/database.ts'
import { Shares } from '../postgres/shares.ts'
import type { BatchHandler, ConsumeOptions, EventLog, EventRecord, Subscription, TextHandler } from './port.ts'
import { PostgresSubscription, type Member } from './postgres-subscription.ts'
import { KEPT_DAYS, PARTITIONS } from './rules.ts'

const PUBLISH_ROWS = 1_000
/** Calls of `publish` that are written together. */
const PUBLISHERS_TOGETHER = 8
const SWEEP_EVERY_MS = 600_000
const SWEEP_ROWS = 1_000

/** How quickly things happen; tests are in more of a hurry. */
export interface LogTimes {
  /** Longest wait for events that no hint announced. */
  pollMs?: number
  /** How often the members of a group look whether to share anew. */
  balanceMs?: number
}

const partitionOf = (aggregate: string): number => hash('sha1', aggregate, 'buffer')[0]! % PARTITIONS

/**
 * The event log in PostgreSQL. An offset comes from its partition's counter, whose row stays locked until the publisher commits,
 * so offsets become visible in order and a position never passes an event that is still to appear. Partitions of a group are
 * owned by session advisory locks; the guarantee is the compare-and-set on the group's position: two owners for a moment cost
 * repeats, never gaps.
 */
export class PostgresLog implements EventLog {
  readonly #db: Database
  readonly #times: Required<LogTimes>
  readonly #shares: Shares[] = []
  readonly #subscriptions = new Set<PostgresSubscription>()
  readonly #sweeper: NodeJS.Timeout
  /** One at a time: publishers of one thread would only wait for each other's counters. */
  readonly #appends = new Batcher<readonly EventRecord[], void>((some) => this.#appendAll(some), { max: PUBLISHERS_TOGETHER, inFlight: 1 })

  constructor(db: Database, { pollMs = 400, balanceMs = 1_000 }: LogTimes = {}) {
    this.#db = db
    this.#times = { pollMs, balanceMs }
    this.#sweeper = setInterval(() => void this.sweep().catch(() => {}), SWEEP_EVERY_MS).unref() // what it misses, the next one takes
  }

  async publish(events: readonly EventRecord[]): Promise<void> {
    for (let i = 0; i < events.length; i += PUBLISH_ROWS) await this.#appends.add(events.slice(i, i + PUBLISH_ROWS))
  }

  consume(topics: readonly string[], group: string, handle: BatchHandler, options: ConsumeOptions = {}): Subscription {
    return this.#subscribe({ ...options, topics, group, handle })
  }

  forward(topics: readonly string[], group: string, open: () => TextHandler, options: ConsumeOptions = {}): Subscription {
    return this.#subscribe({ ...options, topics, group, handle: open() as BatchHandler, asText: true, independentTopics: true })
  }

  async lag(group: string): Promise<number> {
    const [row] = await this.#db.query<{ lag: number }>(LAG, [group])
    return row!.lag
  }

  /** Deletes what is older than it must be kept; one sweeper at a time. */
  async sweep(): Promise<void> {
    while ((await this.#db.query(SWEEP, [SWEEP_ROWS, KEPT_DAYS])).length > 0);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()))
    await Promise.all(this.#shares.map((shares) => shares.close()))
    await this.#db.close()
  }

  #subscribe(member: Member): Subscription {
    const set = `log ${member.group}`
    let shares = this.#shares.find((s) => !s.has(set)) // one session for all groups of the thread; a second member of a group needs its own
    if (!shares) this.#shares.push((shares = new Shares(this.#db, this.#times)))
    const subscription = new PostgresSubscription(this.#db, { ...member, partitions: PARTITIONS, pollMs: this.#times.pollMs }, (user) => shares.join(set, PARTITIONS, user))
    this.#subscriptions.add(subscription)
    return {
      wake: (published) => subscription.wake(published),
      stop: async () => {
        this.#subscriptions.delete(subscription)
        await subscription.stop()
      }
    }
  }

  /** Together, or one by one where together they are refused: so an event that cannot be stored is its own publisher's trouble. */
  async #appendAll(calls: (readonly EventRecord[])[]): Promise<(void | Error)[]> {
    try {
      await this.#append(calls.flat())
      return calls.map(() => undefined)
    } catch (error) {
      if (calls.length === 1 || isConnectionError(error)) throw error
    }
    const answers: (void | Error)[] = []
    for (const call of calls) answers.push(await this.#append(call).catch((fault: Error) => fault))
    return answers
  }

  async #append(events: readonly EventRecord[]): Promise<void> {
    const counters = new Map<string, { topic: string; partition: number; count: number }>()
    const rows = events.map(({ topic, aggregate, body, ...rest }) => {
      const partition = partitionOf(aggregate)
      const key = `${partition} ${topic}`
      const counter = counters.get(key) ?? { topic, partition, count: 0 }
      counters.set(key, counter)
      return { ...rest, topic, aggregate, partition, place: counter.count++, body: JSON.stringify(body) }
    })
    await this.#db.query(APPEND, [
      ...columns([...counters.values()], ['topic', 'partition', 'count']),
      ...columns(rows, ['topic', 'partition', 'place', 'id', 'aggregate', 'number', 'at', 'body'])
    ])
  }
}

// Counters are locked in one order by every publisher, so that none waits for another in a circle.
const APPEND = `WITH counted AS (
    INSERT INTO log.partition AS p (topic, partition, next)
    SELECT topic, partition, 1 + count FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS c (topic, partition, count) ORDER BY topic, partition
    ON CONFLICT (topic, partition) DO UPDATE SET next = p.next + excluded.next - 1
    RETURNING topic, partition, next),
  first AS (
    SELECT topic, partition, next - count AS "offset" FROM counted JOIN unnest($1::text[], $2::smallint[], $3::bigint[]) AS c (topic, partition, count) USING (topic, partition))
  INSERT INTO log.event (topic, partition, "offset", id, aggregate, number, at, body)
  SELECT topic, partition, f."offset" + place, id, aggregate, number, at, body
  FROM unnest($4::text[], $5::smallint[], $6::bigint[], $7::text[], $8::text[], $9::bigint[], $10::timestamptz[], $11::json[])
    AS e (topic, partition, place, id, aggregate, number, at, body) JOIN first f USING (topic, partition)`

// What was kept too short for the group counts as handled: it can never be.
const LAG = `SELECT coalesce(sum(greatest(0, p.next - greatest(o.next, kept.first))), 0)::bigint AS lag
  FROM log.position o JOIN log.partition p USING (topic, partition)
  CROSS JOIN LATERAL (SELECT coalesce(min(e."offset"), p.next) AS first FROM log.event e WHERE e.topic = o.topic AND e.partition = o.partition) kept
  WHERE o."group" = $1`

const SWEEP = `WITH mine AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7236402) AS sole),
  old AS (
    SELECT p.topic, p.partition, e."offset" FROM log.partition p
    CROSS JOIN LATERAL (SELECT "offset", stored_at FROM log.event e WHERE e.topic = p.topic AND e.partition = p.partition ORDER BY "offset" LIMIT $1) e
    WHERE (SELECT sole FROM mine) AND e.stored_at < now() - $2::int * interval '1 day')
  DELETE FROM log.event e USING old WHERE e.topic = old.topic AND e.partition = old.partition AND e."offset" = old."offset" RETURNING 1`
