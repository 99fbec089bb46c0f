import type { EventRecord } from '../../mixins/events/port.ts'
import { takeFresh } from '../../mixins/inbox/inbox.ts'
import { columns, type Database, type Queryable } from '../../mixins/postgres/database.ts'
import type { Events } from '../../mixins/runtime/calls.ts'
import { DEFAULT_CURRENCY, money } from '../../mixins/primitives/money.ts'
import { DASHBOARD_LISTED_MAX, OPEN_STATUSES, type Dashboard, type SellerOrder } from './seller-orders.contract.ts'

type Confirmed = Events['order_confirmed']

type Fresh<B> = EventRecord<B>[]

/** Applies one batch of one topic once: its effect and its mark are one transaction. Marks are kept per topic, since nothing orders topics. */
const applyOnce = <B>(db: Database, batch: readonly EventRecord<B>[], effect: (tx: Queryable, fresh: Fresh<B>) => Promise<void>): Promise<void> =>
  db.tx(async (tx) => {
    const fresh = (await takeFresh(tx, 'seller', `seller.orders/${batch[0]!.topic}`, batch as readonly EventRecord[])) as Fresh<B>
    if (fresh.length > 0) await effect(tx, fresh)
  })

interface Row {
  id: string
  order_id: string
  seller_id: string
  number: number
  status: string
  placed_at: string | null
  lines: string | null
  totals: string | null
}

/**
 * Adds rows and news of rows: the status is that of the latest event, whatever order they come in; what one event knows and
 * another does not is kept.
 */
async function upsert(tx: Queryable, rows: readonly Row[]): Promise<void> {
  const latest = new Map<string, Row>()
  for (const row of [...rows].sort((a, b) => a.number - b.number)) latest.set(row.id, row)
  await tx.query(
    `INSERT INTO seller.sub_order AS s (id, order_id, seller_id, number, status, placed_at, lines, totals)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[], $7::jsonb[], $8::jsonb[])
     ON CONFLICT (id) DO UPDATE SET
       status = CASE WHEN excluded.number > s.number THEN excluded.status ELSE s.status END,
       number = greatest(s.number, excluded.number),
       placed_at = coalesce(s.placed_at, excluded.placed_at), lines = coalesce(s.lines, excluded.lines), totals = coalesce(s.totals, excluded.totals)`,
    columns([...latest.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), ['id', 'order_id', 'seller_id', 'number', 'status', 'placed_at', 'lines', 'totals'])
  )
}

const rowsOf = (number: number, order: Confirmed, status: string): Row[] =>
  order.subOrders.map((s) => ({
    id: s.id,
    order_id: order.orderId,
    seller_id: s.sellerId,
    number,
    status,
    placed_at: order.placedAt,
    lines: JSON.stringify(s.lines.map(({ category: _category, ...line }) => line)),
    totals: JSON.stringify(s.totals)
  }))

/** The parts of confirmed orders. */
export const applyConfirmed = (db: Database, batch: readonly EventRecord<Confirmed>[]): Promise<void> =>
  applyOnce(db, batch, (tx, fresh) => upsert(tx, fresh.flatMap(({ number, body }) => rowsOf(number, body, 'confirmed'))))

/** Parts of orders that were cancelled after they were confirmed; others are no seller's business. */
export const applyCancelled = (db: Database, batch: readonly EventRecord<Events['order_cancelled']>[]): Promise<void> =>
  applyOnce(db, batch, (tx, fresh) => upsert(tx, fresh.flatMap(({ number, body }) => (body.wasConfirmed === 'yes' ? rowsOf(number, body.order, 'cancelled') : []))))

export const applyChanged = (db: Database, batch: readonly EventRecord<Events['sub_order_changed']>[]): Promise<void> =>
  applyOnce(db, batch, (tx, fresh) =>
    upsert(tx, fresh.map(({ number, body }) => ({ id: body.subOrderId, order_id: body.orderId, seller_id: body.sellerId, number, status: body.status, placed_at: null, lines: null, totals: null })))
  )

const LISTED = `SELECT id, order_id AS "orderId", status, placed_at AS "placedAt", lines, totals FROM seller.sub_order`
/** Every id comes before it, so that a place in a list is always where an index begins, also in a plan for any parameters. */
const LAST = "'~'"

/** A seller's sub-orders, newest first, older than `before`; at most `limit`. Reads no more rows than it answers, one status or all. */
export async function subOrdersOf(db: Database, sellerId: string, status: string | null, before: string | null, limit: number): Promise<SellerOrder[]> {
  const page = `id < coalesce($2::text, ${LAST}) AND placed_at IS NOT NULL ORDER BY id DESC LIMIT $3`
  if (status === null) return db.query<SellerOrder>(`${LISTED} WHERE seller_id = $1 AND ${page}`, [sellerId, before, limit])
  return db.query<SellerOrder>(`${LISTED} WHERE seller_id = $1 AND status = $4 AND ${page}`, [sellerId, before, limit, status])
}

/** One statement, so that counts and list are of one moment. Reads the open parts of the seller alone, however many it ever had. */
const DASHBOARD = `WITH open AS MATERIALIZED (
    SELECT id, order_id, status, placed_at, lines, totals FROM seller.sub_order WHERE seller_id = $1 AND status = ANY($2::text[]) AND placed_at IS NOT NULL
  )
  SELECT now() AS "asOf", count(*)::int AS count, coalesce(sum((o.totals->'total'->>'amount')::bigint), 0)::float8 AS amount,
    coalesce(sum((SELECT sum((l->>'quantity')::int) FROM jsonb_array_elements(o.lines) l)), 0)::int AS units,
    (SELECT coalesce(json_agg(listed ORDER BY listed.id), '[]'::json)
       FROM (SELECT id, order_id AS "orderId", status, placed_at AS "placedAt", lines, totals FROM open ORDER BY id LIMIT $3) listed) AS items
  FROM open o`

/** A seller's work: what is open, counted and listed. */
export async function dashboardOf(db: Database, sellerId: string): Promise<Dashboard> {
  const [row] = await db.query<{ asOf: string; count: number; amount: number; units: number; items: SellerOrder[] }>(DASHBOARD, [sellerId, OPEN_STATUSES, DASHBOARD_LISTED_MAX])
  const { asOf, count, amount, units, items } = row!
  return { asOf, open: { count, units, amount: money(amount, DEFAULT_CURRENCY) }, items: items.map((item) => ({ ...item, placedAt: new Date(item.placedAt).toISOString() })) }
}
