import { verifyGrant } from '../../mixins/access/grants.ts'
import { serviceDocuments, type WithDocuments } from '../../mixins/documents/service-documents.ts'
import { servicePublisher, type Publisher } from '../../mixins/outbox/publisher.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { decodeCursor, encodeCursor, PAGE_LIMIT } from '../../mixins/primitives/page.ts'
import { money, sum } from '../../mixins/primitives/money.ts'
import { invalidField, problem, problemType } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { partsOf } from './ledger.ts'
import { Methods } from './methods.ts'
import { paymentActions, type PaymentStatus, type Split } from './payment.contract.ts'
import { METHODS, PAYMENTS, SUBSCRIBERS, type Method } from './payment.store.ts'
import { booksOf, type Payment } from './payment.ts'
import { Payments } from './payments.ts'
import { openProvider, type PaymentProvider } from './provider.ts'
import { reconcile } from './reconcile.ts'
import { Subscribers } from './subscribers.ts'
import type { Subscriber } from './subscription.ts'

type Worker = ServiceThis<
  WithDocuments<{ payments: Payment; methods: Method; subscribers: Subscriber }> & {
    publisher: Publisher
    provider: PaymentProvider
    payments: Payments
    methods: Methods
    subscribers: Subscribers
  }
>

const SWEEP_EVERY_MS = 1_000
const RESUME_PATIENCE_MS = 5_000

const statusOf = ({ id, status }: Payment): { paymentId: string; status: PaymentStatus } => ({ paymentId: id, status })

/** The proof of identity covers the order, or (paying again) this attempt, and is the buyer's. */
function checkGrant(grant: string, { id, orderId, buyerId, amount, currency }: Payment): void {
  for (const holder of [id, ...(orderId ? [orderId] : [])]) {
    try {
      const { userId } = verifyGrant(grant, { holder, amount: money(amount, currency) })
      if (userId === buyerId) return
    } catch (error) {
      if (problemType(error) !== 'identity-confirmation-required') throw error
    }
  }
  throw problem('identity-confirmation-required', 'The proof of identity does not cover this payment: confirm again.')
}

/** A payment is its splits and nothing else, to the cent. */
function checkSplits(amount: { amount: number; currency: string }, splits: readonly Split[]): void {
  const wrong = splits.findIndex((s) => s.total.amount !== s.subtotal.amount - s.discount.amount + s.shipping.amount + s.tax.amount)
  if (wrong >= 0) throw invalidField(`splits[${wrong}].total`, 'sum', 'total is not subtotal − discount + shipping + tax')
  if (sum(splits.map((s) => s.total), amount.currency).amount !== amount.amount) throw invalidField('splits', 'sum', 'the totals do not add up to the amount')
}

/**
 * Owner of payments, payment methods and subscriptions: one document each. It keeps that money is asked for only after it was
 * written down, captured once and never refunded beyond that; that an unknown outcome is asked for until it is known; and that
 * `captured − refunded = sellers + fees + held` in every payment at every moment.
 */
