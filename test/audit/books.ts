import pg from 'pg'
import { schemaUrls } from '../../mixins/postgres/database.ts'
import { setting } from '../../mixins/settings/settings.ts'
import type { RunningNode } from '../../nodes/data-directory.ts'
import type { OrderState } from '../../services/order/order.ts'
import { productIndex } from '../../services/search/product-index.ts'
import { copyIndex, type ElasticIndex } from './elastic.ts'
import { copyKafka } from './kafka.ts'
import { copyPayments } from './mongo.ts'

/** Where the books lie. */
export interface Whereabouts {
  /** The database of every schema that has none of its own. */
  main: string
  orders: readonly string[]
  /** Databases of schemas that have one of their own. */
  schemas?: Readonly<Record<string, string>>
  /** Where the event log is, unless it is in PostgreSQL. */
  kafka?: readonly string[]
  /** Where payments are, unless they are in PostgreSQL. */
  mongo?: string
  /** Where products are found, unless that is PostgreSQL. */
  elastic?: ElasticIndex
}

const elasticAt = (urls: string): ElasticIndex => ({ urls, name: productIndex.name })

/** What the environment says of where the books lie. */
export function booksNamed(): Partial<Whereabouts> {
  const [main, orders, kafka, mongo, elastic, schemas] = [setting('DATABASE_URL'), setting('ORDERS_DATABASE_URLS'), setting('KAFKA_BROKERS'), setting('MONGODB_URL'), setting('ELASTICSEARCH_URL'), schemaUrls()]
  return {
    ...(main !== null ? { main } : {}),
    ...(orders.length > 0 ? { orders } : {}),
    ...(Object.keys(schemas).length > 0 ? { schemas } : {}),
    ...(kafka.length > 0 ? { kafka } : {}),
    ...(mongo !== null ? { mongo } : {}),
    ...(elastic !== null ? { elastic: elasticAt(elastic) } : {})
  }
}

/** Where a running node has its books. */
export const booksOf = ({ databaseUrl, ordersDatabaseUrls, schemaDatabaseUrls, kafkaBrokers, mongodbUrl, elasticsearchUrl }: RunningNode): Whereabouts => ({
  main: databaseUrl,
  orders: ordersDatabaseUrls,
  ...(schemaDatabaseUrls ? { schemas: schemaDatabaseUrls } : {}),
  ...(kafkaBrokers && kafkaBrokers.length > 0 ? { kafka: kafkaBrokers } : {}),
  ...(mongodbUrl ? { mongo: mongodbUrl } : {}),
  ...(elasticsearchUrl ? { elastic: elasticAt(elasticsearchUrl) } : {})
})

/** Where the books lie, and what else is known about the run. */
export interface AuditOptions extends Whereabouts {
  /** Work younger than this may still be under way. */
  settledSeconds: number
  /** What clients were told, one `{"orderId": …, "status": 201}` a line: enables the invariants that need it. */
  acknowledged?: readonly { orderId: string; status: number }[]
}

type Row = Record<string, unknown>
export type Query = <R extends Row>(sql: string, values?: unknown[]) => Promise<R[]>

const PAGE = 2_000

/** Why nothing can be said of what is found. */
export const NO_INDEX = 'no index of products was ever filled, neither in PostgreSQL nor in an Elasticsearch that is named'

/** What can be found: a table of `(id, version)`, and how long before the moments of the databases the reading of it began. */
export interface Indexed {
  query: Query
  table: string
  leadSeconds: number
}

/** Why rules about payments cannot be looked at. */
export const NO_PAYMENTS = 'there are no payments, neither in PostgreSQL nor in a MongoDB that is named'

/** What the log holds of each aggregate, for this session alone: one pass over the log, then looked up by key. */
const LOG_INDEX = `CREATE TEMP TABLE audit_log ON COMMIT PRESERVE ROWS AS
  SELECT aggregate COLLATE "C" AS aggregate, count(DISTINCT number)::float8 AS count, min(number)::float8 AS min, max(number)::float8 AS max,
         (count(DISTINCT number) FILTER (WHERE topic = 'order_created'))::int AS created,
         (count(DISTINCT number) FILTER (WHERE topic = 'order_confirmed'))::int AS confirmed,
         (count(DISTINCT number) FILTER (WHERE topic = 'order_cancelled'))::int AS cancelled,
         max(at)::text AS at,
         max((body->'totals'->'total'->>'amount')::float8) FILTER (WHERE topic IN ('order_created', 'order_confirmed')) AS total
  FROM audit_event GROUP BY 1;
  ALTER TABLE audit_log ADD PRIMARY KEY (aggregate); ANALYZE audit_log`

const IN_POSTGRES = 'CREATE TEMP VIEW audit_event AS SELECT topic, id, aggregate, number, at, body FROM log.event'

