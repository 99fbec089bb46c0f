import { become, type OrderState } from './order.ts'
import { cancelOrder } from './cancel.ts'
import { afterPayment, confirm, settle } from './place.ts'
import { runRefunds } from './refunds.ts'
import { next, now, orderBody, type Saga } from './saga.ts'
import { undoCoupon } from './steps/coupon.ts'
import { authorize, capture, letGo } from './steps/payment.ts'
import { ship } from './steps/shipping.ts'
import { release } from './steps/stock.ts'
import { problemType } from '../../mixins/primitives/problem.ts'

/** Milliseconds after which a payment that nobody can settle is given up: within the minute that the buyer was promised. */
const GIVE_UP_AFTER = 40_000
/** An unpaid order may be paid again for a day. */
const PAY_AGAIN_MS = 24 * 3_600_000

/** Takes an order's saga as far as it goes now. Every step is idempotent, so running it twice, here or elsewhere, does no harm. */
export async function advance(saga: Saga, order: OrderState): Promise<void> {
  if (order.phase === 'placing') return resumePlacing(saga, order)
  if (order.phase === 'pending') return pursue(saga, order)
  if (order.phase === 'cancelling') return void (await cancelOrder(saga, order))
  if (order.phase === 'failed' && expired(order)) return expire(saga, order)
  if (order.phase === 'paid') {
    await Promise.all(afterPayment(saga, order))
    await fulfil(saga, order)
  }
  if (order.refunds.some((r) => r.status === 'pending')) await runRefunds(saga, order)
}

/** A crash while the buyer waited: run it to its end; a refusal has been recorded and undone, it is no fault here. */
async function resumePlacing(saga: Saga, order: OrderState): Promise<void> {
  try {
    const answer = await settle(saga, order)
    if (answer.order.phase === 'paid') await fulfil(saga, answer.order)
  } catch (error) {
    if (problemType(error) === null) throw error
  }
}

/** Asks for the outcome of a payment that was not settled in time, and gives up by making sure that it never happens. */
async function pursue(saga: Saga, order: OrderState): Promise<void> {
  const { status } = await authorize(saga, order)
  if (status === 'authorized' || status === 'captured') {
    const { order: confirmed } = await confirm(saga, order)
    return confirmed.phase === 'paid' ? fulfil(saga, confirmed) : undefined
  }
  const since = Date.parse(order.timeline.findLast((t) => t.status === 'payment_pending')?.at ?? order.placedAt)
  const settled = status === 'declined' || status === 'voided' ? status : Date.now() - since > GIVE_UP_AFTER ? await letGo(saga, order) : null
  if (settled) await fail(saga, order, settled === 'refunded' ? 'voided' : settled)
}

/** The payment did not come: stock goes back, and the order waits a day to be paid again. */
async function fail(saga: Saga, order: OrderState, status: 'declined' | 'voided'): Promise<void> {
  await release(saga, order)
  await saga.turn(order.id, (known) => {
    if (known?.phase !== 'pending' || known.attempt !== order.attempt) return { state: known, answer: undefined }
    const failed = { ...become(known, 'payment_failed', 'failed', now()), confirmation: null, payment: { ...known.payment, status } }
    return next(failed, undefined, { events: [{ topic: 'order_payment_failed', aggregate: `order/${failed.id}`, body: orderBody(failed) }] })
  })
}

const expired = (order: OrderState): boolean => Date.now() - Date.parse(order.timeline.at(-1)?.at ?? order.placedAt) >= PAY_AGAIN_MS

async function expire(saga: Saga, order: OrderState): Promise<void> {
  await undoCoupon(saga, order)
  await saga.turn(order.id, (known) => {
    if (known?.phase !== 'failed' || !expired(known)) return { state: known, answer: undefined }
    const reason = 'not paid within 24 hours'
    const cancelled = become({ ...known, cancelReason: reason }, 'cancelled', 'done', now(), reason)
    return next(cancelled, undefined, { events: [{ topic: 'order_cancelled', aggregate: `order/${order.id}`, body: { order: orderBody(cancelled), reason, wasConfirmed: 'no' } }] })
  })
}

/** Captures, then has the parcels made: nothing ships unpaid. Stops where a cancel came first. */
export async function fulfil(saga: Saga, order: OrderState): Promise<void> {
  await capture(saga, order)
  const shipped = await ship(saga, order)
  await saga.turn(order.id, (known) => {
    if (known?.phase !== 'paid' || !shipped) return { state: known, answer: undefined }
    const payment = { ...known.payment, status: 'captured' as const, captured: known.totals.total }
    return next({ ...known, phase: 'done', payment }, undefined)
  })
}
