import { money, type Money } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { Infer } from '../../mixins/primitives/schema.ts'
import { stateMachine } from '../../mixins/primitives/state-machine.ts'
import type { ORDER_STATUSES, orderRule, PAYMENT_STATUSES, SHIPPING_METHODS, SUB_ORDER_STATUSES } from './order.contract.ts'

export type OrderStatus = (typeof ORDER_STATUSES)[number]
export type SubOrderStatus = (typeof SUB_ORDER_STATUSES)[number]
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]
export type OrderView = Infer<typeof orderRule>
type ShipmentView = OrderView['subOrders'][number]['shipments'][number]

export const orderStatus = stateMachine<OrderStatus>('order', ['payment_pending'], {
  payment_pending: ['confirmed', 'payment_failed', 'cancelled'],
  payment_failed: ['payment_pending', 'confirmed', 'cancelled'],
  confirmed: ['shipped', 'cancelled', 'refunded'],
  shipped: ['delivered', 'refunded'],
  delivered: ['refunded'],
  cancelled: [],
  refunded: []
})

const subOrderStatus = stateMachine<SubOrderStatus>('sub-order', ['confirmed'], {
  confirmed: ['packed', 'shipped', 'delivered', 'cancelled', 'returned'],
  packed: ['shipped', 'delivered', 'cancelled', 'returned'],
  shipped: ['delivered', 'returned'],
  delivered: ['returned'],
  cancelled: [],
  returned: []
})

/**
 * What the saga has to do next; the status is what people see of it.
 * placing: reserve, hold, authorise, then answer the buyer · pending: answered 202, the payment is not settled · paid: capture and ship ·
 * failed: may be paid again · cancelling: give money and stock back · done: nothing.
 */
export type Phase = 'placing' | 'pending' | 'paid' | 'failed' | 'cancelling' | 'done'

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

export interface Refund {
  id: string
  amount: number
  reason: string
  status: 'pending' | 'succeeded'
  at: string
  /** Whose part it comes from, in minor units; in proportion to what each has left unless told. */
  sellers?: { sellerId: string; amount: number }[]
  /** The Idempotency-Key record that waits for its outcome. */
  operationId: string | null
}

interface Return {
  id: string
  at: string
  reason: string
  lines: { offerId: string; quantity: number }[]
  refundId: string
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
  /** The proof of identity, until it is spent or freed. */
  confirmation: string | null
  /** The Idempotency-Key record that the placing or paying claimed, until its answer is recorded. */
  operationId: string | null
  payment: { status: PaymentStatus | null; captured: number; refunded: number }
  refunds: Refund[]
  returns: Return[]
  cancelReason: string | null
  timeline: { at: string; status: string; note?: string }[]
}

/** Holder of proofs, reservations and payments of this attempt. */
export const paymentIdOf = (order: Pick<OrderState, 'id' | 'attempt'>): string => `${order.id}.${order.attempt}`

/** The order in `status`, with the step on its timeline; throws `invalid-transition`. */
export function become(order: OrderState, status: OrderStatus, phase: Phase, at: string, note?: string): OrderState {
  if (order.status !== status) orderStatus.go(order.status, status)
  return { ...order, status, phase, timeline: [...order.timeline, { at, status, ...(note ? { note } : {}) }] }
}

/** Whether the buyer may still cancel. */
export const cancellable = (order: OrderState): boolean => ['payment_pending', 'payment_failed', 'confirmed'].includes(order.status) && order.phase !== 'cancelling'

/** A parcel's news in the order: null when it is old. The order follows its parcels: shipped with the first, delivered with the last. */
export function shipmentMoved(order: OrderState, subOrderId: string, shipment: ShipmentView & { number: number }, at: string): OrderState | null {
  const sub = order.subOrders.find((s) => s.id === subOrderId)
  const known = sub?.shipments.find((s) => s.id === shipment.id)
  if (!sub || (known && known.number >= shipment.number)) return null
  const next = { ...sub, shipments: [...sub.shipments.filter((s) => s.id !== shipment.id), shipment] }
  const status = subOrderStatusFor(shipment.status)
  if (status !== next.status && subOrderStatus.can(next.status, status)) next.status = status
  const moved = { ...order, subOrders: order.subOrders.map((s) => (s === sub ? next : s)) }
  return followParcels(moved, at)
}

