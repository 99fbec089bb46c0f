import type { Infer } from '../../mixins/primitives/schema.ts'
import type { ProblemData, ProblemType } from '../../mixins/primitives/problem.ts'
import { stateMachine } from '../../mixins/primitives/state-machine.ts'
import type { ORDER_STATUSES, orderRule, PAYMENT_STATUSES, SHIPPING_METHODS, SUB_ORDER_STATUSES } from './order.contract.ts'

export type OrderStatus = (typeof ORDER_STATUSES)[number]
export type SubOrderStatus = (typeof SUB_ORDER_STATUSES)[number]
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]
export type OrderView = Infer<typeof orderRule>
export type ShipmentView = OrderView['subOrders'][number]['shipments'][number]

export const orderStatus = stateMachine<OrderStatus>('order', ['payment_pending'], {
  payment_pending: ['confirmed', 'payment_failed', 'cancelled'],
  payment_failed: ['payment_pending', 'cancelled'],
  confirmed: ['shipped', 'cancelled', 'refunded'],
  shipped: ['delivered', 'refunded'],
  delivered: ['refunded'],
  cancelled: [],
  refunded: []
})

export const subOrderStatus = stateMachine<SubOrderStatus>('sub-order', ['confirmed'], {
  confirmed: ['packed', 'shipped', 'delivered', 'cancelled', 'returned'],
  packed: ['shipped', 'delivered', 'cancelled', 'returned'],
  shipped: ['delivered', 'returned'],
  delivered: ['returned'],
  cancelled: [],
  returned: []
})

/**
 * What the saga has to do next; the status is what people see of it. Every choice between two ways is a commit to one of them, so
 * that two runs of a saga (a request and the order's alarm, two owners for a moment) never go both.
 * placing: reserve, hold, authorise, then answer the buyer · refusing: undo all of that, then say no · pending: answered 202, the
 * payment is not settled · abandoning: make sure that it never happens · paid: capture and ship · failed: may be paid again ·
 * cancelling: give money and stock back · done: nothing, but for refunds.
 */
export type Phase = 'placing' | 'refusing' | 'pending' | 'abandoning' | 'paid' | 'failed' | 'cancelling' | 'done'

/** Amounts of an order or of one seller's part: minor units of the order's currency. */
export interface Totals {
  subtotal: number
  discount: number
  shipping: number
  tax: number
  total: number
}

export interface OrderLine {
  offerId: string
  productId: string
  category: string
  title: string
  quantity: number
  unitPrice: number
  discount: number
  tax: number
}

export interface SubOrder {
  id: string
  sellerId: string
  sellerName: string
  warehouseId: string
  handlingDays: number
  status: SubOrderStatus
  lines: OrderLine[]
  totals: Totals
  /** `number`: the last event of that shipment taken. */
  shipments: (ShipmentView & { number: number })[]
}

/** A part of a seller's share, in minor units. */
export interface SellerAmount {
  sellerId: string
  amount: number
}

export interface Refund {
  id: string
  /** Zero where goods came back whose money was back before: nothing moves then. */
  amount: number
  reason: string
  /** `declined`: the provider refuses it for good, so the money may be given back another way. */
  status: 'pending' | 'succeeded' | 'declined'
  at: string
  /** Whose parts it comes from; they add up to the amount. */
  sellers: SellerAmount[]
  /** The Idempotency-Key record that waits for its outcome. */
  operationId: string | null
}

export interface Return {
  id: string
  at: string
  reason: string
  lines: { offerId: string; quantity: number }[]
  refundId: string
  /** The carrier brought the parcel back: the buyer never had it. */
  undelivered?: boolean
}

/** An expected "no" on the way to an order. `stored`: the answer is final for its Idempotency-Key; otherwise the key stays free. */
export interface Refusal {
  type: ProblemType
  status: number
  detail: string
  data: ProblemData
  stored: boolean
}

/** The saga's state: one row of the actor store, in the buyer's shard. */
export interface OrderState {
  id: string
  buyerId: string
  sessionId: string
  status: OrderStatus
  phase: Phase
  placedAt: string
  currency: string
  shippingAddress: OrderView['shippingAddress']
  shippingMethod: (typeof SHIPPING_METHODS)[number]
  coupon: string | null
  subOrders: SubOrder[]
  totals: Totals
  /** Counts payments tried: reservations and payments carry it in their keys. */
  attempt: number
  paymentMethodId: string
  /** The proof of identity, while an attempt may still have to hold it. */
  confirmation: string | null
  /** The Idempotency-Key record that the placing or paying claimed, until its answer is recorded. */
  operationId: string | null
  /** Why the attempt is refused, from that decision until all of it is undone. */
  refusal: Refusal | null
  payment: { status: PaymentStatus | null; captured: number; refunded: number }
  refunds: Refund[]
  returns: Return[]
  /** A cancel that was decided: `from` is where the order goes on if a parcel has left, `operationId` the record that waits for the answer. */
  cancel: { reason: string; from: Phase; operationId: string | null } | null
  timeline: { at: string; status: string; note?: string }[]
}

/** Holder of proofs, reservations and payments of this attempt. */
export const paymentIdOf = (order: Pick<OrderState, 'id' | 'attempt'>): string => `${order.id}.${order.attempt}`

/** Nothing is to be paid: a coupon pays it all. Then there is no payment, and its status stays null. */
export const isFree = (order: Pick<OrderState, 'totals'>): boolean => order.totals.total === 0

/** Whether the buyer's order stands for others to see; one that is still being placed, or refused, is none yet. */
export const isAccepted = (order: OrderState): boolean => order.attempt > 1 || (order.phase !== 'placing' && order.phase !== 'refusing')

/** Whether `known` is still in this attempt and phase: what a run of the saga decides only then. */
export const isStill = (known: OrderState | null, phase: Phase, { attempt }: OrderState): known is OrderState => known?.phase === phase && known.attempt === attempt

/** The order in `status`, with the step on its timeline; throws `invalid-transition`. */
export function become(order: OrderState, status: OrderStatus, phase: Phase, at: string, note?: string): OrderState {
  if (order.status !== status) orderStatus.go(order.status, status)
  return { ...order, status, phase, timeline: [...order.timeline, { at, status, ...(note ? { note } : {}) }] }
}

/** When the order took its last step. */
export const lastStepAt = (order: OrderState): number => Date.parse(order.timeline.at(-1)?.at ?? order.placedAt)

/** Whether the buyer may still cancel. */
export const cancellable = (order: OrderState): boolean =>
  ['payment_pending', 'payment_failed', 'confirmed'].includes(order.status) && order.phase !== 'cancelling' && isAccepted(order)

/** Lines of one seller's part that leave or return to its warehouse. */
export const stockLines = (sub: SubOrder): { offerId: string; quantity: number }[] => sub.lines.map(({ offerId, quantity }) => ({ offerId, quantity }))
