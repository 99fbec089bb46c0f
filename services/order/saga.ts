import type { Service } from 'moleculer'
import type { Decide, Reminder, TurnResult } from '../../mixins/actor/types.ts'
import type { Json } from '../../mixins/primitives/json.ts'
import { problemType, type ProblemData, type ProblemType } from '../../mixins/primitives/problem.ts'
import type { StoredRefusal } from '../../mixins/idempotency/idempotency.ts'
import type { CallSource } from '../../mixins/runtime/calls.ts'
import type { NewEvent } from '../../mixins/outbox/outbox.ts'
import { moneyTotals, withRefund, type OrderState } from './order.ts'
import type { OrderStore } from './order.store.ts'

/** What the steps of an order's saga work with. */
export interface Saga {
  /** Where calls to other services start: the request's context, or the broker in the background. */
  readonly source: CallSource
  readonly store: OrderStore
  readonly log: Service['logger']
  /** One turn of the order's actor. `claim`: it records the request's Idempotency-Key; every other turn leaves it alone. */
  turn<A>(orderId: string, decide: Decide<OrderState, A>, claim?: 'claim'): Promise<A>
}

/** An expected "no" on the way to an order. `stored`: the answer is final for its Idempotency-Key; otherwise the key stays free. */
export interface Refusal {
  type: ProblemType
  status: number
  detail: string
  data: ProblemData
  stored: boolean
}

/** Seconds until the sweep takes a saga up again in case nobody does before; a phase without one waits for people. */
const RESUME_SECONDS: Record<OrderState['phase'], number | null> = { placing: 15, pending: 5, paid: 15, cancelling: 10, failed: 24 * 3600, done: null }

/** The alarm that belongs to a state: every turn sets it, so no crash leaves an order without one. */
function reminderOf(order: OrderState): Reminder {
  const seconds = RESUME_SECONDS[order.phase] ?? (order.refunds.some((r) => r.status === 'pending') ? 15 : null)
  return { name: 'advance', at: seconds === null ? null : new Date(Date.now() + seconds * 1_000).toISOString() }
}

/** A turn's result for the order as it is to be. */
export function next<A>(order: OrderState, answer: A, more: Omit<TurnResult<OrderState, A>, 'state' | 'answer' | 'reminders'> = {}): TurnResult<OrderState, A> {
  return { state: order, answer, reminders: [reminderOf(order)], ...more }
}

/** Records the final answer of the request that claimed its Idempotency-Key, as `status`. */
export const completing = (operationId: string | null, status: number, answer: unknown): Pick<TurnResult<OrderState, unknown>, 'completes'> =>
  operationId === null ? {} : { completes: { operationId, status, answer: answer as Json } }

/** A refusal as the record of an Idempotency-Key keeps it. */
export const refusalAnswer = ({ type, detail, data }: Refusal): StoredRefusal => ({ problem: { type, detail, data } })

/** Reads a refusal out of an error that another service answered with; null for a fault, which is not an answer. */
export function refusalOf(error: unknown, stored: boolean): Refusal | null {
  const type = problemType(error)
  const { code, message, data } = error as { code: number; message: string; data?: ProblemData }
  if (type === null || code >= 500 || code === 429) return null
  return { type, status: code, detail: message, data: data ?? {}, stored }
}

/** An event of the order, with all that its followers need. */
export function orderEvent(order: OrderState): NewEvent & { topic: 'order_created' } {
  return { topic: 'order_created', aggregate: `order/${order.id}`, body: orderBody(order) }
}

export function orderBody(order: OrderState): (NewEvent & { topic: 'order_created' })['body'] {
  const { currency } = order
  return {
    orderId: order.id,
    buyerId: order.buyerId,
    placedAt: order.placedAt,
    status: order.status,
    totals: moneyTotals(order.totals, currency),
    couponCode: order.coupon,
    subOrders: order.subOrders.map((s) => ({
      id: s.id,
      sellerId: s.sellerId,
      totals: moneyTotals(s.totals, currency),
      lines: s.lines.map((l) => ({
        offerId: l.offerId,
        productId: l.productId,
        category: l.category,
        title: l.title,
        quantity: l.quantity,
        unitPrice: { amount: l.unitPrice, currency },
        lineTotal: { amount: l.unitPrice * l.quantity, currency }
      }))
    }))
  }
}

export const now = (): string => new Date().toISOString()

/** The turn of a parcel's news: its followers hear of it, and the money of a lost parcel goes back. Answers whether there is a refund to run. */
export function parcelTurn(before: OrderState, moved: OrderState, subOrderId: string, parcel: string): TurnResult<OrderState, boolean> {
  const sub = moved.subOrders.find((s) => s.id === subOrderId)!
  const changed = sub.status !== before.subOrders.find((s) => s.id === subOrderId)!.status
  const aggregate = `order/${moved.id}`
  const body = { orderId: moved.id, buyerId: moved.buyerId, subOrderId, sellerId: sub.sellerId, status: sub.status }
  const delivered = moved.status === 'delivered' && before.status !== 'delivered'
  const lost = parcel === 'lost' && sub.status === 'shipped' && sub.totals.total > 0
  const refund = { id: `${subOrderId}.lost`, amount: sub.totals.total, reason: 'The parcel was lost.', status: 'pending' as const, at: now(), sellers: [{ sellerId: sub.sellerId, amount: sub.totals.total }], operationId: null }
  return next(lost ? withRefund(moved, refund) : moved, lost, {
    events: [...(changed ? [{ topic: 'sub_order_changed' as const, aggregate, body }] : []), ...(delivered ? [{ topic: 'order_delivered' as const, aggregate, body: orderBody(moved) }] : [])]
  })
}