function subOrderStatusFor(status: ShipmentView['status']): SubOrderStatus {
  if (status === 'created') return 'packed'
  if (status === 'delivered' || status === 'returned') return status
  return 'shipped'
}

function followParcels(order: OrderState, at: string): OrderState {
  const open = order.subOrders.filter((s) => s.status !== 'cancelled')
  const moved = open.some((s) => s.status === 'shipped' || s.status === 'delivered' || s.status === 'returned')
  let next = order
  if (moved && next.status === 'confirmed') next = become(next, 'shipped', next.phase, at)
  if (next.status === 'shipped' && open.every((s) => s.status === 'delivered' || s.status === 'returned')) next = become(next, 'delivered', next.phase, at)
  return next
}

/** What `quantity` of a line cost: its share of price, discount and tax, in minor units; a line's shares over all its units add up to the line. */
export function lineShare(line: OrderLine, from: number, quantity: number): number {
  const whole = line.unitPrice * line.quantity - line.discount + line.tax
  const upTo = (n: number): number => Math.floor((whole * n) / line.quantity)
  return upTo(from + quantity) - upTo(from)
}

const returnedOf = (order: OrderState, offerId: string): number =>
  order.returns.reduce((n, r) => n + r.lines.filter((l) => l.offerId === offerId).reduce((m, l) => m + l.quantity, 0), 0)

/** Value of lines that go back: in all, and of each seller's part. */
export interface LinesValue {
  amount: number
  sellers: { sellerId: string; amount: number }[]
}

/**
 * What lines that go back are worth. Throws `validation-failed` for a line that the order (or this seller's part of it) does not
 * hold, or for more than was bought and not yet returned.
 */
export function valueOfLines(order: OrderState, lines: readonly { offerId: string; quantity: number }[], sellerId: string | null): LinesValue {
  const wanted = new Map<string, number>()
  for (const l of lines) wanted.set(l.offerId, (wanted.get(l.offerId) ?? 0) + l.quantity)
  const bySeller = new Map<string, number>()
  for (const [offerId, quantity] of wanted) {
    const sub = order.subOrders.find((s) => (sellerId === null || s.sellerId === sellerId) && s.lines.some((l) => l.offerId === offerId))
    const line = sub?.lines.find((l) => l.offerId === offerId)
    const before = returnedOf(order, offerId)
    if (!sub || !line || before + quantity > line.quantity) throw tooMany(offerId, line ? line.quantity - before : 0)
    bySeller.set(sub.sellerId, (bySeller.get(sub.sellerId) ?? 0) + lineShare(line, before, quantity))
  }
  const sellers = [...bySeller].map(([id, amount]) => ({ sellerId: id, amount }))
  return { amount: sellers.reduce((n, s) => n + s.amount, 0), sellers }
}

const tooMany = (offerId: string, left: number): Error =>
  problem('validation-failed', `Of offer ${offerId} at most ${left} can go back.`, { errors: [{ field: 'lines', code: 'quantity', message: `at most ${left} of ${offerId}` }] })

/** Money that may still go back: what was captured less all refunds, done or under way. */
export const refundable = (order: OrderState): number => order.payment.captured - order.refunds.reduce((n, r) => n + r.amount, 0)

/** A new pending refund; throws `invalid-transition` when more would go back than was captured. */
export function withRefund(order: OrderState, refund: Refund): OrderState {
  if (refund.amount <= 0 || refund.amount > refundable(order)) {
    throw problem('invalid-transition', `At most ${refundable(order)} ${order.currency} (minor units) of this order can be refunded now.`, { refundable: refundable(order) })
  }
  return { ...order, refunds: [...order.refunds, refund] }
}

