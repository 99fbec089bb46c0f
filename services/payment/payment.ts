import type { Document } from '../../mixins/documents/port.ts'
import { withEvent, withoutEvents, type WithOutbox } from '../../mixins/outbox/embedded.ts'
import { DEFAULT_CURRENCY, money, type Money } from '../../mixins/primitives/money.ts'
import { stateMachine } from '../../mixins/primitives/state-machine.ts'
import { entriesOf, less, take, takeFrom, total, type LedgerEntry, type Part } from './ledger.ts'
import type { Book, PaymentStatus } from './payment.contract.ts'

// A payment's rules. What became of it is learned as facts; a fact may come from an answer, a webhook or a question asked later, in
// any order and any number of times, and has its effect once.

const MACHINE = stateMachine<PaymentStatus>('payment', ['unknown'], {
  unknown: ['authorized', 'captured', 'voided', 'declined'],
  authorized: ['captured', 'voided'],
  captured: ['partially_refunded', 'refunded'],
  partially_refunded: ['refunded'],
  refunded: [],
  voided: [],
  declined: []
})

/** A row of our book, written before the provider is asked (`unknown`) or with its answer. */
export interface Operation extends Omit<Book, 'amount'> {
  amount: number
  reason?: string
  /** A refund's shares of the payment's parts, fixed when it was accepted. */
  parts?: Part[]
}

export interface Payment extends Document, WithOutbox {
  orderId?: string
  subscriptionId?: string
  buyerId: string
  currency: string
  amount: number
  /** The provider's token; forgotten once the outcome is known. */
  token?: string
  parts: Part[]
  status: PaymentStatus
  reason: string | null
  captured: number
  refunded: number
  operations: Operation[]
  ledger: LedgerEntry[]
  /** Whoever waits for the outcome has to be told: it was settled behind their back. */
  tell: boolean
  /** Questions asked in vain since the last news, for growing pauses. */
  asked: number
  createdAt: string
  /** When the sweeper has something to do; absent when nothing is owed. Indexed. */
  due?: string
}

/** What happened at the provider, once and for all. */
export interface Fact {
  kind: Operation['kind']
  status: 'succeeded' | 'declined'
  at: string
  /** Of a void: what it let go of; of a refund: what went back. */
  amount: number
  refundId?: string | undefined
  reason?: string | null | undefined
}

export interface Intent {
  paymentId: string
  orderId?: string
  subscriptionId?: string
  buyerId: string
  amount: Money
  token: string
  parts: Part[]
}

/** Pause before the sweeper looks at what nobody has finished: longer than a request takes. */
const FIRST_LOOK_MS = 2_500
const LONGEST_PAUSE_MS = 5 * 60_000

/** The reason of a payment that was voided before it was ever written down. */
export const NEVER_ARRIVED = 'never_arrived'

const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString()

/** Sets `due` from what the payment owes: an answer to somebody, an event to the log, an outcome to be asked for. */
function withDue(payment: Payment, at: string): Payment {
  const { due: _, ...rest } = payment
  const owes = payment.tell || payment.outbox.length > 0 || payment.operations.some((o) => o.status === 'unknown')
  return owes ? { ...rest, due: later(at, Math.min(FIRST_LOOK_MS * 2 ** payment.asked, LONGEST_PAUSE_MS)) } : rest
}

/** A payment before anything was sent: its outcome is unknown from now on. */
export function newPayment(intent: Intent, at: string): Payment {
  const { paymentId, orderId, subscriptionId, buyerId, amount, token, parts } = intent
  const payment: Payment = {
    id: paymentId,
    version: 0,
    ...(orderId ? { orderId } : {}),
    ...(subscriptionId ? { subscriptionId } : {}),
    buyerId,
    currency: amount.currency,
    amount: amount.amount,
    token,
    parts,
    status: 'unknown',
    reason: null,
    captured: 0,
    refunded: 0,
    operations: [{ id: `${paymentId}.authorize`, kind: 'authorize', amount: amount.amount, status: 'unknown', at }],
    ledger: [],
    tell: false,
    asked: 0,
    createdAt: at,
    eventNumber: 0,
    outbox: []
  }
  return withDue(payment, at)
}

/** What a void leaves where no intent ever arrived: one that comes later finds it, so nothing can be sent any more. */
export function tombstone(paymentId: string, owner: { orderId: string } | { subscriptionId: string }, at: string): Payment {
  const { token: _t, due: _d, ...payment } = newPayment({ paymentId, ...owner, buyerId: 'nobody', amount: money(0, DEFAULT_CURRENCY), token: '', parts: [] }, at)
  return { ...payment, status: 'voided', reason: NEVER_ARRIVED, operations: [{ id: `${paymentId}.void`, kind: 'void', amount: 0, status: 'succeeded', at }] }
}

/** Writes a row or changes the one it replaces. */
function withOperation(payment: Payment, operation: Operation): Payment {
  const known = payment.operations.some((o) => o.id === operation.id)
  return { ...payment, operations: known ? payment.operations.map((o) => (o.id === operation.id ? operation : o)) : [...payment.operations, operation] }
}

