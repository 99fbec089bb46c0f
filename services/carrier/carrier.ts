import { createHash } from 'node:crypto'

/** Something that happens to a parcel, and when the carrier tells: not always at once, not always once. */
export interface PlannedReport {
  shipmentId: string
  n: number
  status: 'picked_up' | 'in_transit' | 'out_for_delivery' | 'delivered'
  at: string
  due: string
  place: string
}

const STOPS = [
  ['picked_up', 'Sender'],
  ['in_transit', 'Regional hub'],
  ['out_for_delivery', 'Delivery depot'],
  ['delivered', 'Front door']
] as const

/**
 * The whole way of a parcel, the same whenever it is asked for: picked up no earlier than `delayMs` after it was created, then on
 * at half to one such delay a stop. As carriers are, it is not tidy: of some parcels the pick-up is reported after the next stop,
 * of some a report comes twice.
 */
export function planReports(shipmentId: string, createdAt: number, delayMs: number): PlannedReport[] {
  const chance = createHash('sha256').update(shipmentId).digest()
  let at = createdAt + delayMs
  const happens = STOPS.map((stop, i) => {
    at += Math.ceil((chance[i]! / 255) * delayMs * (i === 0 ? 0.25 : 0.5)) + (i === 0 ? 0 : Math.ceil(delayMs / 2))
    return { stop, at }
  })
  const report = (n: number, i: number, late = 0): PlannedReport => {
    const { stop: [status, place], at: time } = happens[i]!
    return { shipmentId, n, status, place, at: new Date(time).toISOString(), due: new Date(time + late).toISOString() }
  }
  const pickUpLate = chance[4]! % 4 === 0 ? happens[1]!.at - happens[0]!.at + 1_000 : 0
  const twice = chance[5]! % 4 === 0 ? [report(STOPS.length, chance[6]! % STOPS.length, 1_500)] : []
  return [report(0, 0, pickUpLate), report(1, 1), report(2, 2), report(3, 3), ...twice]
}
