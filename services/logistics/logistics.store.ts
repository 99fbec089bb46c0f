import { columns, type Queryable } from '../../mixins/postgres/database.ts'
import { SHIPMENT_STATUSES, type Address, type Shipment, type ShipmentEvent, type ShipmentRecord, type ShipmentStatus } from './logistics.contract.ts'

/** A parcel's row, with what it shares with the order's others. */
export interface ShipmentRow {
  id: string
  orderId: string
  subOrderId: string
  buyerId: string
  sellerId: string
  trackingNumber: string
  carrier: string
  lines: Shipment['lines']
  status: ShipmentStatus
  heldBack: boolean
  destination: Address
}

/** An order whose parcels are to be made. */
export interface NewConsignment {
  orderId: string
  buyerId: string
  address: Address
}

export interface NewShipment {
  id: string
  orderId: string
  subOrderId: string
  sellerId: string
  trackingNumber: string
  carrier: string
  handlingDays: number
  lines: Shipment['lines']
}

/** What is kept of a report. */
export interface NewEvent {
  shipmentId: string
  at: string
  status: ShipmentStatus
  place: string | null
  note: string | null
}

const SELECT = `SELECT s.id, s.order_id AS "orderId", s.sub_order_id AS "subOrderId", c.buyer_id AS "buyerId", s.seller_id AS "sellerId",
  s.tracking_number AS "trackingNumber", s.carrier, s.lines, s.status, s.held_back AS "heldBack", c.destination
  FROM logistics.shipment s JOIN logistics.consignment c USING (order_id)`

const byText = (a: string, b: string): number => (a < b ? -1 : 1)

/**
 * Writes the orders down and locks them against being held back until the end of the transaction; returns those that are not held
 * back. In the order of their ids, so that two batches never wait for each other.
 */
export async function openConsignments(tx: Queryable, consignments: readonly NewConsignment[]): Promise<Set<string>> {
  const rows = consignments.map(({ orderId, buyerId, address }) => ({ orderId, buyerId, address: JSON.stringify(address) })).sort((a, b) => byText(a.orderId, b.orderId))
  await tx.query(
    'INSERT INTO logistics.consignment (order_id, buyer_id, destination) SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[]) ON CONFLICT (order_id) DO NOTHING',
    columns(rows, ['orderId', 'buyerId', 'address'])
  )
  const open = await tx.query<{ order_id: string; held_back_at: string | null }>(
    'SELECT order_id, held_back_at FROM logistics.consignment WHERE order_id = ANY($1::text[]) ORDER BY order_id FOR SHARE',
    [rows.map((row) => row.orderId)]
  )
  return new Set(open.filter((row) => row.held_back_at === null).map((row) => row.order_id))
}

/** Writes parcels, at most one per sub-order; returns the ids of those that are new. */
export async function insertShipments(tx: Queryable, shipments: readonly NewShipment[]): Promise<Set<string>> {
  const rows = shipments.map((s) => ({ ...s, lines: JSON.stringify(s.lines) })).sort((a, b) => byText(a.orderId + a.subOrderId, b.orderId + b.subOrderId))
  const made = await tx.query<{ id: string }>(
    `INSERT INTO logistics.shipment (id, order_id, sub_order_id, seller_id, tracking_number, carrier, handling_days, lines, status)
     SELECT *, 'created' FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::jsonb[])
     ON CONFLICT (order_id, sub_order_id) DO NOTHING RETURNING id`,
    columns(rows, ['id', 'orderId', 'subOrderId', 'sellerId', 'trackingNumber', 'carrier', 'handlingDays', 'lines'])
  )
  return new Set(made.map((row) => row.id))
}

/** Adds to the histories; the same report twice is kept once. */
export async function insertEvents(tx: Queryable, events: readonly NewEvent[]): Promise<void> {
  await tx.query(
    `INSERT INTO logistics.shipment_event (shipment_id, at, status, place, note)
     SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING`,
    columns(events, ['shipmentId', 'at', 'status', 'place', 'note'])
  )
}

/** Parcels by id, locked in the order of their ids. */
export const lockShipments = (tx: Queryable, ids: readonly string[]): Promise<ShipmentRow[]> =>
  tx.query<ShipmentRow>(`${SELECT} WHERE s.id = ANY($1::text[]) ORDER BY s.id FOR UPDATE OF s`, [ids])

/** Where locked parcels stand now. */
export async function moveShipments(tx: Queryable, moved: readonly { id: string; status: ShipmentStatus }[]): Promise<void> {
  await tx.query(
    'UPDATE logistics.shipment s SET status = m.status FROM unnest($1::text[], $2::text[]) AS m (id, status) WHERE s.id = m.id',
    columns(moved, ['id', 'status'])
  )
}

/** Parcels of orders, by sub-order. */
export const shipmentsOf = (db: Queryable, orderIds: readonly string[]): Promise<ShipmentRow[]> =>
  db.query<ShipmentRow>(`${SELECT} WHERE s.order_id = ANY($1::text[]) ORDER BY s.order_id, s.sub_order_id`, [orderIds])

export const shipmentById = (db: Queryable, id: string): Promise<ShipmentRow[]> => db.query<ShipmentRow>(`${SELECT} WHERE s.id = $1`, [id])

export const shipmentByTracking = (db: Queryable, trackingNumber: string): Promise<ShipmentRow[]> =>
  db.query<ShipmentRow>(`${SELECT} WHERE s.tracking_number = $1`, [trackingNumber])

/** Parcels with their histories, in the order of the rows; one query for all. */
export async function withHistories(db: Queryable, rows: readonly ShipmentRow[]): Promise<ShipmentRecord[]> {
  if (rows.length === 0) return []
  const events = await db.query<ShipmentEvent & { shipmentId: string }>(
    `SELECT shipment_id AS "shipmentId", status, at, place, note FROM logistics.shipment_event WHERE shipment_id = ANY($1::text[])
     ORDER BY shipment_id, at, array_position($2::text[], status)`,
    [rows.map((row) => row.id), SHIPMENT_STATUSES]
  )
  const histories = Map.groupBy(events, (e) => e.shipmentId)
  return rows.map(({ id, orderId, subOrderId, trackingNumber, carrier, status, destination, lines, buyerId, sellerId }) => {
    const history = (histories.get(id) ?? []).map(({ status: s, at, place, note }) => ({ status: s, at, place, note }))
    return { buyerId, sellerId, shipment: { id, orderId, subOrderId, trackingNumber, carrier, status, destination, lines, events: history } }
  })
}

/** Holds an order's parcels back, all or none: false when one of them has left. Leaves the mark that refuses parcels to come. */
export async function holdBack(tx: Queryable, orderId: string): Promise<boolean> {
  await tx.query('INSERT INTO logistics.consignment (order_id) VALUES ($1) ON CONFLICT (order_id) DO NOTHING', [orderId])
  const [consignment] = await tx.query<{ held_back_at: string | null }>('SELECT held_back_at FROM logistics.consignment WHERE order_id = $1 FOR UPDATE', [orderId])
  if (consignment?.held_back_at) return true
  const parcels = await tx.query<{ status: ShipmentStatus }>('SELECT status FROM logistics.shipment WHERE order_id = $1 ORDER BY id FOR UPDATE', [orderId])
  if (parcels.some((parcel) => parcel.status !== 'created')) return false
  await tx.query('UPDATE logistics.consignment SET held_back_at = now() WHERE order_id = $1', [orderId])
  await tx.query('UPDATE logistics.shipment SET held_back = true WHERE order_id = $1', [orderId])
  return true
}
