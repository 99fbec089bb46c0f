import { postalAddressRule } from '../../mixins/primitives/postal-address.ts'
import { id, int, list, nullable, object, oneOf, optional, text, timestamp, type Infer } from '../../mixins/primitives/schema.ts'
import { actions, events, type ActionsOf, type EventsOf } from '../../mixins/runtime/calls.ts'

export const SHIPMENT_STATUSES = ['created', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered', 'returned', 'lost'] as const
export type ShipmentStatus = (typeof SHIPMENT_STATUSES)[number]

/** What a carrier may report. */
const REPORTED = ['picked_up', 'in_transit', 'out_for_delivery', 'delivered', 'returned', 'lost'] as const

const eventRule = object({ status: oneOf(SHIPMENT_STATUSES), at: timestamp(), place: nullable(text()), note: nullable(text({ max: 500 })) })

const reportFields = { status: oneOf(REPORTED), at: timestamp(), place: optional(text({ trim: true })), note: optional(text({ max: 500, trim: true })) }

const parcelLines = list(object({ offerId: id(), quantity: int({ min: 1 }) }), { min: 1, max: 100 })

/** A parcel as those who may see it do. */
const shipmentRule = object({
  id: id(),
  orderId: id(),
  subOrderId: id(),
  trackingNumber: text(),
  carrier: text(),
  status: oneOf(SHIPMENT_STATUSES),
  destination: postalAddressRule,
  lines: parcelLines,
  /** The whole history by the carrier's clock, also what arrived late. */
  events: list(eventRule)
})

/** A parcel with the people it concerns. */
const shipmentRecordRule = object({ shipment: shipmentRule, buyerId: id(), sellerId: id() })

const subOrderRule = object({
  id: id(),
  sellerId: id(),
  handlingDays: int({ min: 0, max: 365 }),
  lines: parcelLines
})

export const logisticsActions = actions({
  'logistics.ofOrder': { params: { id: id() }, returns: object({ items: list(shipmentRule) }) },
  'logistics.track': { params: { trackingNumber: text({ max: 40 }) }, returns: shipmentRule },
  'logistics.report': { params: { id: id(), ...reportFields }, returns: shipmentRule },

  /** One parcel per sub-order, once however often it is asked. `refused` when the order was cancelled before. */
  'logistics.worker.ship': {
    params: { orderId: id(), buyerId: id(), address: postalAddressRule, subOrders: list(subOrderRule, { min: 1, max: 100 }) },
    returns: object({ outcome: oneOf(['shipped', 'refused']), items: list(object({ id: id(), subOrderId: id(), trackingNumber: text(), carrier: text(), status: oneOf(SHIPMENT_STATUSES) })) })
  },
  /**
   * Holds every parcel of the order back, all or none: `too-late` once one of them was picked up. A `ship` that arrives after it
   * is refused. May be repeated.
   */
  'logistics.worker.cancel': { params: { orderId: id() }, returns: object({ outcome: oneOf(['cancelled', 'too-late']) }) },
  /** What a carrier saw, kept in the parcel's history; the same report twice counts once. `not-found`; `invalid-transition` when the parcel was held back. */
  'logistics.worker.event': { params: { shipmentId: id(), ...reportFields }, returns: shipmentRule },
  /** Parcels of orders, those held back left out. */
  'logistics.worker.shipmentsOf': { params: { orderIds: list(id(), { min: 1, max: 100 }) }, returns: object({ items: list(shipmentRecordRule) }) },
  /** A parcel by its id or its tracking number; null when there is none. */
  'logistics.worker.find': { params: { shipmentId: optional(id()), trackingNumber: optional(text({ max: 40 })) }, returns: object({ found: nullable(shipmentRecordRule) }) }
})

export const logisticsEvents = events({
  /** A parcel was created or its status moved on; aggregate `shipment/<id>`. */
  shipment_updated: {
    body: object({
      shipmentId: id(),
      orderId: id(),
      subOrderId: id(),
      buyerId: id(),
      sellerId: id(),
      trackingNumber: text(),
      carrier: text(),
      status: oneOf(SHIPMENT_STATUSES),
      /** By the carrier's clock. */
      at: timestamp()
    })
  }
})

export type Shipment = Infer<typeof shipmentRule>
export type ShipmentRecord = Infer<typeof shipmentRecordRule>
export type ShipmentEvent = Infer<typeof eventRule>
export type Address = Infer<typeof postalAddressRule>

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof logisticsActions> {}
  interface Events extends EventsOf<typeof logisticsEvents> {}
}
