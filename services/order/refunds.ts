import { money } from '../../mixins/primitives/money.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import type { Infer } from '../../mixins/primitives/schema.ts'
import { partsLeft, proportional, refundable, refundEnded, tooMuch, valueOfLines, withRefund, withReturn } from './money-back.ts'
import { isAccepted, type OrderState, type Refund, type SellerAmount } from './order.ts'
import type { orderActions } from './order.contract.ts'
import { orderView } from './order-view.ts'
import { completing, completingWith, notNow, now, subOrderEvents, type Change, type Saga } from './saga.ts'
import { refund as refundPayment } from './steps/payment.ts'
import { restock } from './steps/stock.ts'

export type RefundView = Infer<(typeof orderActions)['order.worker.refund']['returns']>

export interface RefundRequest {
  orderId: string
  /** Null: an administrator. */
  sellerId: string | null
  amount?: { amount: number; currency: string } | undefined
  lines?: { offerId: string; quantity: number }[] | undefined
  reason: string
}

/** The refund as its requester sees it. */
export const refundView = (order: OrderState, { id, amount, reason, status, at }: Refund): RefundView => ({ id, orderId: order.id, amount: money(amount, order.currency), reason, status, at })

/** Out of whose parts a refund comes: the value of lines, a bare amount, or without either all that is left; a seller's out of his own alone. */
function sellersOf(order: OrderState, { sellerId, amount, lines }: RefundRequest): SellerAmount[] {
  if (amount && lines) throw invalidField('amount', 'exclusive', 'give either an amount or lines')
  if (amount && amount.currency !== order.currency) throw invalidField('amount.currency', 'currency', `the order is in ${order.currency}`)
  if (lines) return valueOfLines(order, lines, sellerId)
  if (sellerId === null) {
    if (amount && amount.amount > refundable(order)) throw tooMuch(order, refundable(order))
    return amount ? proportional(order, amount.amount) : partsLeft(order)
  }
  const own = partsLeft(order).filter((p) => p.sellerId === sellerId)
  return amount ? [{ sellerId, amount: amount.amount }] : own
}

/** Commits the refund before any money moves. `not-found` for a seller who has no part in the order. */
export const startRefund = (saga: Saga, refundId: string, request: RefundRequest, operationId: string | null): ReturnType<Saga['claim']> =>
  saga.claim(request.orderId, refundId, (known) => {
    if (!known || !isAccepted(known) || (request.sellerId !== null && !known.subOrders.some((s) => s.sellerId === request.sellerId))) throw problem('not-found', 'There is no such order.')
    return { order: withRefund(known, { id: refundId, sellers: sellersOf(known, request), reason: request.reason, at: now(), operationId }) }
  })

/** Commits a return of delivered lines with its refund. */
export const startReturn = (
  saga: Saga,
  returnId: string,
  { orderId, buyerId, lines, reason }: { orderId: string; buyerId: string; lines: { offerId: string; quantity: number }[]; reason: string },
  operationId: string | null
): ReturnType<Saga['claim']> =>
  saga.claim(orderId, returnId, (known) => {
    if (!known || known.buyerId !== buyerId || !isAccepted(known)) throw problem('not-found', 'There is no such order.')
    const order = withReturn(known, returnId, lines, reason, now(), operationId)
    return { order, events: subOrderEvents(known, order) }
  })

/** Moves the money of every pending refund and puts returned goods back; answers the order as it is then. */
export async function runRefunds(saga: Saga, order: OrderState): Promise<OrderState> {
  let current = order
  for (const pending of order.refunds.filter((r) => r.status === 'pending')) {
    const returned = order.returns.find((r) => r.refundId === pending.id)
    if (returned) await restock(saga, order, returned)
    const outcome = await refundPayment(saga, order, pending)
    current = (await saga.turn(order.id, (known) => settleRefund(known, pending.id, outcome))).order ?? current
  }
  return current
}

/**
 * Records the outcome, and the answer of whoever waits for it: a refund that the provider has not answered yet is shown as pending.
 * A return stands whatever its money does.
 */
function settleRefund(known: OrderState | null, refundId: string, outcome: 'succeeded' | 'declined' | null): Change | null {
  const before = known?.refunds.find((r) => r.id === refundId)
  if (!known || before?.status !== 'pending' || (outcome === null && before.operationId === null)) return null
  const ended = outcome === null ? known : refundEnded(known, refundId, outcome, now())
  const order: OrderState = { ...ended, refunds: ended.refunds.map((r) => (r.id === refundId ? { ...r, operationId: null } : r)) }
  const refund = order.refunds.find((r) => r.id === refundId)!
  const isReturn = order.returns.some((r) => r.refundId === refundId)
  const refusal = outcome === 'declined' && !isReturn ? notNow('The payment provider refuses this refund.') : null
  const answer = refusal ? completingWith(before.operationId, refusal) : completing(before.operationId, 201, isReturn ? orderView(order) : refundView(order, refund))
  const event = { topic: 'order_refunded' as const, aggregate: `order/${order.id}`, body: { orderId: order.id, buyerId: order.buyerId, refundId, amount: money(refund.amount, order.currency), reason: refund.reason } }
  return { order, ...answer, events: outcome === 'succeeded' && refund.amount > 0 ? [event] : [] }
}
