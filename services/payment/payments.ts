import { change } from '../../mixins/documents/change.ts'
import type { DocumentStore } from '../../mixins/documents/port.ts'
import type { EventRecord } from '../../mixins/events/port.ts'
import { counter, gauge } from '../../mixins/metrics/registry.ts'
import { money } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { Recent } from '../../mixins/primitives/recent.ts'
import type { PaymentProvider } from './provider.ts'
import { acceptRefund, askedInVain, isCaptured, learn, newPayment, operationOf, sent, told, tombstone, unanswered, type Fact, type Intent, type Operation, type Payment, type RefundRequest } from './payment.ts'

/** What payments work with. */
export interface PaymentParts {
  store: DocumentStore<Payment>
  provider: PaymentProvider
  publish: (events: readonly EventRecord[]) => Promise<void>
  /** Tells whoever waits that a payment was settled behind their back; rejects when they could not be reached. */
  tellOwner: (payment: Payment) => Promise<void>
}

/** A fact about a payment, as a webhook brings it. */
export type News = Fact & { key: string }

/** Payments this thread has written lately: a start for the next change, and what webhooks need not be read for. */
const RECENT_MAX = 4_000
const SWEEP_PAGE = 50

const moved = counter('souk_payments_total', 'Payments that came into a status')
const overdue = gauge('souk_payments_overdue', 'Payments that the last sweep found unfinished: an open outcome, an event to send, somebody to tell').with()

const now = (): string => new Date().toISOString()
const unknownPayment = (id: string): Error => problem('not-found', `There is no payment ${id}.`)

/**
 * Money on its way: each request to the provider is preceded by a row in the payment's document and followed by what came of it.
 * Everything may be repeated and interrupted anywhere; the sweeper goes on with what was left.
 */
export class Payments {
  readonly #parts: PaymentParts
  readonly #recent = new Recent<string, Payment>(RECENT_MAX)
  readonly #behind = new Set<Promise<void>>()

  constructor(parts: PaymentParts) {
    this.#parts = parts
  }

  async get(id: string): Promise<Payment> {
    const payment = await this.#parts.store.get(id)
    if (!payment) throw unknownPayment(id)
    return payment
  }

  find(id: string): Promise<Payment | null> {
    return this.#parts.store.get(id)
  }

  /** All attempts to pay an order, oldest first. */
  async ofOrder(orderId: string): Promise<Payment[]> {
    const payments = await this.#parts.store.find({ orderId }, { limit: 100 })
    return payments.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
  }

