import { actions, events, type ActionsOf, type EventsOf } from '../../mixins/runtime/calls.ts'
import { bool, id, int, list, object, oneOf, optional, type Infer } from '../../mixins/primitives/schema.ts'

/** What a shopper is told of an offer's stock: `low_stock` is 1–5 units, reserved ones not counted. */
export const AVAILABILITIES = ['in_stock', 'low_stock', 'out_of_stock'] as const
export type Availability = (typeof AVAILABILITIES)[number]

/** The availability of so many units that are not reserved. */
export const availabilityOf = (available: number): Availability => (available <= 0 ? 'out_of_stock' : available <= 5 ? 'low_stock' : 'in_stock')

/** Units of one offer at most, on hand or in one order line. */
export const MAX_UNITS = 1_000_000

const availability = oneOf(AVAILABILITIES)
const quantity = int({ min: 1, max: MAX_UNITS })
const units = int({ min: 0, max: MAX_UNITS })
const lines = list(object({ offerId: id(), quantity }), { min: 1, max: 100 })

/** One reservation: the lines of one attempt to pay an order that ship from one warehouse. */
const reservation = { orderId: id(), attempt: int({ min: 1, max: 10_000 }), warehouseId: id() }

/** The stock of an offer as its seller sees it. `available` = `onHand` − `reserved`. */
export const stockRule = object({ onHand: units, reserved: units, available: units })
export type Stock = Infer<typeof stockRule>

export const inventoryActions = actions({
  'inventory.stock': { params: { id: id() }, returns: stockRule },
  /** Exactly one of `onHand` (a count) and `delta` (a change). */
  'inventory.setStock': {
    params: { id: id(), onHand: optional(units), delta: optional(int({ min: -MAX_UNITS, max: MAX_UNITS })) },
    returns: stockRule
  },
  /**
   * Reserves all lines or none. Idempotent by (orderId, attempt, warehouseId): a repeat answers as the first did. A reservation has
   * no expiry; it ends by `release` or `take`. `refused` names the lines that lack stock; with no lines it says that this attempt
   * was released before (a late reserve).
   */
  'inventory.worker.reserve': {
    params: { ...reservation, lines },
    returns: object({ outcome: oneOf(['reserved', 'refused']), lines: list(object({ offerId: id(), requested: quantity, available: units })) })
  },
  /**
   * Gives a reservation back, and refuses it for ever if it has not arrived yet. Idempotent. `taken` says that it was sold before:
   * nothing was changed then, `restock` is the way back.
   */
  'inventory.worker.release': { params: reservation, returns: object({ outcome: oneOf(['released', 'taken']) }) },
  /** Sells what was reserved: on hand falls. Idempotent; cannot lack stock. `invalid-transition` if there is no such reservation or it was released. */
  'inventory.worker.take': { params: reservation, returns: object({ outcome: oneOf(['taken']) }) },
  /**
   * Puts sold units of an order back on hand: all that are still out, or `lines`. Idempotent by `operationId`. `invalid-transition`
   * when more would come back than was sold.
   */
  'inventory.worker.restock': {
    params: { orderId: id(), warehouseId: id(), lines: optional(lines), operationId: id() },
    returns: object({ lines: list(object({ offerId: id(), quantity })) })
  },
  /** Counts (`onHand`) or corrects (`delta`) the stock of an offer. `validation-failed` when less would be on hand than is reserved. */
  'inventory.worker.set': {
    params: { offerId: id(), warehouseId: id(), onHand: optional(units), delta: optional(int({ min: -MAX_UNITS, max: MAX_UNITS })) },
    returns: stockRule
  },
  /** The stock of offers, in the order of `offerIds`; an offer that never had any is at zero. */
  'inventory.worker.stock': {
    params: { offerIds: list(id(), { max: 500 }) },
    returns: object({ items: list(object({ offerId: id(), onHand: units, reserved: units, available: units, availability })) })
  },
  /** First stock of many offers; an offer that has a row is left as it is. `announced`: the catalogue was told the availability by other means, so no event. */
  'inventory.worker.import': {
    params: { rows: list(object({ offerId: id(), warehouseId: id(), onHand: units }), { min: 1, max: 5_000 }), announced: bool() },
    returns: object({ added: int({ min: 0 }) })
  }
})

export const inventoryEvents = events({
  /** The availability of an offer crossed a border; sales within one availability are not told. Aggregate `stock/<offerId>`. */
  stock_changed: { body: object({ offerId: id(), warehouseId: id(), availability }) }
})

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof inventoryActions> {}
  interface Events extends EventsOf<typeof inventoryEvents> {}
}
