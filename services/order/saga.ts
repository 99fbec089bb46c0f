import type { Service } from 'moleculer'
import type { Reminder, TurnResult, TurnWrite } from '../../mixins/actor/types.ts'
import type { StoredRefusal } from '../../mixins/idempotency/idempotency.ts'
import type { NewEvent } from '../../mixins/outbox/outbox.ts'
import type { Json } from '../../mixins/primitives/json.ts'
import { problem, problemType, type ProblemData } from '../../mixins/primitives/problem.ts'
import { call, type ActionName, type CallSource } from '../../mixins/runtime/calls.ts'
import { lastStepAt, type OrderState, type Phase, type Refusal } from './order.ts'
import type { OrderStore } from './order.store.ts'
import { moneyTotals } from './order-view.ts'

/** Milliseconds of a saga; the service's settings, so that tests need not wait as long as people do. */
export interface Timings {
  /** From the first commit until the buyer is answered 202 if the payment is not settled. */
  answerWithinMs: number
  /** How long a cancel waits for the money's release before it answers 202. */
  cancelWithinMs: number
  /** How long one step waits for its neighbour: then it is tried again. */
  stepWithinMs: number
  /** An order that could not be placed within it is refused: nobody waits for it any more, nor expects to be charged. */
  placeWithinMs: number
  /** After it a payment that nobody can settle is given up: within the minute that the buyer was promised. */
  giveUpAfterMs: number
  /** How long an unpaid order may be paid again. */
  payAgainWithinMs: number
  /** Until the order's alarm takes a saga up again in case nobody does before, by phase. */
  resumeAfterMs: Record<Exclude<Phase, 'failed' | 'done'> | 'refund', number>
}

export const TIMINGS: Timings = {
  answerWithinMs: 2_000,
  cancelWithinMs: 2_000,
  stepWithinMs: 5_000,
  placeWithinMs: 60_000,
  giveUpAfterMs: 40_000,
  payAgainWithinMs: 24 * 3_600_000,
  resumeAfterMs: { placing: 8_000, refusing: 5_000, pending: 5_000, abandoning: 5_000, paid: 5_000, cancelling: 5_000, refund: 15_000 }
}

/** What a turn makes of an order. */
export interface Change {
  /** Null: the order was refused and is no more. */
  order: OrderState | null
  events?: readonly NewEvent[]
  writes?: readonly TurnWrite[]
  completes?: TurnResult<OrderState, unknown>['completes']
}

/** The order after a turn, whoever changed it. */
export interface Turned {
  order: OrderState | null
  /** Whether it was this turn: false when `decide` left the order as it was. */
  changed: boolean
}

/** What the steps of an order's saga work with, for the length of one call. */
export interface Saga {
  /** Where calls to other services start. */
  readonly source: CallSource
  readonly store: OrderStore
  readonly log: Service['logger']
  readonly timings: Timings
  /** One turn of the order's actor; it sets the order's alarm. `decide` answers null to leave the order as it is: nothing is written then. */
  turn(orderId: string, decide: (known: OrderState | null) => Change | null): Promise<Turned>
  /**
   * The first turn of a request: claims its Idempotency-Key in the same commit, so that a repetition is answered "still running"
   * until a later turn completes the record. `claimId` tells a request from another with the same key: a repetition by the runtime
   * goes on where the first run stopped. `version` 0: the order is new. `answer`: the request was answered before, this is the first answer again.
   */
  claim(orderId: string, claimId: string, decide: (known: OrderState | null, version: number) => Change & { order: OrderState }): Promise<{ order: OrderState } | { answer: unknown }>
}

/** Calls a neighbour for a step of the saga, for as long as a step may take. */
export const ask = <N extends ActionName>({ source, timings }: Saga, name: N, params: Parameters<typeof call<N>>[2]): ReturnType<typeof call<N>> =>
  call(source, name, params, { timeout: timings.stepWithinMs })

/** The alarm that belongs to a state: every turn sets it, so no crash leaves an order without one. Null: the order waits for nobody. */
export function alarmOf(order: OrderState, { resumeAfterMs, payAgainWithinMs }: Timings): string | null {
  const at = (ms: number): string => new Date(ms).toISOString()
  if (order.phase === 'failed') return at(Math.max(lastStepAt(order) + payAgainWithinMs, Date.now() + 1_000))
  if (order.phase !== 'done') return at(Date.now() + resumeAfterMs[order.phase])
  return order.refunds.some((r) => r.status === 'pending') ? at(Date.now() + resumeAfterMs.refund) : null
}

export const ALARM = 'advance'

/** A change as the actor takes it. */
export function turnOf<A>({ order, events, writes, completes }: Change, answer: A, timings: Timings): TurnResult<OrderState, A> {
  const reminders: Reminder[] = [{ name: ALARM, at: order && alarmOf(order, timings) }]
  return { state: order, answer, reminders, ...(events ? { events } : {}), ...(writes ? { writes } : {}), ...(completes ? { completes } : {}) }
}

/** Records the final answer of the request that claimed its Idempotency-Key, as `status`. */
export const completing = (operationId: string | null, status: number, answer: unknown): Pick<Change, 'completes'> =>
  operationId === null ? {} : { completes: { operationId, status, answer: answer as Json } }

/** A refusal as the record of an Idempotency-Key keeps it. */
const refusalAnswer = ({ type, detail, data }: Refusal): StoredRefusal => ({ problem: { type, detail, data } })

/** Records a refusal as the final answer. */
export const completingWith = (operationId: string | null, refusal: Refusal): Pick<Change, 'completes'> => completing(operationId, refusal.status, refusalAnswer(refusal))

/** A refusal as the error that its request is answered with. */
export const problemOf = ({ type, detail, data }: Refusal): Error => problem(type, detail, data)

/** A refusal that is final for its Idempotency-Key, by a state that does not allow what was asked. */
export const notNow = (detail: string, data: ProblemData = {}): Refusal => ({ type: 'invalid-transition', status: 409, detail, data, stored: true })

/** Reads a refusal out of an error that another service answered with; null for a fault, which is not an answer. */
export function refusalOf(error: unknown, stored: boolean): Refusal | null {
  const type = problemType(error)
  const { code, message, data } = error as { code: number; message: string; data?: ProblemData }
  if (type === null || code >= 500 || code === 429) return null
  return { type, status: code, detail: message, data: data ?? {}, stored }
}

/** What followers of an order are told of it. */
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

/** An event that tells the order as it is. */
export const orderEvent = <T extends 'order_created' | 'order_confirmed' | 'order_payment_failed' | 'order_delivered'>(topic: T, order: OrderState): NewEvent =>
  ({ topic, aggregate: `order/${order.id}`, body: orderBody(order) }) as NewEvent

/** Sub-orders whose status is another than before: sellers' lists follow them. */
export const subOrderEvents = (before: OrderState, after: OrderState): NewEvent[] =>
  after.subOrders
    .filter((s, i) => s.status !== before.subOrders[i]!.status)
    .map((s) => ({ topic: 'sub_order_changed', aggregate: `order/${after.id}`, body: { orderId: after.id, buyerId: after.buyerId, subOrderId: s.id, sellerId: s.sellerId, status: s.status } }))

/** What an order's followers hear after a parcel's news. */
export const parcelEvents = (before: OrderState, after: OrderState): NewEvent[] => [
  ...subOrderEvents(before, after),
  ...(after.status === 'delivered' && before.status !== 'delivered' ? [orderEvent('order_delivered', after)] : [])
]

export const now = (): string => new Date().toISOString()
