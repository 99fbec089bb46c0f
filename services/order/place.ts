import { setTimeout as sleep } from 'node:timers/promises'
import type { TurnWrite } from '../../mixins/actor/types.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { become, isFree, isStill, type OrderState, type Refusal } from './order.ts'
import { FORGET_RECORD, MARK_REFUSED, SAVE_BUYER_ORDER } from './order.store.ts'
import { orderView } from './order-view.ts'
import { completing, completingWith, now, orderEvent, refusalOf, type Change, type Saga } from './saga.ts'
import { claimCart, unclaimCart } from './steps/cart.ts'
import { takeCoupon, undoCoupon } from './steps/coupon.ts'
import { authorize, intend, letGo } from './steps/payment.ts'
import { free, hold } from './steps/proof.ts'
import { release, reserve } from './steps/stock.ts'

/** How an attempt to pay an order went. */
export interface Outcome {
  /** The order as it is then; null when it was refused and is no more. */
  order: OrderState | null
  /** What the buyer is told: an HTTP status, or why not. Null: another run of this saga was first, the record of the request has its answer. */
  says: 201 | 202 | Refusal | null
}

/** An order may be paid again so often: its row is bounded. */
const ATTEMPTS_MAX = 50

/**
 * The first commit: the order with its intent, unique by the buyer's Idempotency-Key. From here on a crash is finished by the
 * order's own alarm, and the key answers "still running" until the end is recorded.
 */
export const create = (saga: Saga, order: OrderState): ReturnType<Saga['claim']> =>
  saga.claim(order.id, order.id, (known, version) => {
    if (known || version > 0) throw problem('conflict', 'This order was placed before.')
    return { order, writes: [{ statement: SAVE_BUYER_ORDER, rows: [{ orderId: order.id, buyerId: order.buyerId }] }] }
  })

/** The first commit of a further attempt to pay an order whose payment failed; the accepted price holds. */
export const startAttempt = (
  saga: Saga,
  orderId: string,
  claimId: string,
  pay: { buyerId: string; sessionId: string; paymentMethodId: string; confirmation: string; operationId: string | null }
): ReturnType<Saga['claim']> =>
  saga.claim(orderId, claimId, (known) => {
    const { buyerId, ...fresh } = pay
    if (!known || known.buyerId !== buyerId) throw problem('not-found', 'There is no such order.')
    if (known.phase !== 'failed') throw problem('invalid-transition', `The order is ${known.status}: only one in payment_failed can be paid again.`)
    if (known.attempt >= ATTEMPTS_MAX) throw problem('invalid-transition', `This order was tried ${ATTEMPTS_MAX} times: cancel it and order anew.`)
    return { order: { ...become(known, 'payment_pending', 'placing', now()), ...fresh, attempt: known.attempt + 1, payment: { ...known.payment, status: 'unknown' } } }
  })

/**
 * From the first commit of an attempt to its answer: claim the cart's lines ∥ reserve ∥ hold the proof ∥ the payment's intent ∥ take the
 * coupon → authorise → confirm: four commits one after another, the first one counted. A refusal is committed, then all of it is undone,
 * then it is answered. Every step is idempotent by the attempt, so that a resumed saga goes the same way again.
 */
export async function settle(saga: Saga, order: OrderState): Promise<Outcome> {
  if (order.phase === 'refusing') return endRefusal(saga, order)
  if (order.phase !== 'placing') return { order, says: null }
  const started = performance.now()
  const { grant, refusal } = await prepare(saga, order)
  if (refusal) return refuse(saga, order, refusal)
  const left = Math.max(0, saga.timings.answerWithinMs - (performance.now() - started))
  const payment = await Promise.race([authorize(saga, order, grant), sleep(left, null, { ref: false })])
  if (payment?.status === 'authorized' || payment?.status === 'captured') return confirm(saga, order)
  if (payment?.status === 'declined') return refuse(saga, order, declined(payment.reason))
  return accept(saga, order)
}

const declined = (reason: string | null): Refusal => ({
  type: 'payment-declined',
  status: 402,
  detail: 'The payment was declined: use another payment method.',
  data: reason === null ? {} : { reason },
  stored: true
})