/** Topics whose oldest events have left the log by age. */
const TRIMMED = `SELECT DISTINCT p.topic FROM log.partition p
  WHERE coalesce((SELECT min(e."offset") FROM log.event e WHERE e.topic = p.topic AND e.partition = p.partition), p.next) > 1 AND p.next > 1`

/** The log's rows of an aggregate, summed up. */
export interface Logged {
  aggregate: string
  /** Distinct numbers, the lowest and the highest. */
  count: number
  min: number
  max: number
  created: number
  confirmed: number
  cancelled: number
  /** When its last event was committed. */
  at: string
  total: number | null
}

/** Schemas whose services every marketplace has. */
const EXPECTED = ['inventory', 'logistics', 'pricing', 'product', 'seller'] as const

interface Session {
  name: string
  url: string
  client: pg.Client
}

/**
 * The stores of a marketplace, read from outside its processes, with the superuser's eyes. Changes nothing in them. Each database is
 * read from one snapshot, so that a marketplace that goes on trading is seen as it was at a moment. What is in Elasticsearch and
 * payments in MongoDB are read first, then come the moments of the databases, that of the event log last: what an outbox has let go of by its moment is in the log.
 */
export class Books {
  readonly options: AuditOptions
  readonly #sessions: readonly Session[]
  /** When the reading began: what moved later has not settled. */
  readonly #at: number
  #payments: { query: Query; table: string } | null = null
  #index: Indexed | null = null
  #hasProvider = false
  #hasLog = false
  #trimmed: readonly string[] = []

  private constructor(options: AuditOptions, sessions: readonly Session[]) {
    this.options = options
    this.#sessions = sessions
    this.#at = Date.now()
  }

