import type { EventLog } from '../events/port.ts'
import { counter } from '../metrics/registry.ts'
import { Database, databaseUrl, schemaUrls } from '../postgres/database.ts'
import { Shares } from '../postgres/shares.ts'
import { setting } from '../settings/settings.ts'
import { LANES } from './outbox.ts'
import { OutboxSender, type SenderEvents } from './outbox-sender.ts'
import { PostgresLanes } from './postgres-lanes.ts'

/** What waits in one outbox. */
export interface OutboxState {
  database: string
  schema: string
  waiting: number
  oldestSeconds: number | null
  lanes: number[]
}

export interface RelayOptions {
  log: EventLog
  published(topics: string[]): void
  /** One line for the operator. */
  trouble(message: string): void
  /** Longest wait for events that no hint announced. */
  pollMs?: number
  balanceMs?: number
}

/** What relays outboxes, wherever they lie. */
export interface Relay {
  readonly name: string
  /** Looks at once into the outboxes of these schemas, as far as they are here. */
  wake(schemas: readonly string[]): void
  status(): Promise<OutboxState[]>
  /** Ends when the rounds under way have ended. */
  stop(): Promise<void>
}

/** Longest wait for events that no hint announced, unless told. */
export const POLL_MS = 400
const DISCOVER_EVERY_MS = 30_000
const sent = counter('souk_relay_events_total', 'Events that went from an outbox into the log')

/** Every database that may hold outboxes, under the name that operators know it by. */
export function outboxDatabases(): { name: string; url: string }[] {
  const own = Object.entries(schemaUrls()).map(([name, url]) => ({ name, url }))
  const all = [{ name: 'main', url: databaseUrl('relay') }, ...setting('ORDERS_DATABASE_URLS').map((url, i) => ({ name: `orders-${i}`, url })), ...own]
  return all.filter(({ url }, i) => all.findIndex((other) => other.url === url) === i)
}

type Trouble = (error: unknown, attempt: number, what: string) => void

/** Tells of a failure: the third in a row is worth a line, and then now and again. */
export function tellTrouble({ trouble }: RelayOptions, name: string, error: unknown, attempt: number, what: string): void {
  if (attempt % 20 === 3) trouble(`outbox ${name}/${what} (${error instanceof Error ? error.message : String(error)}), trying again`)
}

/** What a sender of one outbox tells: the published are counted and announced, failures are told. */
export function senderEvents(name: string, schema: string, options: RelayOptions, trouble: Trouble): SenderEvents {
  const total = sent.with({ database: name, schema })
  return {
    published(topics, count) {
      total.add(count)
      options.published(topics)
    },
    failed: (error, attempt, lane) => trouble(error, attempt, lane === null ? `${schema} is not sent` : `${schema}, lane ${lane}: its first event is not sent`)
  }
}

/**
 * Relays the outboxes of one database: every schema with a table `outbox` that the role `souk_relay` may empty. Lanes are shared
 * among all relays of that database by session advisory locks; what one leaves, the next takes. A database that restarts is taken up again.
 */
export class DatabaseRelay implements Relay {
  readonly name: string
  readonly #db: Database
  readonly #options: RelayOptions
  readonly #shares: Shares
  readonly #senders = new Map<string, OutboxSender>()
  #timer: NodeJS.Timeout | null = null
  #discovered = 0
  #stopping = false
  #failures = 0

  constructor(name: string, url: string, options: RelayOptions) {
    this.name = name
    this.#db = new Database(url, 'relay')
    this.#options = options
    this.#shares = new Shares(this.#db, options)
    void this.#poll()
  }

  wake(schemas: readonly string[]): void {
    for (const schema of schemas) this.#senders.get(schema)?.look()
  }

  async status(): Promise<OutboxState[]> {
    const schemas = [...this.#senders.keys()]
    if (schemas.length === 0) return []
    const counts = schemas.map((s) => `SELECT '${s}' AS schema, count(*) AS waiting, extract(epoch FROM clock_timestamp() - min(at))::float8 AS oldest FROM ${s}.outbox`)
    const rows = await this.#db.query<{ schema: string; waiting: number; oldest: number | null }>(counts.join(' UNION ALL '), [], { prepare: false })
    return rows.map(({ schema, waiting, oldest }) => ({
      database: this.name,
      schema,
      waiting,
      oldestSeconds: oldest === null ? null : Math.max(0, Math.round(oldest * 1_000) / 1_000),
      lanes: this.#senders.get(schema)!.lanes
    }))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#timer) clearTimeout(this.#timer)
    await Promise.all([...this.#senders.values()].map((sender) => sender.stop()))
    await this.#shares.close()
    await this.#db.close()
  }

  async #poll(): Promise<void> {
    try {
      if (Date.now() - this.#discovered > DISCOVER_EVERY_MS) await this.#discover()
      this.wake(await this.#notEmpty())
      this.#failures = 0
    } catch (error) {
      this.#trouble(error, ++this.#failures, 'is not read')
    }
    if (!this.#stopping) this.#timer = setTimeout(() => void this.#poll(), (this.#options.pollMs ?? POLL_MS) * (0.75 + Math.random() / 2)).unref()
  }

  async #discover(): Promise<void> {
    const found = await this.#db.query<{ schema: string }>(
      `SELECT quote_ident(n.nspname) AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relname = 'outbox' AND c.relkind IN ('r', 'p') AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'DELETE')`
    )
    for (const { schema } of found) if (!this.#senders.has(schema) && !this.#stopping) this.#senders.set(schema, this.#sender(schema))
    this.#discovered = Date.now()
  }

  #sender(schema: string): OutboxSender {
    const events = senderEvents(this.name, schema, this.#options, (error, attempt, what) => this.#trouble(error, attempt, what))
    return new OutboxSender(new PostgresLanes(this.#db, schema), this.#options.log, events, (user) => this.#shares.join(`outbox ${schema}`, LANES, user))
  }

  /** Schemas whose outbox holds anything: one statement for all of a database. */
  async #notEmpty(): Promise<string[]> {
    if (this.#senders.size === 0) return []
    const looks = [...this.#senders.keys()].map((schema) => `SELECT '${schema}' AS schema WHERE EXISTS (SELECT FROM ${schema}.outbox)`)
    const rows = await this.#db.query<{ schema: string }>(looks.join(' UNION ALL '), [], { prepare: false })
    return rows.map((row) => row.schema)
  }

  #trouble(error: unknown, attempt: number, what: string): void {
    if (!this.#stopping) tellTrouble(this.#options, this.name, error, attempt, what)
  }
}
