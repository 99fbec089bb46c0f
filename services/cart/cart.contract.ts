import { bool, id, int, list, moneyRule, nullable, object, oneOf, optional, text, type Infer } from '../../mixins/primitives/schema.ts'
import { actions, events, type ActionsOf, type EventsOf } from '../../mixins/runtime/calls.ts'

/** What a line and a cart can hold; one more is refused, never clamped (the merge at login alone caps). */
export const LINE_MAX = 999
export const CART_LINES_MAX = 100

const quantity = int({ min: 1, max: LINE_MAX })

/** A cart as its owner sees it. Prices and availability inform; the quote decides. */
const cartRule = object({
  id: id(),
  /** Grows by one with each change: the ETag. 0 for a cart that nothing was ever put into. */
  version: int({ min: 0 }),
  lines: list(
    object({
      offerId: id(),
      productId: id(),
      title: text({ max: 500 }),
      quantity: int({ min: 1 }),
      /** Today's price; `priceChanged` when it is not the one the line was last added at. */
      unitPrice: moneyRule,
      lineTotal: moneyRule,
      priceChanged: bool(),
      availability: oneOf(['in_stock', 'low_stock', 'out_of_stock'])
    })
  ),
  subtotal: moneyRule
})

/** A line as it is stored: `unitPrice` is the price seen when it was last added. */
const lineRule = object({ offerId: id(), productId: id(), quantity: int({ min: 1 }), unitPrice: moneyRule })

/** A cart as it is stored. */
const contentsRule = object({ cartId: id(), version: int({ min: 0 }), lines: list(lineRule) })

/** What an order takes of a cart. */
const orderedLines = list(object({ offerId: id(), quantity: int({ min: 1 }) }), { min: 1, max: CART_LINES_MAX })

/** The version the caller saw: `version-conflict` when the cart is at another. */
const ifVersion = optional(int())

export const cartActions = actions({
  'cart.get': { params: {}, returns: cartRule },
  'cart.add': { params: { offerId: id(), quantity }, returns: cartRule },
  'cart.set': { params: { offerId: id(), quantity }, returns: cartRule },
  'cart.remove': { params: { offerId: id() }, returns: cartRule },
  'cart.clear': { params: {}, returns: cartRule },

  /** Committed state. An empty cart at version 0 where there is none. */
  'cart.worker.contents': { params: { cartId: id() }, returns: contentsRule },
  /** A guest's cart that does not exist, or ended, is `not-found` unless `create`: an unknown token is no cart. */
  'cart.worker.add': { params: { cartId: id(), line: lineRule, create: bool(), ifVersion }, returns: contentsRule },
  /** `not-found` for a line that is not in the cart: a removal stays removed. */
  'cart.worker.set': { params: { cartId: id(), offerId: id(), quantity, ifVersion }, returns: contentsRule },
  /** Without effect, as `clear`, when there is nothing to take out. */
  'cart.worker.remove': { params: { cartId: id(), offerId: id(), ifVersion }, returns: contentsRule },
  'cart.worker.clear': { params: { cartId: id(), ifVersion }, returns: contentsRule },
  /**
   * Ends the guest's cart `from` and adds its lines to the cart of the user `to`, capped at the bounds. Once per guest cart,
   * whoever asks and how often; an unknown or ended one changes nothing. A crash half way is finished by a reminder.
   */
  'cart.worker.merge': { params: { from: id(), to: id() }, returns: object({ outcome: oneOf(['merged', 'ignored']) }) },
  /** The second half of a merge: adds a guest's lines, once per guest cart. */
  'cart.worker.receive': { params: { cartId: id(), from: id(), lines: list(lineRule, { min: 1, max: CART_LINES_MAX }) }, returns: contentsRule },
  /**
   * Gives these lines to an order that is being placed: they are not in the cart any more, unless the order lets go of them or a
   * minute and a half has passed. `cart-empty` when nothing is left in it; `conflict` when it does not hold these lines any more.
   * Adds and changes go on. May be repeated.
   */
  'cart.worker.claim': { params: { cartId: id(), orderId: id(), lines: orderedLines }, returns: contentsRule },
  /** Puts back what an order has claimed, if it has. May be repeated. */
  'cart.worker.unclaim': { params: { cartId: id(), orderId: id() }, returns: contentsRule },
  /** Makes an order's claim its own for ever; where that is over, takes the lines out of the cart now. Once per order. What was added since stays. */
  'cart.worker.take': { params: { cartId: id(), orderId: id(), lines: orderedLines }, returns: contentsRule }
})

export const cartEvents = events({
  cart_updated: {
    body: object({
      cartId: id(),
      /** Null for a guest's cart. */
      userId: nullable(id()),
      version: int({ min: 1 }),
      change: oneOf(['added', 'set', 'removed', 'cleared', 'merged', 'taken', 'ended']),
      /** The lines that changed, with the quantity they have now (0: gone). */
      lines: list(object({ offerId: id(), productId: id(), quantity: int({ min: 0 }) })),
      /** Lines in the cart now. */
      lineCount: int({ min: 0 })
    })
  }
})

export type CartView = Infer<typeof cartRule>
export type CartContents = Infer<typeof contentsRule>
export type CartLine = Infer<typeof lineRule>

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof cartActions> {}
  interface Events extends EventsOf<typeof cartEvents> {}
}
