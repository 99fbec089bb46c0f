import { setTimeout as sleep } from 'node:timers/promises'
import type { TurnResult, TurnWrite } from '../../mixins/actor/types.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { become, orderView, type OrderState } from './order.ts'
import { FORGET_RECORD, SAVE_BUYER_ORDER } from './order.store.ts'
import { completing, next, now, orderBody, orderEvent, refusalAnswer, refusalOf, type Refusal, type Saga } from './saga.ts'
import { takeCart } from './steps/cart.ts'
import { takeCoupon, undoCoupon } from './steps/coupon.ts'
import { authorize, intend, letGo } from './steps/payment.ts'
import { free, hold, spend } from './steps/proof.ts'
import { release, reserve, take } from './steps/stock.ts'

/** Milliseconds from the first commit until the buyer is answered 202 if the payment is not settled. */
const ANSWER_WITHIN = 2_000

/** What the buyer is told, with its HTTP status. */
export interface Answer {
  status: 201 | 202
  order: OrderState
}

/**
 * The first commit: the order with its intent, unique by the buyer's Idempotency-Key. From here on a crash is finished by the
 * order's own alarm, and the key answers "still running" until the end is recorded.
 */
export const create = (saga: Saga, order: OrderState): Promise<void> =>
  saga.turn(
    order.id,
    (known) => {
      if (known) throw problem('conflict', 'This order exists already.')
      return next(order, undefined, { status: null, writes: [{ statement: SAVE_BUYER_ORDER, rows: [{ orderId: order.id, buyerId: order.buyerId }] }] })
    },
    'claim'
  )

/**
 * From the first commit of an attempt to its answer: reserve ∥ hold the proof, then the payment's intent; ∥ take the coupon → authorise → confirm ∥
 * take the stock ∥ take the cart ∥ spend the proof. A refusal undoes all of it before it is thrown. Every step is idempotent by
 * the attempt, so that a resumed saga runs the same way again.
 */
export async function settle(saga: Saga, order: OrderState): Promise<Answer> {
  const started = performance.now()
  const refusal = await prepare(saga, order)
  if (refusal) throw await refuse(saga, order, refusal)
  const payment = await Promise.race([authorize(saga, order), sleep(Math.max(0, ANSWER_WITHIN - (performance.now() - started)), null, { ref: false })])
  if (payment?.status === 'authorized' || payment?.status === 'captured') return confirm(saga, order)
  if (payment?.status === 'declined') throw await refuse(saga, order, declined(payment.reason))
  return accept(saga, order)
}

export const declined = (reason: string | null): Refusal => ({
  type: 'payment-declined',
  status: 402,
  detail: 'The payment was declined: use another payment method.',
  data: reason === null ? {} : { reason },
  stored: true
})

/** Runs what may go in parallel; the first refusal by rank of "nothing was tried yet". A fault is thrown, and the alarm repeats. */
async function prepare(saga: Saga, order: OrderState): Promise<Refusal | null> {
  const identity = hold(saga, order).then((grant) => intend(saga, order, grant))
  const [held, stock, coupon] = await Promise.allSettled([identity, reserve(saga, order), order.attempt === 1 ? takeCoupon(saga, order) : Promise.resolve(null)])
  if (held.status === 'rejected') {
    const refusal = refusalOf(held.reason, false)
    if (!refusal) throw held.reason
    return refusal
  }
  for (const step of [stock, coupon]) {
    if (step.status === 'rejected') throw step.reason
    if (step.value) return step.value
  }
  return null
}

/** Undoes every step of this attempt, then ends it; answers the error to throw. An order that was never accepted is no more. */
async function refuse(saga: Saga, order: OrderState, refusal: Refusal): Promise<Error> {
  await Promise.all([release(saga, order), free(saga, order), order.attempt === 1 ? undoCoupon(saga, order) : null, refusal.type === 'payment-declined' ? null : letGo(saga, order)])
  await saga.turn(order.id, (known): TurnResult<OrderState, void> => {
    if (!known || known.phase !== 'placing' || known.attempt !== order.attempt) return { state: known, answer: undefined }
    const record = refusal.stored ? completing(known.operationId, refusal.status, refusalAnswer(refusal)) : forgetting(known.operationId)
    if (known.attempt === 1) return { state: null, answer: undefined, reminders: [{ name: 'advance', at: null }], ...record }
    const failed: OrderState = { ...known, status: 'payment_failed', phase: 'failed', operationId: null, confirmation: null, payment: { ...known.payment, status: 'declined' } }
    return next(failed, undefined, record)
  })
  return problem(refusal.type, refusal.detail, refusal.data)
}