/** Runs what may go in parallel; answers the first refusal by rank of "nothing was tried yet". Without one, a fault is thrown: the alarm tries again. */
async function prepare(saga: Saga, order: OrderState): Promise<{ grant: string; refusal: Refusal | null }> {
  const first = order.attempt === 1
  let grant = ''
  const nothing = (): null => null
  const steps = await Promise.allSettled([
    hold(saga, order).then((given) => ((grant = given), null)),
    intend(saga, order).then(nothing),
    first ? claimCart(saga, order).then(nothing) : null,
    reserve(saga, order),
    first ? takeCoupon(saga, order) : null
  ])
  const faults: unknown[] = []
  for (const step of steps) {
    const refusal = step.status === 'fulfilled' ? step.value : refusalOf(step.reason, false)
    if (refusal) return { grant, refusal }
    if (step.status === 'rejected') faults.push(step.reason)
  }
  if (faults.length > 0) throw faults[0]
  return { grant, refusal: null }
}

/** Decides that this attempt is refused, undoes every step of it, and then records the refusal. */
export async function refuse(saga: Saga, order: OrderState, refusal: Refusal): Promise<Outcome> {
  const { order: decided } = await saga.turn(order.id, (known) => (isStill(known, 'placing', order) ? { order: { ...known, phase: 'refusing', refusal } } : null))
  return isStill(decided, 'refusing', order) ? endRefusal(saga, decided) : { order: decided, says: null }
}

/** Undoes an attempt that is refused, then ends it: the buyer hears of it only when all is as it was. */
export async function endRefusal(saga: Saga, order: OrderState): Promise<Outcome> {
  const refusal = order.refusal!
  const first = order.attempt === 1
  await Promise.all([release(saga, order), free(saga, order), first ? undoCoupon(saga, order) : null, first ? unclaimCart(saga, order) : null, refusal.type === 'payment-declined' ? null : letGo(saga, order)])
  const ended = await saga.turn(order.id, (known) => (isStill(known, 'refusing', order) ? refused(known, refusal) : null))
  const isDecided = !ended.order || isStill(ended.order, 'failed', order) // by whichever run: it was committed before
  return { order: ended.order, says: isDecided ? refusal : null }
}

/** An order that was never accepted is no more; another one waits to be paid again. Where nothing final was said, the key is free again. */
function refused(known: OrderState, refusal: Refusal): Change {
  const { operationId } = known
  const record = refusal.stored ? completingWith(operationId, refusal) : {}
  const writes: TurnWrite[] = refusal.stored || operationId === null ? [] : [{ statement: FORGET_RECORD, rows: [{ id: operationId }] }]
  if (known.attempt === 1) return { order: null, writes: [...writes, { statement: MARK_REFUSED, rows: [{ orderId: known.id }] }], ...record }
  return { writes, ...record, ...paymentFailed(known, refusal.type === 'payment-declined' ? 'declined' : 'voided') }
}

/** The payment did not come: the order waits a day to be paid again. */
export function paymentFailed(known: OrderState, status: 'declined' | 'voided'): Change & { order: OrderState } {
  const failed: OrderState = { ...become(known, 'payment_failed', 'failed', now()), operationId: null, confirmation: null, refusal: null, payment: { ...known.payment, status } }
  return { order: failed, events: [orderEvent('order_payment_failed', failed)] }
}

/** The money is held: the order stands, and its buyer hears of it. What follows cannot be refused any more: see `fulfil`. */
export async function confirm(saga: Saga, order: OrderState): Promise<Outcome> {
  const { order: paid, changed } = await saga.turn(order.id, (known) => (isStill(known, 'placing', order) || isStill(known, 'pending', order) ? confirmed(known) : null))
  return { order: paid, says: changed && isStill(paid, 'paid', order) ? 201 : null }
}

function confirmed(known: OrderState): Change {
  const status = isFree(known) ? null : ('authorized' as const)
  const paid: OrderState = { ...become(known, 'confirmed', 'paid', now()), operationId: null, confirmation: null, payment: { ...known.payment, status } }
  const isNew = known.phase === 'placing' && known.attempt === 1
  return {
    order: paid,
    events: [...(isNew ? [orderEvent('order_created', paid)] : []), orderEvent('order_confirmed', paid)],
    ...completing(known.operationId, known.attempt === 1 ? 201 : 200, orderView(paid))
  }
}

/** The payment is not settled in time: the order is accepted all the same, and pursued in the background. */
async function accept(saga: Saga, order: OrderState): Promise<Outcome> {
  const { order: pending, changed } = await saga.turn(order.id, (known) => {
    if (!isStill(known, 'placing', order)) return null
    const accepted: OrderState = { ...known, phase: 'pending', operationId: null, confirmation: null, payment: { ...known.payment, status: 'unknown' } }
    return { order: accepted, events: known.attempt === 1 ? [orderEvent('order_created', accepted)] : [], ...completing(known.operationId, 202, orderView(accepted)) }
  })
  return { order: pending, says: changed && isStill(pending, 'pending', order) ? 202 : null }
}
