import { columns, type Database } from '../postgres/database.ts'
import type { ShareSet, ShareUser } from '../postgres/shares.ts'
import type { BatchHandler, ConsumeOptions, EventRecord } from './port.ts'

const DEFAULT_CONCURRENCY = 4
const DEFAULT_BATCH = 200
const RETRY_MS = { first: 250, longest: 30_000 }
/** From this failure of a batch on, its events come one by one. */
const SINGLE_FROM = 3

interface Settings extends ConsumeOptions {
  topics: readonly string[]
  group: string
  handle: BatchHandler
  partitions: number
  pollMs: number
}

/** One partition of one topic, as this member sees it. */
interface Place {
  topic: string
  partition: number
  busy: Promise<void> | null
  failures: number
  /** Milliseconds since the epoch: not before. */
  retryAt: number
  /** Events before this offset come one by one. */
  singleUntil: number
}

interface Batch {
  place: Place
  position: number
  next: number
  events: EventRecord[]
}

interface ReadRow extends EventRecord {
  partition: number
  position: number
  offset: number
}

/** One member of a group in a `PostgresLog`: reads the partitions it owns, hands batches on, moves the group's positions. */
export class PostgresSubscription {
  readonly #db: Database
  readonly #settings: Settings
  readonly #places: Place[]
  readonly #shares: ShareSet
  #poll: NodeJS.Timeout | null = null
  #looking = false
  #lookAgain = false
  #stopping = false
  #registered = false
  #readFailures = 0

  constructor(db: Database, settings: Settings, join: (user: ShareUser) => ShareSet) {
    this.#db = db
    this.#settings = settings
    const { topics, partitions } = settings
    this.#places = topics.flatMap((topic) => Array.from({ length: partitions }, (_, partition) => ({ topic, partition, busy: null, failures: 0, retryAt: 0, singleUntil: 0 })))
    this.#shares = join({
      settled: async (partition) => void (await Promise.all(this.#places.map((place) => place.partition === partition && place.busy))),
      taken: () => void this.#look(),
      broken: (error) => this.#unreadable(error)
    })
    this.#wait()
  }

  wake(published: readonly string[]): void {
    if (published.some((topic) => this.#settings.topics.includes(topic))) void this.#look()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#poll) clearTimeout(this.#poll)
    await Promise.all(this.#places.map((place) => place.busy))
    await this.#shares.leave()
  }

  /** Looks again after a while; the while varies, so that members do not look all at once. */
  #wait(): void {
    if (this.#stopping) return
    this.#poll = setTimeout(() => {
      void this.#look()
      this.#wait()
    }, this.#settings.pollMs * (0.75 + Math.random() / 2)).unref()
  }

  /** Reads what is ready and hands it on, until nothing is, or as much is under way as may be. Never rejects. */
  async #look(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true
      return
    }
    this.#looking = true
    try {
      do {
        this.#lookAgain = false
        for (const batch of await this.#read()) this.#start(batch)
      } while (this.#lookAgain)
      this.#readFailures = 0
    } catch (error) {
      this.#unreadable(error)
    } finally {
      this.#looking = false
    }
  }

  #unreadable(error: unknown): void {
    if (this.#stopping) return
    this.#readFailures++
    this.#settings.onFailure?.({ topic: null, events: [], attempt: this.#readFailures, retryMs: this.#settings.pollMs, error })
  }

  async #read(): Promise<Batch[]> {
    if (this.#stopping) return []
    const { group, topics, partitions, maxBatch = DEFAULT_BATCH, concurrency = DEFAULT_CONCURRENCY } = this.#settings
    const free = concurrency - this.#places.filter((place) => place.busy !== null).length
    const now = Date.now()
    const ready = this.#places.filter((place) => !place.busy && place.retryAt <= now && this.#shares.owned.has(place.partition))
    if (free <= 0 || ready.length === 0) return []
    if (!this.#registered) {
      await this.#db.query(REGISTER, [group, topics, partitions])
      this.#registered = true
    }
    const wanted = ready.map((place) => ({ ...place, limit: place.singleUntil > 0 ? 1 : maxBatch }))
    const rows = await this.#db.query<ReadRow>(READ, [group, ...columns(wanted, ['topic', 'partition', 'limit']), free])
    return batchesOf(rows, ready)
  }

  #start(batch: Batch): void {
    const { place } = batch
    if (this.#stopping || place.busy || !this.#shares.owned.has(place.partition)) return // lost or ending while it was read
    place.busy = this.#deliver(batch).finally(() => {
      place.busy = null
      void this.#look()
    })
  }

  async #deliver({ place, position, next, events }: Batch): Promise<void> {
    const { group, handle, onFailure } = this.#settings
    try {
      await handle(events)
      await this.#db.query(MOVE, [group, place.topic, place.partition, position, next])
      place.failures = 0
      if (next >= place.singleUntil) place.singleUntil = 0
    } catch (error) {
      place.failures++
      const retryMs = Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** (place.failures - 1))
      place.retryAt = Date.now() + retryMs
      if (place.failures >= SINGLE_FROM) place.singleUntil = Math.max(place.singleUntil, next)
      onFailure?.({ topic: place.topic, events, attempt: place.failures, retryMs, error })
    }
  }
}

function batchesOf(rows: readonly ReadRow[], places: readonly Place[]): Batch[] {
  const batches = new Map<Place, Batch>()
  for (const { partition, position, offset, ...event } of rows) {
    const place = places.find((p) => p.topic === event.topic && p.partition === partition)!
    const batch = batches.get(place) ?? { place, position, next: position, events: [] }
    batches.set(place, batch)
    batch.events.push(event)
    batch.next = offset + 1
  }
  return [...batches.values()]
}

const REGISTER = `INSERT INTO log.position ("group", topic, partition, next) SELECT $1, topic, partition, 1 FROM unnest($2::text[]) AS topic, generate_series(0, $3 - 1) AS partition
  ON CONFLICT DO NOTHING`

// Which partitions have something is asked first (one index probe each), so that a few long ones do not keep the others out.
const READ = `SELECT b.topic, b.partition, b.position, e."offset", e.id, e.aggregate, e.number, e.at, e.body
  FROM (
    SELECT o.topic, o.partition, o.next AS position, w.batch FROM unnest($2::text[], $3::smallint[], $4::int[]) AS w (topic, partition, batch)
    JOIN log.position o ON o."group" = $1 AND o.topic = w.topic AND o.partition = w.partition
    CROSS JOIN LATERAL (SELECT FROM log.event e WHERE e.topic = o.topic AND e.partition = o.partition AND e."offset" >= o.next ORDER BY e."offset" LIMIT 1) something
    ORDER BY random() LIMIT $5) b
  CROSS JOIN LATERAL (
    SELECT * FROM log.event e WHERE e.topic = b.topic AND e.partition = b.partition AND e."offset" >= b.position ORDER BY e."offset" LIMIT b.batch) e
  ORDER BY b.topic, b.partition, e."offset"`

// A compare-and-set: a member that was overtaken moves nothing.
const MOVE = 'UPDATE log.position SET next = $5 WHERE "group" = $1 AND topic = $2 AND partition = $3 AND next = $4'
