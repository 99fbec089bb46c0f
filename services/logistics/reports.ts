import type { Queryable } from '../../mixins/postgres/database.ts'
import { appendEvents } from '../../mixins/outbox/outbox.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { Shipment, ShipmentStatus } from './logistics.contract.ts'
import { insertEvents, lockShipments, moveShipments, withHistories, type NewEvent, type ShipmentRow } from './logistics.store.ts'
import { moves } from './logistics.ts'

/** What a carrier saw of a parcel. */
export type Report = NewEvent

/** `shipment_updated` of a parcel that is now at `status`. */
export const updated = (row: Pick<ShipmentRow, 'id' | 'orderId' | 'subOrderId' | 'buyerId' | 'sellerId' | 'trackingNumber' | 'carrier'>, status: ShipmentStatus, at: string) => ({
  topic: 'shipment_updated' as const,
  aggregate: `shipment/${row.id}`,
  body: {
    shipmentId: row.id, orderId: row.orderId, subOrderId: row.subOrderId, buyerId: row.buyerId, sellerId: row.sellerId,
    trackingNumber: row.trackingNumber, carrier: row.carrier, status, at
  }
})

const refusalOf = (row: ShipmentRow | undefined): Error | null => {
  if (!row) return problem('not-found', 'There is no such parcel.')
  return row.heldBack ? problem('invalid-transition', 'The order was cancelled: this parcel must not leave.', { from: 'cancelled' }) : null
}

/**
 * Takes reports into the histories of their parcels and moves these on, all in the one transaction, under the parcels' locks; each
 * move is an event. Answers the parcel as it stands afterwards, or why the report was refused, in the order of the reports.
 */
export async function takeReports(tx: Queryable, reports: readonly Report[]): Promise<(Shipment | Error)[]> {
  const locked = await lockShipments(tx, [...new Set(reports.map((r) => r.shipmentId))])
  const rows = new Map(locked.map((row) => [row.id, row]))
  const taken = reports.filter((r) => refusalOf(rows.get(r.shipmentId)) === null)
  if (taken.length > 0) {
    await insertEvents(tx, taken)
    const moved = [...Map.groupBy(taken, (r) => r.shipmentId)].map(([id, ofParcel]) => ({ row: rows.get(id)!, steps: moves(rows.get(id)!.status, ofParcel) })).filter((m) => m.steps.length > 0)
    if (moved.length > 0) {
      await moveShipments(tx, moved.map(({ row, steps }) => ({ id: row.id, status: steps.at(-1)!.status })))
      await appendEvents(tx, 'logistics', moved.flatMap(({ row, steps }) => steps.map((step) => updated(row, step.status, step.at))))
      for (const { row, steps } of moved) row.status = steps.at(-1)!.status
    }
  }
  const records = new Map((await withHistories(tx, locked)).map((r) => [r.shipment.id, r.shipment]))
  return reports.map((r) => refusalOf(rows.get(r.shipmentId)) ?? records.get(r.shipmentId)!)
}
