import { problemType } from '../../mixins/primitives/problem.ts'
import { beginCancel, cancelOrder } from './cancel.ts'
import { paymentAfterRefunds } from './money-back.ts'
import { isFree, isStill, lastStepAt, type OrderState, type Refusal } from './order.ts'
import { confirm, paymentFailed, refuse, settle } from './place.ts'
import { runRefunds } from './refunds.ts'
import type { Saga } from './saga.ts'
import { acceptance } from './steps/acceptance.ts'
import { authorize, capture, letGo, statusOf } from './steps/payment.ts'
import { ship } from './steps/shipping.ts'
import { hold } from './steps/proof.ts'
import { release, take } from './steps/stock.ts'

/**
 * Takes an order's saga as far as it goes now; answers the order as it is then. Every step is idempotent and every choice a commit,
 * so running it twice, here or elsewhere, does no harm.
 */
export async function advance(saga: Saga, order: OrderState): Promise<OrderState | null> {
  for (let known = order; ; ) {
    const next = await step(saga, known)
    if (!next || next.phase === known.phase) return next
    known = next
  }
}

async function step(saga: Saga, order: OrderState): Promise<OrderState | null> {
  switch (order.phase) {
    case 'placing':
    case 'refusing':
      return (await (isOverdue(saga, order) ? refuse(saga, order, tookTooLong()) : settle(saga, order))).order
    case 'pending':
      return pursue(saga, order)
    case 'abandoning':
      return abandon(saga, order)
    case 'paid':
      return fulfil(saga, order)
    case 'failed':
      return expire(saga, order)
    case 'cancelling':
      return (await cancelOrder(saga, order)).order
    case 'done':
      return runRefunds(saga, order)
  }
}

/** Nobody waits for this order any more, nor expects to be charged for it. */
const isOverdue = ({ timings }: Saga, order: OrderState): boolean => order.phase === 'placing' && Date.now() - lastStepAt(order) > timings.placeWithinMs

const tookTooLong = (): Refusal => ({ type: 'unavailable', status: 503, detail: 'The order could not be placed in time: try again.', data: { retryAfter: 5 }, stored: false })

/** Asks for the outcome of a payment that was not settled in time, and gives up when nobody knows it for too long. */
async function pursue(saga: Saga, order: OrderState): Promise<OrderState | null> {
  const [grant] = await Promise.all([heldBefore(saga, order), ...acceptance(saga, order)])
  const status = grant === null ? await statusOf(saga, order) : (await authorize(saga, order, grant)).status
  if (status === 'authorized' || status === 'captured') return (await confirm(saga, order)).order
  const isOver = status === 'declined' || status === 'voided' || Date.now() - lastStepAt(order) > saga.timings.giveUpAfterMs
  if (!isOver) return order
  return (await saga.turn(order.id, (known) => (isStill(known, 'pending', order) ? { order: { ...known, phase: 'abandoning' } } : null))).order
}

/** A fresh grant of the proof that this attempt holds; null once that has been forgotten. */
const heldBefore = (saga: Saga, order: OrderState): Promise<string | null> =>
  hold(saga, order).catch((error: unknown) => {
    if (problemType(error) === 'identity-confirmation-required') return null
    throw error
  })

/** From the commit before on nobody confirms this payment; makes sure that it never happens, gives the stock back, and only then says so. */
async function abandon(saga: Saga, order: OrderState): Promise<OrderState | null> {
  const money = await letGo(saga, order)
  if (money === null) return order
  await release(saga, order)
  return (await saga.turn(order.id, (known) => (isStill(known, 'abandoning', order) ? paymentFailed(known, money === 'declined' ? 'declined' : 'voided') : null))).order
}

/** An order that nobody paid in time is cancelled. */
async function expire(saga: Saga, order: OrderState): Promise<OrderState | null> {
  const isOver = (known: OrderState): boolean => Date.now() - lastStepAt(known) >= saga.timings.payAgainWithinMs
  if (!isOver(order)) return order
  return (await saga.turn(order.id, (known) => (isStill(known, 'failed', order) && isOver(known) ? beginCancel(known, 'not paid within 24 hours', null) : null))).order
}

/**
 * Takes the money, the stock, the cart's lines and the proof, then has the parcels made: nothing ships unpaid. Where the money is gone
 * without a cancel of ours (the provider withdrew it), the order is cancelled; where a cancel came first, that goes on.
 */
async function fulfil(saga: Saga, order: OrderState): Promise<OrderState | null> {
  const [isCaptured] = await Promise.all([capture(saga, order), take(saga, order), ...acceptance(saga, order)])
  if (!isCaptured) {
    return (await saga.turn(order.id, (known) => (isStill(known, 'paid', order) ? beginCancel(known, 'the payment was withdrawn', null) : null))).order
  }
  const shipped = await ship(saga, order)
  const { order: after } = await saga.turn(order.id, (known) => (isStill(known, 'paid', order) && shipped ? { order: { ...known, phase: 'done', payment: captured(known) } } : null))
  return after
}

const captured = (known: OrderState): OrderState['payment'] => (isFree(known) ? known.payment : paymentAfterRefunds(known))
