import { KEPT_HOURS } from '../../../mixins/idempotency/idempotency.ts'
import { stockLines, type OrderState } from '../order.ts'
import { ask, type Saga } from '../saga.ts'

/** The cart knows for a day which orders took their lines; an hour is for clocks that differ. */
const TAKEN_WITHIN_MS = (KEPT_HOURS - 1) * 3_600_000

/** Keeps the cart for this order while it is being placed, so that one cart is one order. Rejects with `cart-empty` while another order has it. Undone by `unclaimCart`, ended by `takeCart`. */
export const claimCart = (saga: Saga, order: OrderState): Promise<unknown> =>
  ask(saga, 'cart.worker.claim', { cartId: order.buyerId, orderId: order.id, lines: order.subOrders.flatMap(stockLines) })

export const unclaimCart = (saga: Saga, order: OrderState): Promise<unknown> => ask(saga, 'cart.worker.unclaim', { cartId: order.buyerId, orderId: order.id })

/**
 * Takes what was ordered out of the buyer's cart, once; what was added since stays. Only an accepted order does so: there is no
 * undo. After a day it is too late, for it could not be told from a second time.
 */
export async function takeCart(saga: Saga, order: OrderState): Promise<void> {
  if (Date.now() - Date.parse(order.placedAt) > TAKEN_WITHIN_MS) return
  await ask(saga, 'cart.worker.take', { cartId: order.buyerId, orderId: order.id, lines: order.subOrders.flatMap(stockLines) })
}