/** The pending refund has succeeded: the payment shows it, and an order whose money is all back is `refunded`. */
export function refundDone(order: OrderState, refundId: string, at: string): OrderState {
  const refund = order.refunds.find((r) => r.id === refundId)
  if (!refund || refund.status === 'succeeded') return order
  const refunded = order.payment.refunded + refund.amount
  const all = refunded >= order.payment.captured
  const next: OrderState = {
    ...order,
    refunds: order.refunds.map((r) => (r === refund ? { ...r, status: 'succeeded' } : r)),
    payment: { ...order.payment, refunded, status: all ? 'refunded' : 'partially_refunded' }
  }
  return all && orderStatus.can(next.status, 'refunded') ? become(next, 'refunded', next.phase, at, refund.reason) : next
}

/** A return of delivered lines, with its refund; a sub-order whose lines all went back is `returned`. */
export function withReturn(order: OrderState, id: string, lines: Return['lines'], reason: string, at: string, operationId: string | null): OrderState {
  for (const { offerId } of lines) {
    const sub = order.subOrders.find((s) => s.lines.some((l) => l.offerId === offerId))
    if (sub && sub.status !== 'delivered') throw problem('invalid-transition', `Sub-order ${sub.id} is ${sub.status}: only what was delivered can be returned.`)
  }
  const refundId = `${id}.refund`
  const { amount, sellers } = valueOfLines(order, lines, null)
  const next = withRefund(order, { id: refundId, amount, reason: `Return: ${reason}`, status: 'pending', at, operationId, sellers: sellers.filter((s) => s.amount > 0) })
  const returns = [...next.returns, { id, at, reason, lines, refundId }]
  const whole = (s: SubOrder): boolean => s.lines.every((l) => returnedOf({ ...next, returns }, l.offerId) >= l.quantity)
  return { ...next, returns, subOrders: next.subOrders.map((s) => (s.status === 'delivered' && whole(s) ? { ...s, status: subOrderStatus.go(s.status, 'returned') } : s)) }
}

/** What each seller's part contributes to the payment, which splits it into seller, fee and held. */
export const splitsOf = (order: OrderState): { sellerId: string; subtotal: Money; discount: Money; shipping: Money; tax: Money; total: Money }[] =>
  order.subOrders.map((s) => ({ sellerId: s.sellerId, ...moneyTotals(s.totals, order.currency) }))

export function moneyTotals(t: Totals, currency: string): { subtotal: Money; discount: Money; shipping: Money; tax: Money; total: Money } {
  return {
    subtotal: money(t.subtotal, currency),
    discount: money(t.discount, currency),
    shipping: money(t.shipping, currency),
    tax: money(t.tax, currency),
    total: money(t.total, currency)
  }
}

/** Lines of one seller's part that leave or return to its warehouse. */
export const stockLines = (sub: SubOrder): { offerId: string; quantity: number }[] => sub.lines.map(({ offerId, quantity }) => ({ offerId, quantity }))

/** The order as its buyer sees it. */
export function orderView(order: OrderState): OrderView {
  const at = (amount: number): Money => money(amount, order.currency)
  return {
    id: order.id,
    status: order.status,
    placedAt: order.placedAt,
    currency: order.currency,
    shippingAddress: order.shippingAddress,
    shippingMethod: order.shippingMethod,
    subOrders: order.subOrders.map((s) => ({
      id: s.id,
      sellerId: s.sellerId,
      sellerName: s.sellerName,
      status: s.status,
      lines: s.lines.map((l) => ({ offerId: l.offerId, productId: l.productId, title: l.title, quantity: l.quantity, unitPrice: at(l.unitPrice), lineTotal: at(l.unitPrice * l.quantity) })),
      totals: moneyTotals(s.totals, order.currency),
      shipments: s.shipments.map(({ number: _number, ...shown }) => shown)
    })),
    totals: moneyTotals(order.totals, order.currency),
    payment: { status: order.payment.status, captured: at(order.payment.captured), refunded: at(order.payment.refunded) },
    returns: order.returns.map((r) => {
      const refund = order.refunds.find((f) => f.id === r.refundId)
      return { id: r.id, at: r.at, reason: r.reason, status: refund?.status === 'succeeded' ? ('refunded' as const) : ('requested' as const), lines: r.lines, refund: at(refund?.amount ?? 0) }
    }),
    timeline: order.timeline
  }
}
