import { setTimeout as sleep } from 'node:timers/promises'
import { problem } from '../../mixins/primitives/problem.ts'
import { become, cancellable, orderView, type OrderState } from './order.ts'
import { completing, next, now, orderBody, refusalAnswer, type Refusal, type Saga } from './saga.ts'
import { undoCoupon } from './steps/coupon.ts'
import { letGo } from './steps/payment.ts'
import { holdBack } from './steps/shipping.ts'
import { giveBack } from './steps/stock.ts'

/** Milliseconds the buyer waits for the money's release before the answer is 202. */
const ANSWER_WITHIN = 2_000

const tooLate = (status: string): Refusal => ({
  type: 'invalid-transition',
  status: 409,
  detail: `The order is ${status}: a parcel has left, so it cannot be cancelled. Return it when it arrives.`,
  data: {},
  stored: true
})

/** The commit that announces a cancel: from here on nothing new is captured or shipped for this order. */
export const startCancel = (saga: Saga, orderId: string, buyerId: string, reason: string, operationId: string | null): Promise<OrderState> =>
  saga.turn(
    orderId,
    (known) => {
      if (!known || known.buyerId !== buyerId || known.phase === 'placing') throw problem('not-found', 'There is no such order.')
      if (!cancellable(known)) throw problem('invalid-transition', `The order is ${known.status}: it cannot be cancelled.`)
      const order: OrderState = { ...known, phase: 'cancelling', cancelReason: reason, operationId }
      return next(order, order, { status: null })
    },
    'claim'
  )

/**
 * Holds the parcels back (or refuses, if one has left), lets the money go and puts the stock back; then the order is `cancelled`.
 * Answers 202 when the provider takes its time: the alarm goes on. Idempotent, also after a crash at any point.
 */
export async function cancelOrder(saga: Saga, order: OrderState): Promise<{ status: 200 | 202; order: OrderState }> {
  if (order.status !== 'cancelled' && !(await holdBack(saga, order))) throw await revert(saga, order)
  await Promise.all([giveBack(saga, order), undoCoupon(saga, order)])
  const money = await Promise.race([letGo(saga, order).catch(() => null), sleep(ANSWER_WITHIN, null, { ref: false })])
  const done = await saga.turn(order.id, (known) => finish(known, money))
  if (!done) throw problem('not-found', 'There is no such order.')
  return { status: money === null ? 202 : 200, order: done }
}

function finish(known: OrderState | null, money: 'voided' | 'declined' | 'refunded' | null): ReturnType<typeof next<OrderState | null>> {
  if (known?.phase !== 'cancelling') return { state: known, answer: known }
  const first = known.status !== 'cancelled'
  const reason = known.cancelReason ?? 'cancelled'
  const wasConfirmed = known.status === 'confirmed' ? 'yes' : 'no'
  const cancelled = first ? become(known, 'cancelled', 'cancelling', now(), reason) : known
  const order: OrderState = {
    ...cancelled,
    operationId: null,
    confirmation: null,
    phase: money === null ? 'cancelling' : 'done',
    subOrders: cancelled.subOrders.map((s) => ({ ...s, status: 'cancelled' })),
    payment: paymentAfter(known, money)
  }
  return next(order, order, {
    ...completing(known.operationId, money === null ? 202 : 200, orderView(order)),
    events: first ? [{ topic: 'order_cancelled', aggregate: `order/${order.id}`, body: { order: orderBody(order), reason, wasConfirmed } }] : []
  })
}

function paymentAfter({ payment, totals }: OrderState, money: 'voided' | 'declined' | 'refunded' | null): OrderState['payment'] {
  if (money === null) return payment
  return money === 'refunded' ? { status: 'refunded', captured: totals.total, refunded: totals.total } : { ...payment, status: money === 'declined' && payment.status === 'declined' ? 'declined' : 'voided' }
}

/** A parcel has left: the order goes on as it was. */
async function revert(saga: Saga, order: OrderState): Promise<Error> {
  const refusal = tooLate(order.status === 'confirmed' ? 'shipped' : order.status)
  await saga.turn(order.id, (known) => {
    if (known?.phase !== 'cancelling') return { state: known, answer: undefined }
    const { operationId } = known
    return next({ ...known, phase: 'paid', cancelReason: null, operationId: null }, undefined, completing(operationId, refusal.status, refusalAnswer(refusal)))
  })
  return problem(refusal.type, refusal.detail, refusal.data)
}
