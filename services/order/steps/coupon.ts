import type { OrderState, Refusal } from '../order.ts'
import { ask, type Saga } from '../saga.ts'

/** Uses the order's coupon, if it has one, within the coupon's limits. Idempotent by order; undone by `undoCoupon`. */
export async function takeCoupon(saga: Saga, order: OrderState): Promise<Refusal | null> {
  if (order.coupon === null) return null
  const { outcome, reason = 'used' } = await ask(saga, 'pricing.worker.takeCoupon', { code: order.coupon, buyerId: order.buyerId, orderId: order.id })
  if (outcome === 'taken') return null
  const errors = [{ field: 'coupon', code: reason, message: 'this coupon does not apply any more' }]
  return { type: 'validation-failed', status: 422, detail: `The coupon does not apply any more (${reason}).`, data: { errors }, stored: true }
}

export const undoCoupon = async (saga: Saga, order: OrderState): Promise<void> => {
  if (order.coupon !== null) await ask(saga, 'pricing.worker.undoCoupon', { orderId: order.id })
}
