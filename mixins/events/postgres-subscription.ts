import { columns, type Database } from '../postgres/database.ts'
import type { ShareSet, ShareUser } from '../postgres/shares.ts'
import type { BatchHandler, ConsumeOptions, EventRecord } from './port.ts'
import { DEFAULT_BATCH, DEFAULT_CONCURRENCY, retryMsAfter, SINGLE_FROM } from './rules.ts'

/** Least time between two reads that found less than there may be: under load events come in batches, not one by one. */
const PACE_MS = 100

/** Who takes part in a group, and how. */
export interface Member extends ConsumeOptions {
  topics: readonly string[]
  group: string
  handle: BatchHandler
  /** Bodies come as their text. */
  asText?: boolean
  /** The order between topics is nothing to the handler, so that topics need not wait for each other. */
  independentTopics?: boolean
}

interface Settings extends Member {
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

/** What was read of one partition of one topic. */
interface Part {
  place: Place
  position: number
  next: number
  events: EventRecord[]
}

/** What a handler gets at once: parts of one topic. */
type Batch = [Part, ...Part[]]

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
  readonly #maxBatch: number
  readonly #concurrency: number
  #poll: NodeJS.Timeout | null = null
  #looking = false
  #lookAgain = false
  /** Topics that may have events: those of hints, until they are read. Null: any may. */
  #news: Set<string> | null = null
  #pace: NodeJS.Timeout | null = null
  /** Batches under way. */
  #running = 0
  #stopping = false
  #registered = false
  #readFailures = 0

  constructor(db: Database, settings: Settings, join: (user: ShareUser) => ShareSet) {
    this.#db = db
    this.#settings = settings
    const { topics, partitions, maxBatch = DEFAULT_BATCH, concurrency = DEFAULT_CONCURRENCY } = settings
    this.#maxBatch = maxBatch
    this.#concurrency = concurrency
    this.#places = topics.flatMap((topic) => Array.from({ length: partitions }, (_, partition) => ({ topic, partition, busy: null, failures: 0, retryAt: 0, singleUntil: 0 })))
    this.#shares = join({
      settled: async (partition) => void (await Promise.all(this.#places.map((place) => place.partition === partition && place.busy))),
      taken: () => this.#lookEverywhere(),
      broken: (error) => this.#unreadable(error)
    })
    this.#wait()
  }

  wake(published: readonly string[]): void {
    const news = published.filter((topic) => this.#settings.topics.includes(topic))
    for (const topic of news) this.#news?.add(topic)
    if (news.length > 0) void this.#look()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    for (const timer of [this.#poll, this.#pace]) if (timer) clearTimeout(timer)
    await Promise.all(this.#places.map((place) => place.busy))
    await this.#shares.leave()
  }

  /** Looks again after a while; the while varies, so that members do not look all at once. */
  #wait(): void {
    if (this.#stopping) return
    this.#poll = setTimeout(() => {
      this.#lookEverywhere()
      this.#wait()
    }, this.#settings.pollMs * (0.75 + Math.random() / 2)).unref()
  }

  #lookEverywhere(): void {
    this.#news = null
    void this.#look()
  }

  /** Reads what is ready and hands it on. Not more often than the pace allows, unless there was more than could be taken. Never rejects. */
  async #look(): Promise<void> {
    if (this.#looking || this.#pace) {
      this.#lookAgain = true
      return
    }
    this.#looking = true
    this.#lookAgain = false
    try {
      const full = this.#startAll(await this.#read())
      this.#readFailures = 0
      if (full) this.#lookAgain = true
      else this.#rest()
    } catch (error) {
      this.#unreadable(error)
      this.#rest()
    } finally {
      this.#looking = false
    }
    if (this.#lookAgain && !this.#pace) void this.#look()
  }

