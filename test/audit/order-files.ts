import type { OrderState } from '../../services/order/order.ts'
import type { Payment } from '../../services/payment/payment.ts'
import type { Books, Logged } from './books.ts'

interface Line {
  offerId: string
  quantity: number
}

/** An order with everything the other books say about it. */
export interface OrderFile {
  order: OrderState
  /** Number of its last event. */
  events: number
  /** Index of the order database it was found in. */
  database: number
  payments: Payment[]
  /** The provider's accounts of those payments. */
  accounts: { key: string; state: string; amount: number; captured: number; refunded: number }[]
  reservations: { order_id: string; warehouse_id: string; attempt: number; status: string; lines: Line[]; restocks: { operationId: string; lines: Line[] }[] }[]
  shipments: { order_id: string; sub_order_id: string; status: string; held_back: boolean }[]
  couponUses: { order_id: string; standing: boolean }[]
  /** The sellers' lists. */
  listed: { id: string; order_id: string; status: string }[]
  /** What the log holds of the order and of its payments, by aggregate. */
  logged: Map<string, Logged>
}

const PAGE = 500

/** Attempts to pay that an order may have, and one more, which must not be there. */
const paymentIds = (order: OrderState): string[] => Array.from({ length: order.attempt + 1 }, (_, i) => `${order.id}.${i + 1}`)

/** Every order that exists, a page at a time, with what the other books say about it. */
export async function* orderFiles(books: Books): AsyncGenerator<OrderFile[]> {
  for (const [database, query] of books.shards.entries()) {
    for (let after = ''; ; ) {
      const rows = await query<{ key: string; state: OrderState; events: number }>(
        `SELECT key, state, events::float8 AS events FROM orders.actor WHERE type = 'order' AND state IS NOT NULL AND key COLLATE "C" > $1 ORDER BY key COLLATE "C" LIMIT ${PAGE}`,
        [after]
      )
      if (rows.length > 0) yield await filesOf(books, database, rows)
      if (rows.length < PAGE) break
      after = rows.at(-1)!.key
    }
  }
}

const by = <T>(rows: readonly T[], key: (row: T) => string): ((id: string) => T[]) => {
  const groups = Map.groupBy(rows, key)
  return (id) => groups.get(id) ?? []
}

async function filesOf(books: Books, database: number, rows: readonly { state: OrderState; events: number }[]): Promise<OrderFile[]> {
  const orders = rows.map((r) => r.state)
  const ids = orders.map((o) => o.id)
  const keys = orders.flatMap(paymentIds)
  const kept = books.payments
  const payments = kept ? await kept.query<{ id: string; doc: Payment }>(`SELECT id, doc FROM ${kept.table} WHERE id = ANY($1)`, [keys]) : []
  const accounts = books.hasProvider
    ? await books.of('provider')<OrderFile['accounts'][number]>('SELECT key, state, amount::float8 AS amount, captured::float8 AS captured, refunded::float8 AS refunded FROM provider.account WHERE key = ANY($1)', [keys])
    : []
  const reservations = await books.of('inventory')<OrderFile['reservations'][number]>('SELECT order_id, warehouse_id, attempt, status, lines, restocks FROM inventory.reservation WHERE order_id = ANY($1)', [ids])
  const shipments = await books.of('logistics')<OrderFile['shipments'][number]>('SELECT order_id, sub_order_id, status, held_back FROM logistics.shipment WHERE order_id = ANY($1)', [ids])
  const couponUses = await books.of('pricing')<OrderFile['couponUses'][number]>('SELECT order_id, n IS NOT NULL AS standing FROM pricing.coupon_use WHERE order_id = ANY($1)', [ids])
  const listed = await books.of('seller')<OrderFile['listed'][number]>('SELECT id, order_id, status FROM seller.sub_order WHERE order_id = ANY($1)', [ids])
  const logged = await books.logged([...ids.map((id) => `order/${id}`), ...keys.map((key) => `payment/${key}`)])
  const orderOf = (key: string): string => key.slice(0, key.lastIndexOf('.'))
  const [payment, account] = [by(payments.map((p) => ({ ...p.doc, id: p.id })), (p) => orderOf(p.id)), by(accounts, (a) => orderOf(a.key))]
  const [reservation, shipment, use, inList] = [by(reservations, (r) => r.order_id), by(shipments, (s) => s.order_id), by(couponUses, (c) => c.order_id), by(listed, (l) => l.order_id)]
  return rows.map(({ state: order, events }) => ({
    order,
    events,
    database,
    payments: payment(order.id),
    accounts: account(order.id),
    reservations: reservation(order.id),
    shipments: shipment(order.id),
    couponUses: use(order.id),
    listed: inList(order.id),
    logged
  }))
}
