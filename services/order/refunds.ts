import { newId } from '../../mixins/primitives/ids.ts'
import { money } from '../../mixins/primitives/money.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import type { Infer } from '../../mixins/primitives/schema.ts'
import type { orderActions } from './order.contract.ts'
import { orderView, refundable, refundDone, valueOfLines, withRefund, withReturn, type OrderState, type Refund } from './order.ts'
import { completing, next, now, type Saga } from './saga.ts'
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

const refundView = (order: OrderState, r: Refund): RefundView => ({ id: r.id, orderId: order.id, amount: money(r.amount, order.currency), reason: r.reason, status: r.status, at: r.at })

/** The amount and whose part it is: of lines, or a bare amount (a seller's own part, or the order's). Without either, all that is left. */
function refundOf(order: OrderState, { sellerId, amount, lines }: RefundRequest): Pick<Refund, 'amount' | 'sellers'> {
  if (amount && lines) throw invalidField('amount', 'exclusive', 'give either an amount or lines')
  if (amount && amount.currency !== order.currency) throw invalidField('amount.currency', 'currency', `the order is in ${order.currency}`)
  if (lines) return valueOfLines(order, lines, sellerId)
  if (sellerId === null) return { amount: amount?.amount ?? refundable(order) }
  const part = order.subOrders.find((s) => s.sellerId === sellerId)!.totals.total
  const before = order.refunds.reduce((n, r) => n + (r.sellers ?? []).filter((s) => s.sellerId === sellerId).reduce((m, s) => m + s.amount, 0), 0)
  const wanted = amount?.amount ?? part - before
  if (wanted > part - before) throw problem('invalid-transition', `At most ${part - before} ${order.currency} (minor units) of your part can be refunded now.`, { refundable: part - before })
  return { amount: wanted, sellers: [{ sellerId, amount: wanted }] }
}

/** Commits the refund before any money moves. `not-found` for a seller who has no part in the order. */
export const startRefund = (saga: Saga, request: RefundRequest, operationId: string | null): Promise<{ order: OrderState; refundId: string }> => {
  const refundId = newId()
  return saga.turn(
    request.orderId,
    (known) => {
      if (!known || known.phase === 'placing' || (request.sellerId !== null && !known.subOrders.some((s) => s.sellerId === request.sellerId))) throw problem('not-found', 'There is no such order.')
      const refund: Refund = { id: refundId, ...refundOf(known, request), reason: request.reason, status: 'pending', at: now(), operationId }
      const order = withRefund(known, refund)
      return next(order, { order, refundId }, { status: null })
    },
    'claim'
  )
}

/** Commits a return of delivered lines with its refund. */
export const startReturn = (saga: Saga, request: { orderId: string; buyerId: string; lines: { offerId: string; quantity: number }[]; reason: string }, operationId: string | null): Promise<{ order: OrderState; refundId: string }> => {
  const id = newId()
  return saga.turn(
    request.orderId,
    (known) => {
      if (!known || known.buyerId !== request.buyerId || known.phase === 'placing') throw problem('not-found', 'There is no such order.')
      const order = withReturn(known, id, request.lines, request.reason, now(), operationId)
      return next(order, { order, refundId: order.returns.at(-1)!.refundId }, { status: null })
    },
    'claim'
  )
}

/** Moves the money of every pending refund and puts returned goods back; answers the order as it is then. */
export async function runRefunds(saga: Saga, order: OrderState): Promise<OrderState> {
  let current = order
  for (const pending of order.refunds.filter((r) => r.status === 'pending')) {
    const returned = order.returns.find((r) => r.refundId === pending.id)
    if (returned) await restock(saga, order, returned)
    const succeeded = await refundPayment(saga, order, pending)
    current = (await saga.turn(order.id, (known) => settleRefund(known, pending.id, succeeded))) ?? current
  }
  return current
}

/** Records the outcome, and the answer of whoever waits for it: a refund that the provider has not answered yet is shown as pending. */
function settleRefund(known: OrderState | null, refundId: string, succeeded: boolean): ReturnType<typeof next<OrderState | null>> {
  const before = known?.refunds.find((r) => r.id === refundId)
  if (!known || before?.status !== 'pending') return { state: known, answer: known }
  const done = succeeded ? refundDone(known, refundId, now()) : known
  const order: OrderState = { ...done, refunds: done.refunds.map((r) => (r.id === refundId ? { ...r, operationId: null } : r)) }
  const refund = order.refunds.find((r) => r.id === refundId)!
  const answer = order.returns.some((r) => r.refundId === refundId) ? orderView(order) : refundView(order, refund)
  const event = { topic: 'order_refunded' as const, aggregate: `order/${order.id}`, body: { orderId: order.id, buyerId: order.buyerId, refundId, amount: money(refund.amount, order.currency), reason: refund.reason } }
  return next(order, order, { ...completing(before.operationId, 201, answer), events: succeeded ? [event] : [] })
}

/** The refund as its requester sees it. */
export function refundAnswer(order: OrderState, refundId: string): RefundView {
  return refundView(order, order.refunds.find((r) => r.id === refundId)!)
}