  /** Writes a payment down before anything is sent; answers the one that is there if its id is taken. `conflict` when that one is for something else. */
  async open(intent: Intent): Promise<Payment> {
    const payment = newPayment(intent, now())
    if ((await this.#parts.store.insert(payment)) === 'done') {
      const stored = { ...payment, version: 1 }
      this.#recent.put(stored.id, stored)
      moved.with({ status: stored.status }).add()
      return stored
    }
    const known = await this.get(intent.paymentId)
    const same = known.orderId === intent.orderId && known.subscriptionId === intent.subscriptionId
    const equal = known.status === 'voided' || (known.amount === intent.amount.amount && known.buyerId === intent.buyerId)
    if (!same || !equal) throw problem('conflict', `The payment ${intent.paymentId} is for something else.`)
    return known
  }

  /** Asks for the money to be held, after `permit` has looked at the payment: it throws where its owner has not allowed this. */
  async authorize(id: string, permit: (payment: Payment) => void): Promise<Payment> {
    const payment = await this.#load(id, 'unknown')
    if (payment.status !== 'unknown' || payment.token === undefined || operationOf(payment, 'void')) return payment
    permit(payment)
    const facts = await this.#parts.provider.authorize(id, payment.token, money(payment.amount, payment.currency))
    return facts ? this.#learn(payment, facts) : payment
  }

  async capture(id: string): Promise<Payment> {
    const payment = await this.#load(id, 'authorized')
    if (payment.status !== 'authorized') return payment
    const facts = await this.#parts.provider.capture(id, money(payment.amount, payment.currency))
    return facts ? this.#learn(payment, facts) : this.#change(payment, (p) => unanswered(p, 'capture', now()))
  }

  async void(id: string, owner: { orderId: string } | { subscriptionId: string }): Promise<Payment> {
    const grave = tombstone(id, owner, now())
    const payment = await this.#parts.store.get(id)
    if (!payment) return (await this.#parts.store.insert(grave)) === 'done' ? grave : this.void(id, owner)
    if (payment.status !== 'unknown' && payment.status !== 'authorized') return payment
    const facts = await this.#parts.provider.void(id)
    return facts ? this.#learn(payment, facts) : this.#change(payment, (p) => unanswered(p, 'void', now()))
  }

  /** The refund's row as it is then, and its payment. `invalid-transition` when nothing was captured; a refused refund has no row. */
  async refund(id: string, request: RefundRequest): Promise<{ payment: Payment; row: Operation | undefined }> {
    const known = await this.get(id)
    if (!isCaptured(known)) throw problem('invalid-transition', `The payment is ${known.status}: there is nothing to refund.`, { from: known.status })
    const accepted = await this.#change(known, (p) => (operationOf(p, 'refund', request.refundId) ? p : (acceptRefund(p, request, now()) ?? p)))
    const row = operationOf(accepted, 'refund', request.refundId)
    if (row?.status !== 'unknown') return { payment: accepted, row }
    const facts = await this.#parts.provider.refund(id, row.id, money(row.amount, accepted.currency))
    const payment = facts ? await this.#learn(accepted, facts) : accepted
    return { payment, row: operationOf(payment, 'refund', row.id) }
  }

  /** Takes facts that nobody asked for. Those that are known, or about payments that are not ours, have no effect. */
  async hear(news: readonly News[]): Promise<void> {
    const fresh = news.filter(({ key, kind, refundId }) => {
      const recent = this.#recent.get(key)
      return !recent || (operationOf(recent, kind, refundId)?.status ?? 'unknown') === 'unknown'
    })
    await Promise.all(
      Map.groupBy(fresh, (n) => n.key)
        .entries()
        .map(async ([key, facts]) => {
          const payment = await this.#parts.store.get(key)
          if (payment) await this.#learn(payment, facts, { tell: true })
        })
    )
  }

  /** Goes on with what is due, a page at a time; answers whether there may be more. */
  async sweep(): Promise<boolean> {
    const due = await this.#parts.store.upTo('due', now(), SWEEP_PAGE)
    overdue.set(due.length)
    await Promise.all(due.map((payment) => this.#pursue(payment)))
    return due.length === SWEEP_PAGE
  }

  /** Resolves when nothing is under way behind a caller's back: before the engines are closed. */
  async idle(): Promise<void> {
    while (this.#behind.size > 0) await Promise.all(this.#behind)
  }

  /** Asks for every open outcome, tells who waits, sends events; whatever did not work comes again after a longer pause. */
  async #pursue(payment: Payment): Promise<void> {
    const facts = await this.#questions(payment)
    const learned = facts.length > 0 ? await this.#learn(payment, facts, { tell: true }, 'awaited') : payment
    const relayed = await this.#relay(learned)
    const after = await this.#tell(relayed)
    if (after.due !== undefined && after.due <= now()) await this.#change(after, (p) => askedInVain(p, now()))
  }

  /** An authorisation is asked for, for a refusal to be reached must not become a second attempt; what follows it is simply repeated. */
  async #questions({ id, currency, operations }: Payment): Promise<Fact[]> {
    const { provider } = this.#parts
    const open = operations.filter((o) => o.status === 'unknown')
    if (open.some((o) => o.kind === 'void')) return (await provider.void(id)) ?? []
    const answers = await Promise.all(
      open.map(({ id: rowId, kind, amount }) => {
        if (kind === 'authorize') return provider.lookup(id)
        return kind === 'capture' ? provider.capture(id, money(amount, currency)) : provider.refund(id, rowId, money(amount, currency))
      })
    )
    return answers.flatMap((facts) => facts ?? [])
  }

  #learn(payment: Payment, facts: readonly Fact[], options: { tell?: boolean } = {}, followUp: 'awaited' | 'behind' = 'behind'): Promise<Payment> {
    const at = now()
    return this.#change(payment, (p) => facts.reduce((known, fact) => learn(known, fact, at, options), p), followUp)
  }

  /** Commits a change, then sends its events and tells who waits, behind the caller's back unless it sees to that itself. */
  async #change(payment: Payment, decide: (payment: Payment) => Payment, followUp: 'awaited' | 'behind' = 'behind'): Promise<Payment> {
    const changed = await change(this.#parts.store, payment.id, decide, payment)
    if (!changed) throw unknownPayment(payment.id)
    this.#recent.put(changed.id, changed)
    if (changed.status !== payment.status) moved.with({ status: changed.status }).add()
    if (changed !== payment && followUp === 'behind' && (changed.outbox.length > 0 || changed.tell)) {
      const work = this.#follow(changed).finally(() => this.#behind.delete(work))
      this.#behind.add(work)
    }
    return changed
  }

  async #follow(payment: Payment): Promise<void> {
    try {
      await this.#tell(await this.#relay(payment))
    } catch {
      // the store is away: the payment is due, and the sweeper will see to it
    }
  }

  async #relay(payment: Payment): Promise<Payment> {
    const last = payment.outbox.at(-1)
    if (!last) return payment
    try {
      await this.#parts.publish(payment.outbox)
    } catch {
      return payment
    }
    return this.#change(payment, (p) => sent(p, last.number, now()), 'awaited')
  }

  async #tell(payment: Payment): Promise<Payment> {
    if (!payment.tell) return payment
    try {
      await this.#parts.tellOwner(payment)
    } catch {
      return payment
    }
    return this.#change(payment, (p) => told(p, now()), 'awaited')
  }

  /** The payment, from memory when it is in the state in which the provider is asked: if that is old, the commit will notice. */
  async #load(id: string, wanted: Payment['status']): Promise<Payment> {
    const recent = this.#recent.get(id)
    return recent?.status === wanted ? recent : this.get(id)
  }
}
