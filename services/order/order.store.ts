import { createHash } from 'node:crypto'
import { Batcher } from '../../mixins/batch/batcher.ts'
import type { IdempotencyRecord } from '../../mixins/idempotency/idempotency.ts'
import { Database } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { setting } from '../../mixins/settings/settings.ts'
import type { OrderState } from './order.ts'

/** Logical shards: fixed for ever, since an order's id carries its own; databases may be added by moving ranges of them. */
const SHARDS = 256

/** Saves the order under its buyer, in the turn that creates it; `$1` is the batch's rows. */
export const SAVE_BUYER_ORDER = `INSERT INTO orders.buyer_order (order_id, buyer_id)
  SELECT "orderId", "buyerId" FROM jsonb_to_recordset($1::jsonb) AS r ("orderId" text, "buyerId" text)`

/** Marks orders that were refused, in the turn that ends them: see `sweepRefused`. */
export const MARK_REFUSED = `UPDATE orders.buyer_order SET refused_at = now() WHERE order_id IN (SELECT r."orderId" FROM jsonb_to_recordset($1::jsonb) AS r ("orderId" text))`

/** Frees an Idempotency-Key whose request was refused before anything final was said. */
export const FORGET_RECORD = `DELETE FROM orders.idempotency WHERE id IN (SELECT r.id FROM jsonb_to_recordset($1::jsonb) AS r (id text))`

/** An activation lives for minutes, and a call for seconds. */
const REFUSED_KEPT_DAYS = 3
const SWEEP_LIMIT = 1_000

/** With the collation of the actors' key: with that of `order_id` its index would be of no use, and every list would read the shard. */
const JOIN_ACTOR = `JOIN orders.actor a ON a.type = 'order' AND a.key = o.order_id COLLATE "default"`
/** Above every order's id. */
const BEHIND_ALL = '~'

const shardOfBuyer = (buyerId: string): number => createHash('sha256').update(buyerId).digest()[0]!

/** A new order's id: `<uuidv7>.<shard, hex>.<home site>`. Sorts by creation; a read finds its database without a directory. */
export const newOrderId = (buyerId: string): string => `${newId()}.${shardOfBuyer(buyerId).toString(16).padStart(2, '0')}.${setting('SOUK_SITE')}`

const ORDER_ID = /^[0-9a-f-]{36}\.([0-9a-f]{2})\.[\w-]+$/

function shardOfOrder(orderId: string): number {
  const shard = ORDER_ID.exec(orderId)?.[1]
  if (shard === undefined) throw problem('not-found', 'There is no such order.')
  return Number.parseInt(shard, 16)
}

/** A committed order with the version of its row. */
export interface OrderRow {
  version: number
  state: OrderState
}

/** The order databases of this node, and the reads from committed state. */
export class OrderStore {
  readonly databases: readonly Database[]
  readonly #readers: readonly Batcher<string, OrderRow | null>[]
  readonly #records: readonly Batcher<string, IdempotencyRecord | null>[]

  constructor() {
    const urls = setting('ORDERS_DATABASE_URLS')
    if (urls.length === 0) throw new Error('ORDERS_DATABASE_URLS is not set: start the node with npm start, which starts embedded databases, or set it')
    this.databases = urls.map((url) => new Database(url, 'orders'))
    this.#readers = this.databases.map((db) => new Batcher((ids: string[]) => readOrders(db, ids), { max: 100, inFlight: 2 }))
    this.#records = this.databases.map((db) => new Batcher((ids: string[]) => readRecords(db, ids), { max: 200, inFlight: 2 }))
  }

  /** The order from committed state; null when there is none (or it was refused and is no more), `not-found` for what is no order's id. Waiting reads share one query. */
  read(orderId: string): Promise<OrderRow | null> {
    return this.#readers[this.#index(shardOfOrder(orderId))]!.add(orderId)
  }

