import type { EventRecord } from '../../mixins/events/port.ts'
import { takeFresh } from '../../mixins/inbox/inbox.ts'
import { columns, type Database, type Queryable } from '../../mixins/postgres/database.ts'
import type { Events } from '../../mixins/runtime/calls.ts'
import type { SellerOrder } from './seller-orders.contract.ts'

type Confirmed = Events['order_confirmed']

type Fresh<B> = EventRecord<B>[]

/** Applies one batch of one topic once: its effect and its mark are one transaction. Marks are kept per topic, since nothing orders topics. */
const applyOnce = <B>(db: Database, batch: readonly EventRecord<B>[], effect: (tx: Queryable, fresh: Fresh<B>) => Promise<void>): Promise<void> =>
  db.tx(async (tx) => {
    const fresh = (await takeFresh(tx, 'seller', `seller.orders/${batch[0]!.topic}`, batch as readonly EventRecord[])) as Fresh<B>
    if (fresh.length > 0) await effect(tx, fresh)
  })

/** Adds the parts of confirmed orders. */
export const applyConfirmed = (db: Database, batch: readonly EventRecord<Confirmed>[]): Promise<void> =>
  applyOnce(db, batch, async (tx, fresh) => {
    const rows = fresh.flatMap(({ number, body }) =>
      body.subOrders.map((s) => ({
        id: s.id,
        order_id: body.orderId,
        seller_id: s.sellerId,
        number,
        placed_at: body.placedAt,
        lines: JSON.stringify(s.lines.map(({ category: _category, ...line }) => line)),
        totals: JSON.stringify(s.totals)
      }))
    )
    await tx.query(
      `INSERT INTO seller.sub_order (id, order_id, seller_id, number, status, placed_at, lines, totals)
       SELECT id, order_id, seller_id, number, 'confirmed', placed_at, lines, totals
       FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::jsonb[], $7::jsonb[]) AS r (id, order_id, seller_id, number, placed_at, lines, totals)
       ON CONFLICT (id) DO NOTHING`,
      columns(rows, ['id', 'order_id', 'seller_id', 'number', 'placed_at', 'lines', 'totals'])
    )
  })

/** Parts of orders that were cancelled after they were confirmed; others never came here. */
export const applyCancelled = (db: Database, batch: readonly EventRecord<Events['order_cancelled']>[]): Promise<void> =>
  applyOnce(db, batch, (tx, fresh) =>
    setStatus(tx, fresh.flatMap(({ number, body }) => (body.wasConfirmed === 'yes' ? body.order.subOrders.map((s) => ({ id: s.id, number, status: 'cancelled' })) : [])))
  )

export const applyChanged = (db: Database, batch: readonly EventRecord<Events['sub_order_changed']>[]): Promise<void> =>
  applyOnce(db, batch, (tx, fresh) => setStatus(tx, fresh.map(({ number, body }) => ({ id: body.subOrderId, number, status: body.status }))))

/** The latest news of each part wins. Throws when one is not there yet, so that the batch comes again after its order. */
async function setStatus(tx: Queryable, changes: readonly { id: string; number: number; status: string }[]): Promise<void> {
  const latest = [...new Map([...changes].sort((a, b) => a.number - b.number).map((c) => [c.id, c])).values()]
  const known = await tx.query<{ id: string }>(
    `UPDATE seller.sub_order s SET status = CASE WHEN r.number > s.number THEN r.status ELSE s.status END, number = greatest(s.number, r.number)
     FROM unnest($1::text[], $2::bigint[], $3::text[]) AS r (id, number, status) WHERE s.id = r.id RETURNING s.id`,
    columns(latest, ['id', 'number', 'status'])
  )
  if (known.length < latest.length) throw new Error(`${latest.length - known.length} sub-orders changed before they were confirmed here: waiting for order_confirmed`)
}

/** A seller's sub-orders, newest first, older than `before`; at most `limit`. */
export async function subOrdersOf(db: Database, sellerId: string, status: string | null, before: string | null, limit: number): Promise<SellerOrder[]> {
  return db.query<SellerOrder>(
    `SELECT id, order_id AS "orderId", status, placed_at AS "placedAt", lines, totals FROM seller.sub_order
     WHERE seller_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
    [sellerId, status, before, limit]
  )
}
