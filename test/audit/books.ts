import pg from 'pg'
import type { OrderState } from '../../services/order/order.ts'
import { copyKafka } from './kafka.ts'

/** Where the books lie, and what else is known about the run. */
export interface AuditOptions {
  main: string
  orders: readonly string[]
  /** Where the event log is, unless it is in PostgreSQL. */
  kafka?: readonly string[]
  /** Work younger than this may still be under way. */
  settledSeconds: number
  /** What clients were told, one `{"orderId": …, "status": 201}` a line: enables the invariants that need it. */
  acknowledged?: readonly { orderId: string; status: number }[]
}

type Row = Record<string, unknown>
type Query = <R extends Row>(sql: string, values?: unknown[]) => Promise<R[]>

const PAGE = 2_000

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

/**
 * The stores of a marketplace, read from outside its processes, with the superuser's eyes. Changes nothing in them. Each database is
 * read from one snapshot, so that a marketplace that goes on trading is seen as it was at a moment; the order databases' moment
 * comes before the main one's, so what their outboxes have let go of is in the log.
 */
export class Books {
  readonly options: AuditOptions
  /** Whether payments and the provider's accounts lie in PostgreSQL, where they can be read. */
  readonly has: { payments: boolean; provider: boolean; log: boolean }
  /** Topics whose oldest events have left the log by age: what is missing there says nothing. */
  readonly trimmed: readonly string[]
  readonly #main: pg.Client
  readonly #orders: pg.Client[]

  private constructor(options: AuditOptions, main: pg.Client, orders: pg.Client[], has: Books['has'], trimmed: readonly string[]) {
    this.options = options
    this.#main = main
    this.#orders = orders
    this.has = has
    this.trimmed = trimmed
  }

  /** Rejects when a database cannot be reached or holds no marketplace. */
  static async open(options: AuditOptions): Promise<Books> {
    const clients: pg.Client[] = []
    try {
      for (const url of [options.main, ...options.orders]) {
        const client = new pg.Client({ connectionString: url, application_name: 'souk audit', connectionTimeoutMillis: 5_000 })
        client.on('error', () => {}) // the query under way is rejected too
        clients.push(client)
        await client.connect()
      }
      for (const client of clients.slice(1)) await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT 1')
      await clients[0]!.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1') // it keeps a table of its own for the session
      const [main, ...orders] = clients as [pg.Client, ...pg.Client[]]
      const has = async (name: string): Promise<boolean> => (await main.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [name])).rows[0]!.there
      if (!(await has('inventory.stock'))) throw new Error('the main database holds no marketplace')
      const log = options.kafka !== undefined || (await has('log.event'))
      const trimmed = log ? await indexLog(options, main) : []
      return new Books(options, main, orders, { payments: await has('payment.payment'), provider: await has('provider.account'), log }, trimmed)
    } catch (error) {
      await Promise.all(clients.map((c) => c.end().catch(() => {})))
      throw error
    }
  }

  /** Whether the log was read later than the books, so that it may hold more. */
  get logIsLater(): boolean {
    return this.options.kafka !== undefined
  }

  async close(): Promise<void> {
    await Promise.all([this.#main, ...this.#orders].map((c) => c.end().catch(() => {})))
  }

  /** Rows of the main database. */
  async main<R extends Row>(sql: string, values: unknown[] = []): Promise<R[]> {
    return (await this.#main.query(sql, values)).rows as R[]
  }

  /** Every order database. */
  get shards(): readonly Query[] {
    return this.#orders.map((client) => queryOf(client))
  }

  /** Every database with a name for reports. */
  databases(): { name: string; isMain: boolean; query: Query }[] {
    return [this.#main, ...this.#orders].map((client, i) => ({ name: i === 0 ? 'main' : `orders ${i - 1}`, isMain: i === 0, query: queryOf(client) }))
  }

  async hasTable(name: string): Promise<boolean> {
    const [row] = await this.main<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [name])
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
    if (!this.has.log) return new Map()
    return new Map((await this.main<Logged & Row>('SELECT * FROM audit_log WHERE aggregate = ANY($1)', [aggregates])).map((r) => [r.aggregate, r]))
  }

  /** Seconds since the order, its returns or its refunds last moved. */
  idleSeconds({ timeline, refunds, returns, placedAt }: OrderState): number {
    const last = Math.max(...[timeline.at(-1)?.at ?? placedAt, ...refunds.map((r) => r.at), ...returns.map((r) => r.at)].map((at) => Date.parse(at)))
    return (Date.now() - last) / 1_000
  }

  /** Seconds since the last event of an aggregate was committed. */
  quietSeconds({ at }: Logged): number {
    return (Date.now() - Date.parse(at)) / 1_000
  }

  /** Whether work on the order is not under way any more, or has been for too long. */
  isSettled(order: OrderState): boolean {
    return this.idleSeconds(order) > this.options.settledSeconds
  }
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