  #rest(): void {
    if (this.#stopping) return
    this.#pace = setTimeout(() => {
      this.#pace = null
      if (this.#lookAgain) void this.#look()
    }, PACE_MS).unref()
  }

  #unreadable(error: unknown): void {
    if (this.#stopping) return
    this.#readFailures++
    this.#settings.onFailure?.({ topic: null, events: [], attempt: this.#readFailures, retryMs: this.#settings.pollMs, error })
  }

  async #read(): Promise<Part[]> {
    if (this.#stopping || this.#running >= this.#concurrency) return []
    const { group, topics, partitions, asText = false, independentTopics = topics.length === 1 } = this.#settings
    if (!this.#registered) {
      await this.#db.query(REGISTER, [group, topics, partitions])
      this.#registered = true
    }
    const busy = this.#places.filter((place) => place.busy !== null)
    const now = Date.now()
    const mayStart = (place: Place): boolean => !busy.some((b) => b === place || (!independentTopics && b.partition === place.partition))
    const news = this.#news
    const ready = this.#places.filter((place) => (!news || news.has(place.topic)) && place.retryAt <= now && this.#shares.owned.has(place.partition) && mayStart(place))
    if (ready.length === 0) return []
    const wanted = ready.map((place) => ({ ...place, limit: place.singleUntil > 0 ? 1 : this.#maxBatch }))
    // Where topics wait for each other, what is read of one says nothing of what waits in another.
    const unread = (topic: string): boolean => this.#places.some((place) => place.topic === topic && this.#shares.owned.has(place.partition) && !ready.includes(place))
    if (independentTopics) this.#news = new Set([...(news ?? topics)].filter(unread))
    try {
      return partsOf(await this.#db.query<ReadRow>(asText ? READ_TEXT : READ, [group, ...columns(wanted, ['topic', 'partition', 'limit']), independentTopics]), ready)
    } catch (error) {
      this.#news = null
      throw error
    }
  }

  /** Hands on what was read, as far as may be under way at once; answers whether there was as much as could be taken, or more. */
  #startAll(parts: readonly Part[]): boolean {
    const batches = batchesOf(parts, this.#maxBatch)
    const taken = batches.slice(0, Math.max(0, this.#concurrency - this.#running))
    for (const batch of taken) this.#start(batch)
    const full = parts.filter(({ events }) => events.length >= this.#maxBatch)
    for (const { place } of [...batches.slice(taken.length).flat(), ...full]) this.#news?.add(place.topic)
    return taken.length < batches.length ? this.#running < this.#concurrency : full.length > 0
  }

  #start(batch: Batch): void {
    const parts = batch.filter(({ place }) => !place.busy && this.#shares.owned.has(place.partition))
    if (this.#stopping || parts.length === 0) return // lost or ending while it was read
    this.#running++
    const work = this.#deliver(parts).finally(() => {
      this.#running--
      for (const { place } of parts) place.busy = null
      void this.#look()
    })
    for (const { place } of parts) place.busy = work
  }

  async #deliver(parts: readonly Part[]): Promise<void> {
    const { group, handle, onFailure } = this.#settings
    const events = parts.flatMap((part) => part.events)
    try {
      await handle(events)
      await this.#db.query(MOVE, [group, ...columns(parts.map((part) => ({ ...part.place, ...part })), ['topic', 'partition', 'position', 'next'])])
      for (const { place, next } of parts) {
        place.failures = 0
        if (next >= place.singleUntil) place.singleUntil = 0
      }
    } catch (error) {
      const attempt = 1 + Math.max(...parts.map(({ place }) => place.failures))
      const retryMs = retryMsAfter(attempt)
      for (const { place, next } of parts) {
        place.failures = attempt
        place.retryAt = Date.now() + retryMs
        if (attempt >= SINGLE_FROM) place.singleUntil = Math.max(place.singleUntil, next)
      }
      onFailure?.({ topic: events[0]!.topic, events, attempt, retryMs, error })
    }
  }
}

function partsOf(rows: readonly ReadRow[], places: readonly Place[]): Part[] {
  const parts = new Map<Place, Part>()
  for (const { partition, position, offset, ...event } of rows) {
    const place = places.find((p) => p.topic === event.topic && p.partition === partition)!
    const part = parts.get(place) ?? { place, position, next: position, events: [] }
    parts.set(place, part)
    part.events.push(event)
    part.next = offset + 1
  }
  return [...parts.values()]
}

/** Parts of one topic go together, as many as make a batch; a part that has failed goes alone, so that it holds up no other. The oldest first. */
function batchesOf(parts: readonly Part[], maxBatch: number): Batch[] {
  const batches: Batch[] = []
  const open = new Map<string, { batch: Batch; events: number }>()
  for (const part of parts) {
    const { place: { topic, failures, singleUntil }, events: { length } } = part
    const alone = failures > 0 || singleUntil > 0
    const fits = alone ? undefined : open.get(topic)
    if (fits && fits.events + length <= maxBatch) {
      fits.batch.push(part)
      fits.events += length
      continue
    }
    const batch: Batch = [part]
    batches.push(batch)
    if (!alone) open.set(topic, { batch, events: length })
  }
  return batches.sort((a, b) => (firstAt(a) < firstAt(b) ? -1 : 1))
}

const firstAt = ([{ events }]: Batch): string => events[0]!.at

const REGISTER = `INSERT INTO log.position ("group", topic, partition, next) SELECT $1, topic, partition, 1 FROM unnest($2::text[]) AS topic, generate_series(0, $3 - 1) AS partition
  ON CONFLICT DO NOTHING`

const reading = (body: string): string => `SELECT topic, partition, "position", "offset", id, aggregate, number, at, ${body} FROM log.read($1, $2, $3, $4, $5)`
const READ = reading('body')
const READ_TEXT = reading('body::text AS body')

// A compare-and-set: a member that was overtaken moves nothing.
const MOVE = `UPDATE log.position o SET next = m.next FROM unnest($2::text[], $3::smallint[], $4::bigint[], $5::bigint[]) AS m (topic, partition, "position", next)
  WHERE o."group" = $1 AND o.topic = m.topic AND o.partition = m.partition AND o.next = m."position"`
