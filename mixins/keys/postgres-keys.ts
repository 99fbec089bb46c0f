import { Batcher } from '../batch/batcher.ts'
import { columns, isConnectionError, type Database } from '../postgres/database.ts'
import { inTime } from '../primitives/in-time.ts'
import type { Json } from '../primitives/json.ts'
import { problem } from '../primitives/problem.ts'
import { checkKey } from './key.ts'
import { took } from './metrics.ts'
import type { HitResult, KeyEntry, KeysStore } from './port.ts'

/** How long a request waits for the database before it is `unavailable`. */
const PATIENCE_MS = 3_000
const WAITING_MAX = 20_000
const SWEEP_EVERY_MS = 30_000
const SWEEP_ROWS = 1_000

interface Hit {
  key: string
  windowMs: number
  limit: number
}

interface EntryRow {
  key: string
  value: string
  version: number
}

const overloaded = (): Error => problem('overloaded', 'Too many requests wait for the session store: try again shortly.', { retryAfter: 1 })
const unavailable = (): Error => problem('unavailable', 'The session store does not answer: try again shortly.', { retryAfter: 1 })

/**
 * Keys in PostgreSQL. `get`s and `hit`s of one event-loop turn each go as one statement; a statement with a new snapshot starts
 * after the call that asked, so it sees every write answered before. Expiry is judged by the database's clock alone.
 */
export class PostgresKeys implements KeysStore {
  readonly #db: Database
  readonly #gets: Batcher<string, KeyEntry | null>
  readonly #hits: Batcher<Hit, HitResult>
  readonly #sweeper: NodeJS.Timeout

  constructor(db: Database) {
    this.#db = db
    this.#gets = new Batcher((keys) => this.#read(keys), { max: 512, inFlight: 2, beside: 32, maxWaiting: WAITING_MAX, full: overloaded })
    this.#hits = new Batcher((hits) => this.#count(hits), { max: 512, inFlight: 1, maxWaiting: WAITING_MAX, full: overloaded })
    this.#sweeper = setInterval(() => void this.sweep().catch(() => {}), SWEEP_EVERY_MS).unref() // what it misses, the next one takes
  }

