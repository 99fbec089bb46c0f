import { prorate } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { become, isFree, orderStatus, subOrderStatus, type OrderLine, type OrderState, type Refund, type Return, type SellerAmount, type SubOrder } from './order.ts'

// What goes back to the buyer, and out of whose part. Amounts are minor units of the order's currency.

/** Refunds of one order at most: its row is bounded. */
const REFUNDS_MAX = 200

/** What `quantity` of a line cost: its share of price, discount and tax; a line's shares over all its units add up to the line. */
export function lineShare(line: OrderLine, from: number, quantity: number): number {
  const whole = line.unitPrice * line.quantity - line.discount + line.tax
  const upTo = (n: number): number => Math.floor((whole * n) / line.quantity)
  return upTo(from + quantity) - upTo(from)
}

/** Units of an offer that came back so far. */
export const returnedOf = (order: OrderState, offerId: string): number =>
  order.returns.reduce((n, r) => n + r.lines.filter((l) => l.offerId === offerId).reduce((m, l) => m + l.quantity, 0), 0)

const amountOf = (parts: readonly SellerAmount[]): number => parts.reduce((n, p) => n + p.amount, 0)

/** What is left of each seller's part: its total less all refunds out of it, done or under way. */
export function partsLeft(order: OrderState): SellerAmount[] {
  const taken = order.refunds.filter((r) => r.status !== 'declined').flatMap((r) => r.sellers)
  return order.subOrders.map((s) => ({ sellerId: s.sellerId, amount: s.totals.total - amountOf(taken.filter((t) => t.sellerId === s.sellerId)) }))
}

const leftOf = (order: OrderState, sellerId: string): number => partsLeft(order).find((p) => p.sellerId === sellerId)?.amount ?? 0

/** Money that may be given back now: nothing before it was captured, nor while a cancel gives back all of it. */
export const refundable = (order: OrderState): number => (order.payment.captured > 0 && order.phase !== 'cancelling' ? amountOf(partsLeft(order)) : 0)

/** So much out of what each part has left, in proportion. */
export function proportional(order: OrderState, amount: number): SellerAmount[] {
  const left = partsLeft(order)
  const shares = prorate(amount, left.map((p) => p.amount))
  return left.map((p, i) => ({ sellerId: p.sellerId, amount: shares[i]! })).filter((p) => p.amount > 0)
}

/**
 * What lines that go back are worth, by seller. Throws `validation-failed` for a line that the order (or this seller's part of it)
 * does not hold, or for more than was bought and not yet returned.
 */
export function valueOfLines(order: OrderState, lines: Return['lines'], sellerId: string | null): SellerAmount[] {
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
  return [...bySeller].map(([id, amount]) => ({ sellerId: id, amount }))
}

const tooMany = (offerId: string, left: number): Error =>
  problem('validation-failed', `Of offer ${offerId} at most ${left} can go back.`, { errors: [{ field: 'lines', code: 'quantity', message: `at most ${left} of ${offerId}` }] })

/** `invalid-transition`: more would go back than there is; `left` of it can. */
export const tooMuch = (order: OrderState, left: number): Error =>
  problem('invalid-transition', `At most ${left} ${order.currency} (minor units) can be refunded now.`, { refundable: left })

type NewRefund = Pick<Refund, 'id' | 'reason' | 'at' | 'sellers' | 'operationId'>

/** A refund that begins. What it takes must be there: see `withRefund`. */
function begun(order: OrderState, refund: NewRefund): OrderState {
  const sellers = refund.sellers.filter((s) => s.amount > 0)
  return { ...order, refunds: [...order.refunds, { ...refund, sellers, amount: amountOf(sellers), status: 'pending' }] }
}

function checkNumber(order: OrderState): void {
  if (order.refunds.length >= REFUNDS_MAX) throw problem('invalid-transition', `This order has ${REFUNDS_MAX} refunds: no more can be made.`)
}