  /** Rejects when a database cannot be reached or holds no marketplace. */
  static async open(options: AuditOptions): Promise<Books> {
    const books = new Books(options, sessionsOf(options))
    try {
      for (const { client } of books.#sessions) await client.connect()
      await books.#begin()
      return books
    } catch (error) {
      await books.close()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const log = this.#session('log').client
    for (const schema of EXPECTED) if (!(await this.#hasSchema(schema))) throw new Error(`the ${this.#session(schema).name} database holds no marketplace: it has no schema "${schema}"`)
    const before = performance.now()
    if (this.options.elastic) await copyIndex(this.options.elastic, log)
    if (this.options.mongo !== undefined) {
      await copyPayments(this.options.mongo, log)
      this.#payments = { query: queryOf(log), table: 'audit_payment' }
    } else if (await this.hasTable('payment', 'payment')) this.#payments = { query: this.of('payment'), table: 'payment.payment' }
    for (const { client } of this.#sessions) if (client !== log) await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT 1')
    await log.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1') // it keeps tables of its own for the session
    this.#index = this.options.elastic ? { query: queryOf(log), table: 'audit_indexed', leadSeconds: (performance.now() - before) / 1_000 } : await this.#indexHere()
    this.#hasProvider = await this.hasTable('provider', 'account')
    this.#hasLog = this.options.kafka !== undefined || (await this.hasTable('log', 'event'))
    if (this.#hasLog) this.#trimmed = await indexLog(this.options, log)
  }

  #session(schema: string): Session {
    const url = this.options.schemas?.[schema] ?? this.options.main
    return this.#sessions.find((s) => s.url === url)!
  }

  async #hasSchema(schema: string): Promise<boolean> {
    const [row] = await this.of(schema)<{ there: boolean }>('SELECT to_regnamespace($1) IS NOT NULL AS there', [schema])
    return row!.there
  }

  /** The live generation in PostgreSQL. */
  async #indexHere(): Promise<Indexed | null> {
    if (!(await this.hasTable('search', 'generation'))) return null
    const query = this.of('search')
    const [live] = await query<{ slot: 'a' | 'b' }>(`SELECT slot FROM search.generation WHERE index = '${productIndex.name}' AND state = 'live'`)
    return live ? { query, table: `(SELECT id COLLATE "C" AS id, version::float8 AS version FROM search.product_${live.slot} WHERE NOT removed)`, leadSeconds: 0 } : null
  }

  /** What can be found; null where no engine that can be read has an index. */
  get index(): Indexed | null {
    return this.#index
  }

  /** Payments, and the table of `(id, doc)` they are asked for; null where no engine that can be read holds them. */
  get payments(): { query: Query; table: string } | null {
    return this.#payments
  }

  /** Whether the demo provider's accounts are there. */
  get hasProvider(): boolean {
    return this.#hasProvider
  }

  get hasLog(): boolean {
    return this.#hasLog
  }

  /** Topics whose oldest events have left the log by age: what is missing there says nothing. */
  get trimmed(): readonly string[] {
    return this.#trimmed
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map(({ client }) => client.end().catch(() => {})))
  }

  /** Rows of the database that holds a schema. */
  of(schema: string): Query {
    return queryOf(this.#session(schema).client)
  }

  /** Rows of the session's own tables, `audit_log` and `audit_event`. */
  get log(): Query {
    return this.of('log')
  }

  /** Every order database. */
  get shards(): readonly Query[] {
    return this.options.orders.map((url) => queryOf(this.#sessions.find((s) => s.url === url)!.client))
  }

  /** Every database with a name for reports, and whether the log was read at another moment than it, which is later. */
  databases(): { name: string; logIsLater: boolean; query: Query }[] {
    const isLater = this.options.kafka !== undefined
    return this.#sessions.map((s) => ({ name: s.name, logIsLater: isLater || s !== this.#session('log'), query: queryOf(s.client) }))
  }

  /** Whether the log was read at another moment than the payments. */
  get logIsLaterThanPayments(): boolean {
    return this.options.kafka !== undefined || this.options.mongo !== undefined || this.#session('payment') !== this.#session('log')
  }

  async hasTable(schema: string, table: string): Promise<boolean> {
    const [row] = await this.of(schema)<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [`${schema}.${table}`])
    return row!.there
  }

  /** Of these ids, those of no order that exists. */
  async missingOrders(ids: readonly string[]): Promise<string[]> {
    const found = new Set<string>()
    for (let i = 0; i < ids.length; i += PAGE) {
      for (const query of this.shards) {
        const rows = await query<{ key: string }>(`SELECT key FROM orders.actor WHERE type = 'order' AND state IS NOT NULL AND key = ANY($1)`, [ids.slice(i, i + PAGE)])
        for (const { key } of rows) found.add(key)
      }
    }
    return ids.filter((id) => !found.has(id))
  }

  /** What the log holds of these aggregates. */
  async logged(aggregates: readonly string[]): Promise<Map<string, Logged>> {
    if (!this.#hasLog) return new Map()
    return new Map((await this.log<Logged & Row>('SELECT * FROM audit_log WHERE aggregate = ANY($1)', [aggregates])).map((r) => [r.aggregate, r]))
  }

  /** Seconds from when the order, its returns or its refunds last moved to the beginning of the reading. */
  idleSeconds({ timeline, refunds, returns, placedAt }: OrderState): number {
    const last = Math.max(...[timeline.at(-1)?.at ?? placedAt, ...refunds.map((r) => r.at), ...returns.map((r) => r.at)].map((at) => Date.parse(at)))
    return (this.#at - last) / 1_000
  }

  /** Seconds from when the last event of an aggregate was committed to the beginning of the reading. */
  quietSeconds({ at }: Logged): number {
    return (this.#at - Date.parse(at)) / 1_000
  }

  /** Whether work on the order is not under way any more, or has been for too long. */
  isSettled(order: OrderState): boolean {
    return this.idleSeconds(order) > this.options.settledSeconds
  }
}

/** A session for each database that is named, once. What is made of other books is read before them: the search index first, the log, which all of them wrote to, last. */
function sessionsOf({ main, orders, schemas = {} }: AuditOptions): Session[] {
  const names = new Map<string, string>()
  for (const [i, url] of orders.entries()) names.set(url, `orders ${i}`)
  for (const [schema, url] of Object.entries(schemas)) if (!names.has(url)) names.set(url, schema)
  names.set(main, 'main')
  const [search, log] = [schemas['search'] ?? main, schemas['log'] ?? main]
  const turn = (url: string): number => (url === log ? 2 : url === search ? 0 : 1)
  return [...names]
    .sort(([a], [b]) => turn(a) - turn(b))
    .map(([url, name]) => {
      const client = new pg.Client({ connectionString: url, application_name: 'souk audit', connectionTimeoutMillis: 5_000 })
      client.on('error', () => {}) // the query under way is rejected too
      return { name, url, client }
    })
}

/** Makes the log's tables of the session; answers the topics whose oldest events are gone. */
async function indexLog({ kafka }: AuditOptions, main: pg.Client): Promise<string[]> {
  const trimmed = kafka ? await copyKafka(kafka, main) : await main.query(IN_POSTGRES).then(() => main.query<{ topic: string }>(TRIMMED)).then(({ rows }) => rows.map((r) => r.topic))
  await main.query(LOG_INDEX)
  return trimmed
}

const queryOf = (client: pg.Client): Query => async (sql, values = []) => (await client.query(sql, values)).rows as never

/** Rows in the order of `key`, page by page: `page` selects those after a key, at most so many. */
export async function* paged<R extends Row>(key: keyof R, page: (after: string, limit: number) => Promise<R[]>): AsyncGenerator<R[]> {
  for (let after = ''; ; ) {
    const rows = await page(after, PAGE)
    if (rows.length > 0) yield rows
    if (rows.length < PAGE) return
    after = String(rows.at(-1)![key])
  }
}
