import { call } from '../../../mixins/runtime/calls.ts'
import { stockLines, type OrderState } from '../order.ts'
import type { Saga } from '../saga.ts'

/** Takes what was ordered out of the buyer's cart, once; what was added since stays. Only an accepted order does so: there is no undo. */
export const takeCart = ({ source }: Saga, order: OrderState): Promise<unknown> =>
  call(source, 'cart.worker.take', { cartId: order.buyerId, orderId: order.id, lines: order.subOrders.flatMap(stockLines) })