  async get(keys: readonly string[]): Promise<(KeyEntry | null)[]> {
    if (keys.length === 1) return [await this.#gets.add(checkKey(keys[0]!))] // a session, on every request
    return Promise.all(keys.map((key) => this.#gets.add(checkKey(key))))
  }

  async set(key: string, value: Json, ttlMs: number, { ifVersion }: { ifVersion?: number } = {}): Promise<number | null> {
    checkKey(key)
    const entry = [key, JSON.stringify(value), ttlMs]
    const rows = await this.#ask(
      'set',
      ifVersion === undefined
        ? this.#db.query<{ version: number }>(PUT, entry)
        : ifVersion === 0
          ? this.#db.query<{ version: number }>(CREATE, entry)
          : this.#db.query<{ version: number }>(SWAP, [...entry, ifVersion])
    )
    return rows[0]?.version ?? null
  }

  async del(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    await this.#ask('del', this.#db.query(DELETE, [keys.map(checkKey)]))
  }

  async hit(key: string, windowMs: number, limit: number): Promise<HitResult> {
    return this.#hits.add({ key: checkKey(`${windowMs}:${key}`), windowMs, limit })
  }

  /** Deletes what has expired; invisible long before. Any number of stores may sweep at once. */
  async sweep(): Promise<void> {
    for (const statement of [SWEEP_ENTRIES, SWEEP_HITS]) {
      while ((await this.#db.query(statement, [SWEEP_ROWS])).length === SWEEP_ROWS);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    await this.#db.close()
  }

  async #read(keys: string[]): Promise<(KeyEntry | null)[]> {
    const rows = await this.#ask('get', this.#db.query<EntryRow>(READ, [[...new Set(keys)]]))
    const found = new Map(rows.map(({ key, value, version }) => [key, { value, version }]))
    return keys.map((key) => {
      const row = found.get(key)
      return row ? { value: JSON.parse(row.value) as Json, version: row.version } : null // parsed for each reader: none sees another's changes
    })
  }

  /** Hits of one key in a batch are added as one and told apart afterwards, in the order they came. */
  async #count(hits: Hit[]): Promise<HitResult[]> {
    const added = new Map<string, { key: string; windowMs: number; hits: number }>()
    const places = hits.map(({ key, windowMs }) => {
      const sum = added.get(key) ?? { key, windowMs, hits: 0 }
      added.set(key, sum)
      return ++sum.hits
    })
    const rows = await this.#ask('hit', this.#db.query<{ key: string; hits: number; reset_ms: number }>(COUNT, columns([...added.values()], ['key', 'hits', 'windowMs'])))
    const counted = new Map(rows.map((row) => [row.key, row]))
    return hits.map(({ key, limit }, i) => {
      const row = counted.get(key)!
      const used = row.hits - added.get(key)!.hits + places[i]!
      return { allowed: used <= limit, remaining: Math.max(0, limit - used), resetMs: Math.max(1, Math.ceil(row.reset_ms)) }
    })
  }

  /** A database that does not answer in time, or cannot be reached, is `unavailable`; whether a write has happened is then unknown. */
  async #ask<T>(op: keyof typeof took, answer: Promise<T>): Promise<T> {
    const from = performance.now()
    try {
      return await inTime(PATIENCE_MS, answer, unavailable)
    } catch (error) {
      throw isConnectionError(error) ? unavailable() : error
    } finally {
      took[op].observe((performance.now() - from) / 1_000)
    }
  }
}

const READ = 'SELECT key, value, version FROM keys.entry WHERE key = ANY($1::text[]) AND expires_at > now()'

const EXPIRES = `now() + $3::float8 * interval '1 millisecond'`
const INSERT = `INSERT INTO keys.entry AS e (key, value, version, expires_at) VALUES ($1, $2, 1, ${EXPIRES}) ON CONFLICT (key) DO UPDATE`
const PUT = `${INSERT} SET value = excluded.value, expires_at = excluded.expires_at, version = CASE WHEN e.expires_at > now() THEN e.version + 1 ELSE 1 END RETURNING version`
const CREATE = `${INSERT} SET value = excluded.value, expires_at = excluded.expires_at, version = 1 WHERE e.expires_at <= now() RETURNING version`
const SWAP = `UPDATE keys.entry SET value = $2, expires_at = ${EXPIRES}, version = version + 1 WHERE key = $1 AND version = $4 AND expires_at > now() RETURNING version`

// Rows are locked in key order wherever a statement takes several, so that none waits for another in a circle.
const DELETE = 'DELETE FROM keys.entry WHERE key IN (SELECT key FROM keys.entry WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE)'
const COUNT = `INSERT INTO keys.hit AS h (key, hits, ends_at)
  SELECT key, hits, now() + window_ms * interval '1 millisecond' FROM unnest($1::text[], $2::bigint[], $3::float8[]) AS i (key, hits, window_ms) ORDER BY key
  ON CONFLICT (key) DO UPDATE SET hits = CASE WHEN h.ends_at > now() THEN h.hits + excluded.hits ELSE excluded.hits END,
    ends_at = CASE WHEN h.ends_at > now() THEN h.ends_at ELSE excluded.ends_at END
  RETURNING key, hits, extract(epoch FROM ends_at - clock_timestamp())::float8 * 1000 AS reset_ms`
const SWEEP_ENTRIES = 'DELETE FROM keys.entry WHERE key IN (SELECT key FROM keys.entry WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING 1'
const SWEEP_HITS = 'DELETE FROM keys.hit WHERE key IN (SELECT key FROM keys.hit WHERE ends_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING 1'