export default service({
  name: 'payment.worker',

  mixins: [
    periodic<Worker>('payment sweep', SWEEP_EVERY_MS, function () {
      return this.payments.sweep()
    }),
    periodic<Worker>('subscription sweep', SWEEP_EVERY_MS, function () {
      return this.subscribers.sweep()
    }),
    {
      stopped(this: Worker) {
        return this.payments.idle()
      }
    },
    servicePublisher(),
    serviceDocuments('payment', { payments: PAYMENTS, methods: METHODS, subscribers: SUBSCRIBERS })
  ],

  actions: {
    intent: workerAction(paymentActions['payment.worker.intent'], {
      retrySafe: true,
      async handler(this: Worker, ctx) {
        const { paymentId, orderId, buyerId, amount, paymentMethodId, splits } = ctx.params
        checkSplits(amount, splits)
        const method = await this.methods.own(buyerId, paymentMethodId)
        return statusOf(await this.payments.open({ paymentId, orderId, buyerId, amount, token: method.token, parts: partsOf(splits) }))
      }
    }),

    authorize: workerAction(paymentActions['payment.worker.authorize'], {
      retrySafe: true,
      async handler(this: Worker, ctx) {
        const { paymentId, grant } = ctx.params
        const payment = await this.payments.authorize(paymentId, (intent) => checkGrant(grant, intent))
        return { ...statusOf(payment), reason: payment.reason }
      }
    }),

    capture: workerAction(paymentActions['payment.worker.capture'], {
      retrySafe: true,
      async handler(this: Worker, ctx) {
        return statusOf(await this.payments.capture(ctx.params.paymentId))
      }
    }),

    void: workerAction(paymentActions['payment.worker.void'], {
      retrySafe: true,
      async handler(this: Worker, ctx) {
        const { paymentId, orderId } = ctx.params
        return statusOf(await this.payments.void(paymentId, { orderId }))
      }
    }),

    refund: workerAction(paymentActions['payment.worker.refund'], {
      retrySafe: true,
      async handler(this: Worker, ctx) {
        const { paymentId, refundId, amount, reason, sellers } = ctx.params
        if (sellers && sum(sellers.map((s) => s.amount), amount.currency).amount !== amount.amount) throw invalidField('sellers', 'sum', 'the parts do not add up to the amount')
        const { currency } = await this.payments.get(paymentId)
        if (currency !== amount.currency) throw invalidField('amount.currency', 'currency', `the payment is in ${currency}`)
        const parts = sellers?.map((s) => ({ sellerId: s.sellerId, amount: s.amount.amount }))
        const { payment, row } = await this.payments.refund(paymentId, { refundId, amount: amount.amount, reason, sellers: parts })
        const outcome = row?.status ?? 'declined'
        const why = outcome === 'declined' ? (row?.reason ?? 'exceeds_captured').slice(0, 200) : null
        return { refundId, outcome, reason: why, status: payment.status, refunded: money(payment.refunded, currency) }
      }
    }),

    status: workerAction(paymentActions['payment.worker.status'], {
      async handler(this: Worker, ctx) {
        const { paymentId, orderId } = ctx.params
        const payment = paymentId ? await this.payments.get(paymentId) : (await this.payments.ofOrder(orderId ?? '')).at(-1)
        if (!payment) throw problem('not-found', 'The order has no payment.')
        const { currency, reason, amount, captured, refunded } = payment
        return { ...statusOf(payment), reason, amount: money(amount, currency), captured: money(captured, currency), refunded: money(refunded, currency) }
      }
    }),

    books: workerAction(paymentActions['payment.worker.books'], {
      async handler(this: Worker, ctx) {
        const payments = await this.payments.ofOrder(ctx.params.orderId)
        if (payments.length === 0) throw problem('not-found', 'The order has no payment.')
        const provider = await Promise.all(payments.map((p) => this.provider.book(p.id)))
        return { items: payments.flatMap(booksOf), provider: provider.flat() }
      }
    }),

    method: workerAction(paymentActions['payment.worker.method'], {
      handler(this: Worker, ctx) {
        return this.methods.view(ctx.params.userId, ctx.params.methodId)
      }
    }),

    methods: workerAction(paymentActions['payment.worker.methods'], {
      handler(this: Worker, ctx) {
        return this.methods.list(ctx.params.userId, ctx.params.limit, ctx.params.cursor)
      }
    }),

    addMethod: workerAction(paymentActions['payment.worker.addMethod'], {
      handler(this: Worker, ctx) {
        return this.methods.add(ctx, ctx.params)
      }
    }),

    removeMethod: workerAction(paymentActions['payment.worker.removeMethod'], {
      async handler(this: Worker, ctx) {
        await this.methods.remove(ctx.params.userId, ctx.params.methodId)
        return null
      }
    }),

    subscriptions: workerAction(paymentActions['payment.worker.subscriptions'], {
      async handler(this: Worker, ctx) {
        const { userId, cursor, limit = PAGE_LIMIT.default } = ctx.params
        const before = decodeCursor(cursor, 1)?.[0]
        const rest = (await this.subscribers.list(userId)).filter((s) => before === undefined || before === null || s.id < String(before))
        return { items: rest.slice(0, limit), nextCursor: rest.length > limit ? encodeCursor([rest[limit - 1]!.id]) : null }
      }
    }),

    subscribe: workerAction(paymentActions['payment.worker.subscribe'], {
      handler(this: Worker, ctx) {
        return this.subscribers.subscribe(ctx, ctx.params)
      }
    }),

    unsubscribe: workerAction(paymentActions['payment.worker.unsubscribe'], {
      handler(this: Worker, ctx) {
        return this.subscribers.unsubscribe(ctx, ctx.params.userId, ctx.params.subscriptionId)
      }
    }),

    webhook: workerAction(paymentActions['payment.worker.webhook'], {
      async handler(this: Worker, ctx) {
        const { events } = ctx.params
        await this.payments.hear(events.map((e) => ({ ...e, amount: e.amount.amount })))
        return { received: events.length }
      }
    }),

    reconcile: workerAction(paymentActions['payment.worker.reconcile'], {
      handler(this: Worker, ctx) {
        return reconcile(this.documents.payments, this.provider, ctx.params.after, ctx.params.limit ?? 200)
      }
    })
  },

  created(this: Worker) {
    this.provider = openProvider(this.broker)
    const publish = this.publisher.publish.bind(this.publisher)
    this.methods = new Methods(this.documents.methods)
    this.payments = new Payments({
      store: this.documents.payments,
      provider: this.provider,
      publish,
      tellOwner: async ({ orderId, buyerId }) => {
        if (orderId) await call(this.broker, 'order.worker.resume', { orderId }, { timeout: RESUME_PATIENCE_MS })
        else await this.subscribers.advance(buyerId)
      }
    })
    this.subscribers = new Subscribers({ store: this.documents.subscribers, payments: this.payments, methods: this.methods, publish, source: this.broker })
  }
})
