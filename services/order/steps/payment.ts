import { money } from '../../../mixins/primitives/money.ts'
import { isFree, paymentIdOf, type OrderState, type PaymentStatus, type Refund } from '../order.ts'
import { moneyTotals } from '../order-view.ts'
import { ask, type Saga } from '../saga.ts'

// An order that costs nothing has no payment: each step finds at once what it would lead to.

/** Writes the payment down before anything is asked of the provider. `not-found` when the method is not the buyer's. */
export async function intend(saga: Saga, order: OrderState): Promise<void> {
  if (isFree(order)) return
  await ask(saga, 'payment.worker.intent', {
    paymentId: paymentIdOf(order),
    orderId: order.id,
    buyerId: order.buyerId,
    amount: money(order.totals.total, order.currency),
    paymentMethodId: order.paymentMethodId,
    splits: order.subOrders.map((s) => ({ sellerId: s.sellerId, ...moneyTotals(s.totals, order.currency) }))
  })
}

/** Holds the money, as the grant allows. A fault is `unknown` too, which is neither yes nor no: ask again. Undone by `letGo`. */
export async function authorize(saga: Saga, order: OrderState, grant: string): Promise<{ status: PaymentStatus; reason: string | null }> {
  if (isFree(order)) return { status: 'authorized', reason: null }
  try {
    return await ask(saga, 'payment.worker.authorize', { paymentId: paymentIdOf(order), grant })
  } catch (error) {
    saga.log.warn(`order ${order.id}: the payment's outcome could not be asked for, will be tried again`, error)
    return { status: 'unknown', reason: null }
  }
}

/** What is known of the payment, without asking for anything. */
export async function statusOf(saga: Saga, order: OrderState): Promise<PaymentStatus> {
  return isFree(order) ? 'authorized' : (await ask(saga, 'payment.worker.status', { paymentId: paymentIdOf(order) })).status
}

/** Takes the money that is held; false when there is none to take any more. Throws while the provider has not answered. */
export async function capture(saga: Saga, order: OrderState): Promise<boolean> {
  if (isFree(order)) return true
  const { status } = await ask(saga, 'payment.worker.capture', { paymentId: paymentIdOf(order) })
  if (status === 'authorized' || status === 'unknown') throw new Error(`capture of ${paymentIdOf(order)} is not known yet`)
  return status !== 'voided' && status !== 'declined'
}

/** How a payment that was let go of ended. */
export type Released = 'voided' | 'declined' | 'refunded'

/**
 * Lets go of money that is held, or gives back what is left of it if it was taken; also of a payment that never arrived. Null while
 * the provider has not answered.
 */
export async function letGo(saga: Saga, order: OrderState): Promise<Released | null> {
  if (isFree(order)) return 'voided'
  const paymentId = paymentIdOf(order)
  const { status } = await ask(saga, 'payment.worker.void', { paymentId, orderId: order.id })
  if (status === 'voided' || status === 'declined' || status === 'refunded') return status
  if (status !== 'captured' && status !== 'partially_refunded') return null
  const payment = await ask(saga, 'payment.worker.status', { paymentId })
  const rest = payment.captured.amount - payment.refunded.amount
  if (rest === 0) return 'refunded'
  const { outcome } = await ask(saga, 'payment.worker.refund', { paymentId, refundId: cancelRefundId(order), amount: money(rest, order.currency), reason: 'order cancelled' })
  return outcome === 'succeeded' ? 'refunded' : null
}

/** The refund that a cancel makes of money that was taken. */
export const cancelRefundId = (order: OrderState): string => `${order.id}.cancel`

/** Gives part of the money back, once per refund; null while the provider has not answered. */
export async function refund(saga: Saga, order: OrderState, { id, amount, reason, sellers }: Refund): Promise<'succeeded' | 'declined' | null> {
  if (amount === 0) return 'succeeded'
  const { outcome } = await ask(saga, 'payment.worker.refund', {
    paymentId: paymentIdOf(order),
    refundId: id,
    amount: money(amount, order.currency),
    reason,
    sellers: sellers.map((s) => ({ sellerId: s.sellerId, amount: money(s.amount, order.currency) }))
  })
  return outcome === 'unknown' ? null : outcome
}