/** Leaves the key free: nothing final was said. */
const forgetting = (operationId: string | null): { writes?: TurnWrite[] } => (operationId === null ? {} : { writes: [{ statement: FORGET_RECORD, rows: [{ id: operationId }] }] })

/** The money is held: the order stands. The four commits run beside each other; what a crash leaves, the phase `paid` repeats. */
export async function confirm(saga: Saga, order: OrderState): Promise<Answer> {
  const [turn, ...rest] = await Promise.allSettled([
    saga.turn(order.id, (known) => {
      if (!known || (known.phase !== 'placing' && known.phase !== 'pending')) return { state: known, answer: known }
      const accepted = known.phase === 'placing'
      const paid = { ...become(known, 'confirmed', 'paid', now()), operationId: null, confirmation: null, payment: { ...known.payment, status: 'authorized' as const } }
      const created = accepted && known.attempt === 1 ? [orderEvent(paid)] : []
      return next(paid, paid, {
        ...completing(known.operationId, known.attempt === 1 ? 201 : 200, orderView(paid)),
        events: [...created, { topic: 'order_confirmed', aggregate: `order/${paid.id}`, body: orderBody(paid) }]
      })
    }),
    ...afterPayment(saga, order)
  ])
  for (const step of rest) if (step.status === 'rejected') saga.log.warn(`order ${order.id}: a step after payment failed and will be repeated`, step.reason)
  if (turn.status === 'rejected') throw turn.reason
  if (!turn.value) throw problem('not-found', 'There is no such order.')
  return { status: 201, order: turn.value }
}

/** What follows a payment and cannot be refused any more; idempotent. */
export const afterPayment = (saga: Saga, order: OrderState): Promise<unknown>[] => [take(saga, order), ...acceptance(saga, order)]

const acceptance = (saga: Saga, order: OrderState): Promise<unknown>[] => [spend(saga, order), ...(order.attempt === 1 ? [takeCart(saga, order)] : [])]

/** The payment is not settled in time: the order is accepted all the same, and pursued in the background. */
async function accept(saga: Saga, order: OrderState): Promise<Answer> {
  const [turn] = await Promise.all([
    saga.turn(order.id, (known) => {
      if (!known || known.phase !== 'placing') return { state: known, answer: known }
      const pending: OrderState = { ...known, status: 'payment_pending', phase: 'pending', operationId: null, payment: { ...known.payment, status: 'unknown' } }
      return next(pending, pending, { ...completing(known.operationId, 202, orderView(pending)), events: known.attempt === 1 ? [orderEvent(pending)] : [] })
    }),
    ...acceptance(saga, order)
  ])
  if (!turn) throw problem('not-found', 'There is no such order.')
  return { status: 202, order: turn }
}

/** A further attempt to pay an order whose payment failed: its first commit claims the key; the accepted price holds. */
export const startAttempt = (saga: Saga, orderId: string, pay: { buyerId: string; sessionId: string; paymentMethodId: string; confirmation: string | null; operationId: string | null }): Promise<OrderState> =>
  saga.turn(
    orderId,
    (known) => {
      if (!known || known.buyerId !== pay.buyerId) throw problem('not-found', 'There is no such order.')
      if (known.phase !== 'failed') throw problem('invalid-transition', `The order is ${known.status}: only one in payment_failed can be paid again.`)
      const order: OrderState = {
        ...become(known, 'payment_pending', 'placing', now()),
        attempt: known.attempt + 1,
        sessionId: pay.sessionId,
        paymentMethodId: pay.paymentMethodId,
        confirmation: pay.confirmation,
        operationId: pay.operationId,
        payment: { ...known.payment, status: 'unknown' }
      }
      return next(order, order, { status: null })
    },
    'claim'
  )