/** A new pending refund; throws `invalid-transition` when a part has less left, or nothing was captured. */
export function withRefund(order: OrderState, refund: NewRefund): OrderState {
  checkNumber(order)
  const short = refund.sellers.find((s) => s.amount > leftOf(order, s.sellerId))
  if (refundable(order) === 0 || amountOf(refund.sellers) === 0) throw tooMuch(order, refundable(order))
  if (short) throw tooMuch(order, leftOf(order, short.sellerId))
  return begun(order, refund)
}

/** How the refund ended: the payment shows it, and an order whose money is all back is `refunded`. Itself when that was known. */
export function refundEnded(order: OrderState, refundId: string, status: 'succeeded' | 'declined', at: string): OrderState {
  const refund = order.refunds.find((r) => r.id === refundId)
  if (refund?.status !== 'pending') return order
  const known: OrderState = { ...order, refunds: order.refunds.map((r) => (r === refund ? { ...r, status } : r)) }
  if (status === 'declined') return known
  const next: OrderState = { ...known, payment: paymentAfterRefunds(known) }
  const isOver = isFree(next) ? next.subOrders.every((s) => s.status === 'returned') : next.payment.status === 'refunded'
  return isOver && orderStatus.can(next.status, 'refunded') ? become(next, 'refunded', next.phase, at, refund.reason) : next
}

/** The payment of an order that was captured, less what went back since. */
export function paymentAfterRefunds({ refunds, totals }: OrderState): OrderState['payment'] {
  const captured = totals.total
  const refunded = refunds.reduce((n, r) => n + (r.status === 'succeeded' ? r.amount : 0), 0)
  return { status: captured === 0 ? null : refunded === 0 ? 'captured' : refunded >= captured ? 'refunded' : 'partially_refunded', captured, refunded }
}

const isWhollyReturned = (order: OrderState, sub: SubOrder): boolean => sub.lines.every((l) => returnedOf(order, l.offerId) >= l.quantity)

/**
 * A return of delivered lines, with its refund. The money is the lines' share of what was paid, at most what is left of the part;
 * the return that completes a sub-order makes it `returned` and brings all that is left of its part, delivery included.
 */
export function withReturn(order: OrderState, id: string, lines: Return['lines'], reason: string, at: string, operationId: string | null): OrderState {
  for (const { offerId } of lines) {
    const sub = order.subOrders.find((s) => s.lines.some((l) => l.offerId === offerId))
    if (sub && sub.status !== 'delivered') throw problem('invalid-transition', `Sub-order ${sub.id} is ${sub.status}: only what was delivered can be returned.`)
  }
  if (order.payment.captured < order.totals.total) throw tooMuch(order, 0)
  checkNumber(order)
  const value = valueOfLines(order, lines, null)
  const back: OrderState = { ...order, returns: [...order.returns, { id, at, reason, lines, refundId: `${id}.refund` }] }
  const returned = back.subOrders.map((s) => (s.status === 'delivered' && isWhollyReturned(back, s) ? { ...s, status: subOrderStatus.go(s.status, 'returned') } : s))
  const sellers = value.map(({ sellerId, amount }) => {
    const left = leftOf(order, sellerId)
    const whole = returned.some((s) => s.sellerId === sellerId && s.status === 'returned')
    return { sellerId, amount: whole ? left : Math.min(amount, left) }
  })
  return begun({ ...back, subOrders: returned }, { id: `${id}.refund`, reason: `Return: ${reason}`, at, operationId, sellers })
}

/** A parcel never reached the buyer: all that is left of its part goes back. `lines`: what the carrier brought back to the warehouse. */
export function withoutParcel(order: OrderState, sub: SubOrder, reason: string, at: string, lines: Return['lines']): OrderState {
  const id = `${sub.id}.${lines.length > 0 ? 'undelivered' : 'lost'}`
  const refundId = lines.length > 0 ? `${id}.refund` : id
  if (order.refunds.some((r) => r.id === refundId)) return order
  const returns = lines.length > 0 ? [...order.returns, { id, at, reason, lines, refundId, undelivered: true }] : order.returns
  return begun({ ...order, returns }, { id: refundId, reason, at, operationId: null, sellers: [{ sellerId: sub.sellerId, amount: leftOf(order, sub.sellerId) }] })
}