const operationId = (payment: Payment, kind: Operation['kind'], refundId?: string): string => (kind === 'refund' ? refundId! : `${payment.id}.${kind}`)

export const operationOf = (payment: Payment, kind: Operation['kind'], refundId?: string): Operation | undefined =>
  payment.operations.find((o) => o.id === operationId(payment, kind, refundId))

const become = (payment: Payment, status: PaymentStatus): Payment => (payment.status === status ? payment : { ...payment, status: MACHINE.go(payment.status, status) })

/** Forgets what only an open outcome needs: the token, and a void that came too late or has nothing to let go of. */
const settled = ({ token: _, ...payment }: Payment): Payment => ({
  ...payment,
  operations: payment.operations.map((o) => (o.kind === 'void' && o.status === 'unknown' && payment.status !== 'authorized' ? { ...o, status: 'declined' } : o))
})

/**
 * The payment with a fact that it did not know; itself when it is no news, or contradicts what is known (reconciliation finds
 * that). `tell`: it did not come as the answer to whoever waits for it.
 */
export function learn(payment: Payment, fact: Fact, at: string, { tell = false } = {}): Payment {
  const changed = effect(payment, fact, at)
  return changed === payment ? payment : withDue({ ...changed, asked: 0, tell: payment.tell || (tell && wasAwaited(payment, fact)) }, at)
}

/** Somebody waits for a row that we have written down as unknown. */
const wasAwaited = (payment: Payment, fact: Fact): boolean =>
  payment.operations.some((o) => o.status === 'unknown' && (fact.kind === 'refund' ? o.id === fact.refundId : o.kind !== 'refund'))

function effect(payment: Payment, fact: Fact, at: string): Payment {
  const row = operationOf(payment, fact.kind, fact.refundId)
  if (row && row.status !== 'unknown') return payment
  switch (fact.kind) {
    case 'authorize':
      return fact.status === 'succeeded' ? authorized(payment, fact.at) : declined(payment, fact, at)
    case 'capture':
      return fact.status === 'succeeded' ? captured(payment, fact, at) : payment
    case 'void':
      return fact.status === 'succeeded' ? voided(payment, fact, at) : payment
    case 'refund':
      return refundSettled(payment, fact, at)
  }
}

/** After a void the row alone is news: money was held, and let go of. */
function authorized(payment: Payment, at: string): Payment {
  const known = withOperation(payment, { id: operationId(payment, 'authorize'), kind: 'authorize', amount: payment.amount, status: 'succeeded', at })
  return payment.status === 'unknown' ? settled(become(known, 'authorized')) : known
}

function declined(payment: Payment, { at: happened, reason }: Fact, at: string): Payment {
  const row: Operation = { id: operationId(payment, 'authorize'), kind: 'authorize', amount: payment.amount, status: 'declined', at: happened, ...(reason ? { reason } : {}) }
  const known = withOperation(payment, row)
  return payment.status === 'unknown' ? failed({ ...settled(become(known, 'declined')), reason: reason ?? 'declined' }, at) : known
}

function captured(payment: Payment, { at: happened }: Fact, at: string): Payment {
  if (payment.status !== 'unknown' && payment.status !== 'authorized') return payment
  const id = operationId(payment, 'capture')
  const held = operationOf(payment, 'authorize')?.status === 'succeeded' ? payment : authorized(payment, happened)
  const known = withOperation(held, { id, kind: 'capture', amount: payment.amount, status: 'succeeded', at: happened })
  const done: Payment = { ...settled(become(known, 'captured')), captured: payment.amount, ledger: [...payment.ledger, ...entriesOf(id, payment.parts, 1)] }
  return withEvent(done, { topic: 'payment_succeeded', aggregate: `payment/${payment.id}`, body: { ...about(payment), amount: money(payment.amount, payment.currency), ...sharesOf(payment, payment.parts) } }, at)
}

/** `amount` is what the void let go of: zero tells that nothing was held, and never will be. A capture on its way has nothing to take any more. */
function voided(payment: Payment, { at: happened, amount }: Fact, at: string): Payment {
  if (payment.status !== 'unknown' && payment.status !== 'authorized') return payment
  const rows = payment.operations.map((o): Operation => {
    if (o.status !== 'unknown') return o
    return { ...o, status: o.kind === 'authorize' && amount > 0 ? 'succeeded' : 'declined' }
  })
  const known = withOperation({ ...payment, operations: rows }, { id: operationId(payment, 'void'), kind: 'void', amount, status: 'succeeded', at: happened })
  return failed({ ...settled(become(known, 'voided')), reason: 'voided' }, at)
}

const failed = (payment: Payment, at: string): Payment =>
  withEvent(payment, { topic: 'payment_failed', aggregate: `payment/${payment.id}`, body: { ...about(payment), amount: money(payment.amount, payment.currency), reason: payment.reason ?? 'declined' } }, at)

