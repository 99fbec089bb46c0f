import { appendEvents } from '../../mixins/outbox/outbox.ts'
import type { Queryable } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import type { ParamsOf, ResultOf } from '../../mixins/runtime/calls.ts'
import type { logisticsActions } from './logistics.contract.ts'
import { insertEvents, insertShipments, openConsignments, shipmentsOf, type NewShipment } from './logistics.store.ts'
import { updated } from './reports.ts'
import { newTrackingNumber } from './tracking.ts'

type ShipAction = (typeof logisticsActions)['logistics.worker.ship']
export type ShipRequest = ParamsOf<ShipAction>
type ShipAnswer = ResultOf<ShipAction>

/** The one carrier of the marketplace. */
export const CARRIER = 'Souk Parcel'

/** Makes the parcels of many orders in one transaction, once each; answers in the order of the requests. */
export async function shipAll(tx: Queryable, requests: readonly ShipRequest[]): Promise<ShipAnswer[]> {
  const orders = [...new Map(requests.map((r) => [r.orderId, r])).values()]
  const open = await openConsignments(tx, orders)
  const wanted = orders.filter((r) => open.has(r.orderId)).flatMap((r) =>
    r.subOrders.map((sub): NewShipment & { buyerId: string } => ({
      id: newId(), orderId: r.orderId, subOrderId: sub.id, buyerId: r.buyerId, sellerId: sub.sellerId, trackingNumber: newTrackingNumber(),
      carrier: CARRIER, handlingDays: sub.handlingDays, lines: sub.lines
    }))
  )
  const made = await insertShipments(tx, wanted)
  const fresh = wanted.filter((s) => made.has(s.id))
  const at = new Date().toISOString()
  if (fresh.length > 0) {
    await insertEvents(tx, fresh.map((s) => ({ shipmentId: s.id, at, status: 'created', place: null, note: null })))
    await appendEvents(tx, 'logistics', fresh.map((s) => updated(s, 'created', at)))
  }
  // Only who repeats a request must read what the first one made.
  const known: readonly (ShipAnswer['items'][number] & { orderId: string })[] =
    fresh.length === wanted.length ? fresh.map((s) => ({ ...s, status: 'created' })) : await shipmentsOf(tx, [...open])
  const items = Map.groupBy(known, (s) => s.orderId)
  return requests.map(({ orderId }) =>
    open.has(orderId)
      ? { outcome: 'shipped', items: (items.get(orderId) ?? []).map(({ id, subOrderId, trackingNumber, carrier, status }) => ({ id, subOrderId, trackingNumber, carrier, status })) }
      : { outcome: 'refused', items: [] }
  )
}
