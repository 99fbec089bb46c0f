import { call } from '../../../mixins/runtime/calls.ts'
import { money } from '../../../mixins/primitives/money.ts'
import { paymentIdOf, splitsOf, type OrderState, type PaymentStatus, type Refund } from '../order.ts'
import type { Saga } from '../saga.ts'

/** Writes the payment down before anything is asked of the provider. `not-found` when the method is not the buyer's. */
export const intend = ({ source }: Saga, order: OrderState, grant: string): Promise<unknown> =>
  call(source, 'payment.worker.intent', {
    paymentId: paymentIdOf(order),
    orderId: order.id,
    buyerId: order.buyerId,
    amount: money(order.totals.total, order.currency),
    paymentMethodId: order.paymentMethodId,
    grant,
    splits: splitsOf(order)
  })

/** Holds the money: `unknown` is neither yes nor no, ask again. Undone by `letGo`. */
export const authorize = ({ source }: Saga, order: OrderState): Promise<{ status: PaymentStatus; reason: string | null }> =>
  call(source, 'payment.worker.authorize', { paymentId: paymentIdOf(order) })

/** Takes the money that is held; throws until the provider has said so. */
export async function capture({ source }: Saga, order: OrderState): Promise<void> {
  const { status } = await call(source, 'payment.worker.capture', { paymentId: paymentIdOf(order) })
  if (status === 'authorized' || status === 'unknown') throw new Error(`capture of ${paymentIdOf(order)} is not known yet`)
}

/**
 * Lets go of money that is held, or gives it back if it was taken; also of a payment that never arrived. Answers the final status;
 * null while the provider has not answered.
 */
export async function letGo({ source }: Saga, order: OrderState): Promise<'voided' | 'declined' | 'refunded' | null> {
  const paymentId = paymentIdOf(order)
  const { status } = await call(source, 'payment.worker.void', { paymentId, orderId: order.id })
  if (status === 'voided' || status === 'declined' || status === 'refunded') return status
  if (status !== 'captured' && status !== 'partially_refunded') return null
  const payment = await call(source, 'payment.worker.status', { paymentId })
  const rest = payment.captured.amount - payment.refunded.amount
  const { outcome } = await call(source, 'payment.worker.refund', { paymentId, refundId: `${order.id}.cancel`, amount: money(rest, order.currency), reason: 'order cancelled' })
  return outcome === 'succeeded' ? 'refunded' : null
}

/** Gives part of the money back, once per refund; false while the provider has not answered. Throws when it refuses. */
export async function refund({ source }: Saga, order: OrderState, { id, amount, reason, sellers }: Refund): Promise<boolean> {
  const { outcome, reason: why } = await call(source, 'payment.worker.refund', {
    paymentId: paymentIdOf(order),
    refundId: id,
    amount: money(amount, order.currency),
    reason,
    ...(sellers ? { sellers: sellers.map((s) => ({ sellerId: s.sellerId, amount: money(s.amount, order.currency) })) } : {})
  })
  if (outcome === 'declined') throw new Error(`refund ${id} was declined: ${why ?? 'no reason given'}`)
  return outcome === 'succeeded'
}