const about = ({ id, orderId, subscriptionId, buyerId }: Payment): { paymentId: string; orderId: string | null; subscriptionId: string | null; buyerId: string } => ({
  paymentId: id,
  orderId: orderId ?? null,
  subscriptionId: subscriptionId ?? null,
  buyerId
})

function sharesOf({ currency }: Payment, parts: readonly Part[]): { sellers: { sellerId: string; amount: Money; fee: Money }[]; fee: Money; held: Money } {
  const sum = (account: 'fee' | 'held'): Money => money(parts.reduce((n, p) => n + p[account], 0), currency)
  const sellers = parts.flatMap((p) => (p.sellerId === null ? [] : [{ sellerId: p.sellerId, amount: money(p.seller, currency), fee: money(p.fee, currency) }]))
  return { sellers, fee: sum('fee'), held: sum('held') }
}

/** Writes down that the provider did not answer a question that must be answered: the sweeper goes on with it. */
export function unanswered(payment: Payment, kind: 'capture' | 'void', at: string): Payment {
  if (operationOf(payment, kind) || (payment.status !== 'authorized' && payment.status !== 'unknown')) return payment
  return withDue(withOperation(payment, { id: operationId(payment, kind), kind, amount: kind === 'void' ? 0 : payment.amount, status: 'unknown', at }), at)
}

export interface RefundRequest {
  refundId: string
  amount: number
  reason: string
  sellers?: readonly { sellerId: string; amount: number }[] | undefined
}

export const isCaptured = ({ status }: Payment): boolean => status === 'captured' || status === 'partially_refunded' || status === 'refunded'

/** What no refund has taken yet, those under way counted as taken. */
const left = (payment: Payment): Part[] =>
  less(
    payment.parts,
    payment.operations.flatMap((o) => (o.kind === 'refund' && o.status !== 'declined' ? (o.parts ?? []) : []))
  )

/** Writes a refund down before it is sent, with the shares it takes; null when it would exceed what was captured and not given back. */
export function acceptRefund(payment: Payment, { refundId, amount, reason, sellers }: RefundRequest, at: string): Payment | null {
  const parts = sellers ? takeFrom(left(payment), sellers) : take(left(payment), amount)
  if (!parts) return null
  return withDue(withOperation(payment, { id: refundId, kind: 'refund', amount, status: 'unknown', at, reason, parts }), at)
}

/** A refund that we did not ask for (made at the provider's desk) is taken in proportion to what is left. */
function refundSettled(payment: Payment, fact: Fact, at: string): Payment {
  const asked = operationOf(payment, 'refund', fact.refundId)
  if (!isCaptured(payment) || (!asked && fact.status === 'declined')) return payment
  const row = asked ?? foreignRefund(payment, fact)
  if (!row) return payment
  if (fact.status === 'declined') return withOperation(payment, { ...row, status: 'declined', at: fact.at, reason: fact.reason ?? 'declined' })
  const parts = row.parts ?? []
  const known = withOperation(payment, { ...row, status: 'succeeded', at: fact.at })
  const refunded = payment.refunded + row.amount
  const done: Payment = {
    ...become(known, refunded === payment.captured ? 'refunded' : 'partially_refunded'),
    refunded,
    ledger: [...payment.ledger, ...entriesOf(row.id, parts, -1)]
  }
  const body = { ...about(payment), refundId: row.id, amount: money(row.amount, payment.currency), reason: row.reason ?? 'refund', ...sharesOf(payment, parts) }
  return withEvent(done, { topic: 'payment_refunded', aggregate: `payment/${payment.id}`, body }, at)
}

function foreignRefund(payment: Payment, { refundId, amount, at }: Fact): Operation | null {
  const parts = take(left(payment), amount)
  return parts && refundId ? { id: refundId, kind: 'refund', amount, status: 'unknown', at, reason: 'refunded at the provider', parts } : null
}

/** After a question that brought no news: the next one comes after a longer pause. */
export const askedInVain = (payment: Payment, at: string): Payment => withDue({ ...payment, asked: payment.asked + 1 }, at)

/** Whoever waited has been told. */
export const told = (payment: Payment, at: string): Payment => (payment.tell ? withDue({ ...payment, tell: false }, at) : payment)

/** The events up to `number` are in the log. */
export function sent(payment: Payment, number: number, at: string): Payment {
  const rest = withoutEvents(payment, number)
  return rest === payment ? payment : withDue(rest, at)
}

/** Our rows of a payment, as the books show them. */
export const booksOf = ({ operations, currency }: Payment): Book[] => operations.map(({ id, kind, amount, status, at }) => ({ id, kind, amount: money(amount, currency), status, at }))

/** Whether the document balances by itself: captured − refunded = Σ ledger, and the parts are the amount. */
export const isBalanced = (payment: Payment): boolean =>
  payment.captured - payment.refunded === payment.ledger.reduce((n, e) => n + e.amount, 0) && payment.refunded <= payment.captured && (payment.captured === 0 || total(payment.parts) === payment.captured)