  /** The record of an Idempotency-Key of a request about this order: it lies where the order does. */
  record(orderId: string, operationId: string): Promise<IdempotencyRecord | null> {
    return this.#records[this.#index(shardOfOrder(orderId))]!.add(operationId)
  }

  /** A buyer's accepted orders, newest first, older than `before`. */
  async ofBuyer(buyerId: string, before: string | null, limit: number): Promise<OrderState[]> {
    const db = this.databases[this.#index(shardOfBuyer(buyerId))]!
    const rows = await db.query<{ state: OrderState }>(
      `SELECT a.state FROM orders.buyer_order o ${JOIN_ACTOR}
       WHERE o.buyer_id = $1 AND o.order_id < $2 AND a.state IS NOT NULL
         AND NOT (a.state->>'phase' IN ('placing', 'refusing') AND a.state->>'attempt' = '1') ORDER BY o.order_id DESC LIMIT $3`,
      [buyerId, before ?? BEHIND_ALL, limit]
    )
    return rows.map((r) => r.state)
  }

  /** Orders of one database by id, for the audit. */
  async scan(database: number, after: string, limit: number): Promise<OrderState[]> {
    const db = this.databases[database]
    if (!db) return []
    const rows = await db.query<{ state: OrderState }>(
      `SELECT a.state FROM orders.buyer_order o ${JOIN_ACTOR}
       WHERE o.order_id > $1 AND a.state IS NOT NULL ORDER BY o.order_id LIMIT $2`,
      [after, limit]
    )
    return rows.map((r) => r.state)
  }

  /**
   * Deletes what is left of orders that were refused days ago: by now no activation of one lives, nor any call that could want one.
   * Answers whether there may be more.
   */
  async sweepRefused(): Promise<boolean> {
    let more = false
    for (const db of this.databases) {
      const gone = await db.query(
        `WITH old AS MATERIALIZED (SELECT order_id FROM orders.buyer_order WHERE refused_at < now() - interval '${REFUSED_KEPT_DAYS} days' ORDER BY refused_at LIMIT ${SWEEP_LIMIT}),
           dead AS (DELETE FROM orders.actor a USING old WHERE a.type = 'order' AND a.key = old.order_id COLLATE "default" AND a.state IS NULL)
         DELETE FROM orders.buyer_order o USING old WHERE o.order_id = old.order_id RETURNING 1`
      )
      more ||= gone.length === SWEEP_LIMIT
    }
    return more
  }

  async close(): Promise<void> {
    await Promise.all(this.databases.map((db) => db.close()))
  }

  #index(shard: number): number {
    return databaseIndex(shard, this.databases.length)
  }
}

/** Databases hold ranges of logical shards. */
const databaseIndex = (shard: number, databases: number): number => Math.floor((shard * databases) / SHARDS)

/** Index of an order's database of so many. */
export const databaseOfOrder = (orderId: string, databases: number): number => databaseIndex(shardOfOrder(orderId), databases)

/** Index of an order's database in ORDERS_DATABASE_URLS. */
export const databaseIndexOfOrder = (orderId: string): number => databaseOfOrder(orderId, setting('ORDERS_DATABASE_URLS').length)

async function readOrders(db: Database, ids: readonly string[]): Promise<(OrderRow | null)[]> {
  const rows = await db.query<OrderRow & { key: string }>(`SELECT key, version, state FROM orders.actor WHERE type = 'order' AND key = ANY($1::text[]) AND state IS NOT NULL`, [ids])
  const byKey = new Map(rows.map((r) => [r.key, r]))
  return ids.map((i) => byKey.get(i) ?? null)
}

async function readRecords(db: Database, ids: readonly string[]): Promise<(IdempotencyRecord | null)[]> {
  const rows = await db.query<IdempotencyRecord & { id: string }>('SELECT id, body_hash, status, answer FROM orders.idempotency WHERE id = ANY($1::text[])', [ids])
  const byId = new Map(rows.map((r) => [r.id, r]))
  return ids.map((i) => byId.get(i) ?? null)
}
