import { stateMachine } from '../../mixins/primitives/state-machine.ts'
import type { Caller } from '../../mixins/runtime/service.ts'
import type { ShipmentRecord, ShipmentStatus } from './logistics.contract.ts'

/**
 * Where a parcel may go. Each state leads to all that lie further, for reports arrive late, twice and out of order: a parcel stands
 * where the furthest of its reports puts it, whatever the order of their arrival, and never moves back. A lost one may be found;
 * a delivered one is not lost.
 */
export const shipmentStates = stateMachine<ShipmentStatus>('shipment', ['created'], {
  created: ['picked_up', 'in_transit', 'out_for_delivery', 'lost', 'delivered', 'returned'],
  picked_up: ['in_transit', 'out_for_delivery', 'lost', 'delivered', 'returned'],
  in_transit: ['out_for_delivery', 'lost', 'delivered', 'returned'],
  out_for_delivery: ['lost', 'delivered', 'returned'],
  lost: ['delivered', 'returned'],
  delivered: ['returned'],
  returned: []
})

/** The states that reports move a parcel through, in the order of the reports: those that change nothing are left out. */
export function moves<R extends { status: ShipmentStatus }>(from: ShipmentStatus, reports: readonly R[]): R[] {
  let status = from
  return reports.filter((report) => {
    if (!shipmentStates.can(status, report.status)) return false
    status = report.status
    return true
  })
}

/** Whether a caller may see a parcel: its buyer, its seller (`sellerId` is the one that the caller acts for), carriers, administrators. */
export function maySee(caller: Caller | undefined, sellerId: string | null, { buyerId, sellerId: owner }: Pick<ShipmentRecord, 'buyerId' | 'sellerId'>): boolean {
  if (caller?.kind !== 'user') return false
  return caller.roles.includes('admin') || caller.roles.includes('carrier') || caller.userId === buyerId || owner === sellerId
}
