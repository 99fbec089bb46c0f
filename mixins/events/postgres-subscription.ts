import { columns, type Database } from '../postgres/database.ts'
import type { ShareSet, ShareUser } from '../postgres/shares.ts'
import type { BatchHandler, ConsumeOptions, EventRecord } from './port.ts'
import { DEFAULT_BATCH, DEFAULT_CONCURRENCY, retryMsAfter, SINGLE_FROM } from './rules.ts'

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
    const { group, topics, partitions, maxBatch = DEFAULT_BATCH, concurrency = DEFAULT_CONCURRENCY, independentTopics = false } = this.#settings
    const busy = this.#places.filter((place) => place.busy !== null)
    const free = concurrency - busy.length
    const now = Date.now()
    const mayStart = (place: Place): boolean => !busy.some((b) => b === place || (!independentTopics && b.partition === place.partition))
    const ready = this.#places.filter((place) => place.retryAt <= now && this.#shares.owned.has(place.partition) && mayStart(place))
    if (free <= 0 || ready.length === 0) return []
    if (!this.#registered) {
      await this.#db.query(REGISTER, [group, topics, partitions])
      this.#registered = true
    }
    const wanted = ready.map((place) => ({ ...place, limit: place.singleUntil > 0 ? 1 : maxBatch }))
    // Not prepared: a log that is empty now is long in a minute, and the plan must follow.
    const rows = await this.#db.query<ReadRow>(READ, [group, ...columns(wanted, ['topic', 'partition', 'limit']), free, independentTopics], { prepare: false })
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
      const retryMs = retryMsAfter(place.failures)
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

// Of each partition the topic whose first event is oldest goes first (one index probe per topic finds it), and its batch ends before
// an event whose aggregate has an earlier one waiting in another topic. So events of one aggregate come in their order although no
// log promises that between topics, and a handler that must reject an event that comes too early seldom has to. The first event
// always goes, whatever waits: repeats in the log could make two topics wait for each other.
const READ = `WITH wanted AS (
    SELECT w.topic, w.partition, w.batch, o.next, head.at, head.id FROM unnest($2::text[], $3::smallint[], $4::int[]) AS w (topic, partition, batch)
    JOIN log.position o ON o."group" = $1 AND o.topic = w.topic AND o.partition = w.partition
    CROSS JOIN LATERAL (SELECT e.at, e.id FROM log.event e WHERE e.topic = o.topic AND e.partition = o.partition AND e."offset" >= o.next ORDER BY e."offset" LIMIT 1) head),
  chosen AS (
    SELECT * FROM (
      SELECT DISTINCT ON (partition, CASE WHEN $6 THEN topic END) * FROM wanted ORDER BY partition, CASE WHEN $6 THEN topic END, at, id) oldest
    ORDER BY random() LIMIT $5),
  event AS (
    SELECT c.next AS position, e.* FROM chosen c
    CROSS JOIN LATERAL (SELECT * FROM log.event e WHERE e.topic = c.topic AND e.partition = c.partition AND e."offset" >= c.next ORDER BY e."offset" LIMIT c.batch) e),
  elsewhere AS (
    SELECT c.topic AS for_topic, c.partition, e.aggregate, e.number FROM chosen c
    JOIN wanted o ON NOT $6 AND c.batch > 1 AND o.partition = c.partition AND o.topic <> c.topic
    CROSS JOIN LATERAL (SELECT aggregate, number FROM log.event e WHERE e.topic = o.topic AND e.partition = o.partition AND e."offset" >= o.next ORDER BY e."offset" LIMIT o.batch) e),
  marked AS (
    SELECT *, min(number) FILTER (WHERE "offset" IS NULL) OVER (PARTITION BY topic, partition, aggregate) AS earlier, min("offset") OVER (PARTITION BY topic, partition) AS first
    FROM (
      SELECT topic, partition, position, "offset", id, aggregate, number, at, body FROM event
      UNION ALL SELECT for_topic, partition, NULL, NULL, NULL, aggregate, number, NULL, NULL FROM elsewhere) both_kinds),
  bounded AS (
    SELECT *, min("offset") FILTER (WHERE earlier < number AND "offset" > first) OVER (PARTITION BY topic, partition) AS cut FROM marked WHERE "offset" IS NOT NULL)
  SELECT topic, partition, position, "offset", id, aggregate, number, at, body FROM bounded WHERE cut IS NULL OR "offset" < cut ORDER BY topic, partition, "offset"`

// A compare-and-set: a member that was overtaken moves nothing.
const MOVE = 'UPDATE log.position SET next = $5 WHERE "group" = $1 AND topic = $2 AND partition = $3 AND next = $4'
