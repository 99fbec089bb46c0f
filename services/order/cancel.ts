import { setTimeout as sleep } from 'node:timers/promises'
import { problem } from '../../mixins/primitives/problem.ts'
import { partsLeft, paymentAfterRefunds } from './money-back.ts'
import { become, cancellable, isAccepted, isFree, type OrderState, type Refund, type Refusal } from './order.ts'
import { orderView } from './order-view.ts'
import { runRefunds } from './refunds.ts'
import { completing, completingWith, notNow, now, orderBody, type Change, type Saga } from './saga.ts'
import { acceptance } from './steps/acceptance.ts'
import { undoCoupon } from './steps/coupon.ts'
import { cancelRefundId, letGo, type Released } from './steps/payment.ts'
import { holdBack } from './steps/shipping.ts'
import { giveBack } from './steps/stock.ts'

/** How a cancel went: `refusal` when a parcel has left and the order goes on. */
export interface CancelOutcome {
  order: OrderState | null
  status: 200 | 202
  refusal: Refusal | null
}

/** The commit that announces a cancel: from here on nothing is confirmed, captured or shipped for this order that is not given back. */
export const startCancel = (saga: Saga, orderId: string, claimId: string, { buyerId, reason, operationId }: { buyerId: string; reason: string; operationId: string | null }): ReturnType<Saga['claim']> =>
  saga.claim(orderId, claimId, (known) => {
    if (!known || known.buyerId !== buyerId || !isAccepted(known)) throw problem('not-found', 'There is no such order.')
    if (known.phase === 'cancelling') throw problem('invalid-transition', 'The order is being cancelled already.')
    if (!cancellable(known)) throw problem('invalid-transition', `The order is ${known.status}: it cannot be cancelled.`)
    return beginCancel(known, reason, operationId)
  })

/** A cancel that begins, by the buyer or by the marketplace. Whoever pays the order again at this moment is told so. */
export function beginCancel(known: OrderState, reason: string, operationId: string | null): Change & { order: OrderState } {
  const order: OrderState = { ...known, phase: 'cancelling', operationId: null, refusal: null, cancel: { reason, from: known.phase, operationId } }
  return { order, ...completingWith(known.operationId, notNow('The order was cancelled meanwhile.')) }
}

/**
 * Holds the parcels back (or goes on as before, if one has left), puts the stock back and lets the money go; then the order is
 * `cancelled`. Says 202 when the provider takes its time: the alarm goes on. Idempotent, also after a crash at any point.
 */
export async function cancelOrder(saga: Saga, order: OrderState): Promise<CancelOutcome> {
  if (order.status !== 'cancelled' && !(await holdBack(saga, order))) return goOn(saga, order)
  await Promise.all([giveBack(saga, order), undoCoupon(saga, order), ...acceptance(saga, order)])
  const released = giveMoneyBack(saga, order).catch((error: unknown) => {
    saga.log.warn(`order ${order.id}: its money could not be released yet, will be tried again`, error)
    return null
  })
  const money = await Promise.race([released, sleep(saga.timings.cancelWithinMs, null, { ref: false })])
  const { order: after } = await saga.turn(order.id, (known) => (known?.phase === 'cancelling' ? cancelled(known, money) : null))
  return { order: after, status: after?.phase === 'cancelling' ? 202 : 200, refusal: null }
}

/** Refunds that are under way end first, so that what is left is known; null while something is not settled. */
async function giveMoneyBack(saga: Saga, order: OrderState): Promise<Released | null> {
  const settled = await runRefunds(saga, order)
  return settled.refunds.some((r) => r.status === 'pending') ? null : letGo(saga, settled)
}

function cancelled(known: OrderState, money: Released | null): Change {
  const { reason, from, operationId } = known.cancel!
  const isFirst = known.status !== 'cancelled'
  const wasConfirmed = known.status === 'confirmed' ? 'yes' : 'no'
  const order: OrderState = {
    ...withMoney(isFirst ? become(known, 'cancelled', 'cancelling', now(), reason) : known, money),
    phase: money === null ? 'cancelling' : 'done',
    confirmation: null,
    cancel: { reason, from, operationId: null },
    subOrders: known.subOrders.map((s) => ({ ...s, status: 'cancelled', shipments: [] })) // parcels that were held back never leave
  }
  return {
    order,
    events: isFirst ? [{ topic: 'order_cancelled', aggregate: `order/${order.id}`, body: { order: orderBody(order), reason, wasConfirmed } }] : [],
    ...completing(operationId, money === null ? 202 : 200, orderView(order))
  }
}

/** The order with what became of its money: nothing was taken (`voided`, for the buyer whatever came before), or all of it is back. */
function withMoney(order: OrderState, money: Released | null): OrderState {
  if (money === null || isFree(order)) return order
  if (money !== 'refunded') return { ...order, payment: { ...order.payment, status: 'voided' } }
  const sellers = partsLeft(order).filter((p) => p.amount > 0)
  const rest: Refund = { id: cancelRefundId(order), amount: sellers.reduce((n, p) => n + p.amount, 0), reason: 'The order was cancelled.', status: 'succeeded', at: now(), sellers, operationId: null }
  const refunds = rest.amount > 0 && !order.refunds.some((r) => r.id === rest.id) ? [...order.refunds, rest] : order.refunds
  return { ...order, refunds, payment: paymentAfterRefunds({ ...order, refunds }) }
}

/** A parcel has left: the order goes on where it was. */
async function goOn(saga: Saga, order: OrderState): Promise<CancelOutcome> {
  const refusal = notNow('A parcel of this order has left, so it cannot be cancelled. Return it when it arrives.')
  const { order: after } = await saga.turn(order.id, (known) => {
    if (known?.phase !== 'cancelling' || !known.cancel || known.status === 'cancelled') return null
    const { from, operationId } = known.cancel
    return { order: { ...known, phase: from, cancel: null }, ...completingWith(operationId, refusal) }
  })
  return { order: after, status: 200, refusal }
}
