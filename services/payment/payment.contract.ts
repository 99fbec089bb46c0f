import { bool, id, int, list, moneyRule, nullable, object, oneOf, optional, pageQuery, pageRule, priceRule, text, timestamp, type Infer } from '../../mixins/primitives/schema.ts'
import { actions, events, type ActionsOf, type EventsOf } from '../../mixins/runtime/calls.ts'

/** Words of a payment. `unknown` from the first commit until the provider has said what became of it. */
export const PAYMENT_STATUSES = ['authorized', 'captured', 'voided', 'partially_refunded', 'refunded', 'declined', 'unknown'] as const
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]

export const PLANS = ['prime-monthly', 'prime-yearly'] as const
export type Plan = (typeof PLANS)[number]

/** `pending` until the first charge is settled; only the other three are shown in a profile. */
const SUBSCRIPTION_STATUSES = ['pending', 'active', 'grace', 'cancelled'] as const

const status = oneOf(PAYMENT_STATUSES)
/** One attempt to pay an order: `<orderId>.<attempt>`; a subscription's charge: `<subscriptionId>.<charge>`. */
const paymentId = id()
const reason = text({ max: 200 })

/** A payment method as its owner sees it: the provider's token never comes back. */
const methodRule = object({ id: id(), label: text(), createdAt: timestamp() })

const subscriptionRule = object({
  id: id(),
  plan: oneOf(PLANS),
  status: oneOf(SUBSCRIPTION_STATUSES),
  price: moneyRule,
  startedAt: timestamp(),
  /** When it is charged next; where cancelled, when its benefits end. Null until the first charge is settled. */
  renewsAt: nullable(timestamp())
})

/** One operation on money, in our book or in the provider's. */
const bookRule = object({
  id: id(),
  kind: oneOf(['authorize', 'capture', 'void', 'refund']),
  amount: moneyRule,
  status: oneOf(['succeeded', 'declined', 'unknown']),
  at: timestamp()
})

const booksRule = object({ items: list(bookRule), provider: list(bookRule) })

/** What one seller's part of an order is made of; `total = subtotal − discount + shipping + tax`. */
const splitRule = object({ sellerId: id(), subtotal: moneyRule, discount: moneyRule, shipping: moneyRule, tax: moneyRule, total: moneyRule })

/** Body of `POST /webhooks/payments`: what happened to payments at the provider, in any order, perhaps more than once. */
const webhookParams = {
  events: list(
    object({
      id: id(),
      at: timestamp(),
      /** The key the payment was made with. */
      key: paymentId,
      kind: oneOf(['authorize', 'capture', 'void', 'refund']),
      status: oneOf(['succeeded', 'declined']),
      amount: moneyRule,
      refundId: optional(id()),
      reason: optional(reason)
    }),
    { min: 1, max: 500 }
  )
}

const addMethodBody = { token: text({ max: 200, trim: true }), label: text({ max: 100, trim: true }) }
/** `confirmation` is optional in the schema: without one the answer is `identity-confirmation-required`, not a wrong field. */
const subscribeBody = { plan: oneOf(PLANS), paymentMethodId: id(), confirmation: optional(text({ max: 500 })) }

export const paymentActions = actions({
  'payment.methods': { params: pageQuery, returns: pageRule(methodRule) },
  'payment.addMethod': { params: addMethodBody, returns: methodRule },
  'payment.removeMethod': { params: { id: id() }, returns: nullable(bool()) },
  'payment.subscriptions': { params: pageQuery, returns: pageRule(subscriptionRule) },
  'payment.subscribe': { params: subscribeBody, returns: subscriptionRule },
  'payment.unsubscribe': { params: { id: id() }, returns: subscriptionRule },
  'payment.webhook': { params: webhookParams, returns: object({ received: int() }) },
  'payment.books': { params: { id: id() }, returns: booksRule },

  /**
   * Writes down that money is about to be asked for, before anything is sent. `not-found` when the method is not the buyer's;
   * `validation-failed` when the splits do not add up to the amount; `conflict` when the id was used for another payment.
   * Repeating it answers with the payment as it is, also `voided` after a void that came first.
   */
  'payment.worker.intent': {
    params: {
      paymentId,
      orderId: id(),
      buyerId: id(),
      amount: priceRule,
      paymentMethodId: id(),
      splits: list(splitRule, { min: 1, max: 100 })
    },
    returns: object({ paymentId, status })
  },
  /**
   * Asks the provider to hold the amount, waiting for about a second. The grant is the buyer's, for the payment's order or the payment
   * itself and for its amount; else `identity-confirmation-required`, and nothing is asked. `unknown` is neither yes nor no: the
   * sweeper asks on and calls `order.worker.resume` once it knows; ask `status` then, authorise again, or give up by `void`. Any
   * status may come back (an earlier authorise or a void may have been first). May be repeated: the provider holds the amount once.
   */
  'payment.worker.authorize': { params: { paymentId, grant: text({ max: 4_000 }) }, returns: object({ paymentId, status, reason: nullable(reason) }) },
  /** Takes the whole amount held. `authorized` in the answer: not known yet, repeat it. `voided`, `declined`, `unknown`: there is nothing to take. May be repeated. */
  'payment.worker.capture': { params: { paymentId }, returns: object({ paymentId, status }) },
  /**
   * Lets go of the amount and makes sure that it can never be held any more, also when the intent never arrived: an authorise or
   * intent that comes later finds `voided`. `voided` or `declined`: nothing is held. `captured` and beyond: too late, refund it.
   * `unknown` or `authorized`: the provider did not answer, repeat it. May be repeated.
   */
  'payment.worker.void': { params: { paymentId, orderId: id() }, returns: object({ paymentId, status }) },
  /**
   * Gives back part of what was captured, once per `refundId`. `succeeded`; `declined` with the reason when it would exceed what
   * was captured or the provider refuses; `unknown` when the provider did not answer: the sweeper asks on and calls
   * `order.worker.resume`; repeat it with the same id. `sellers` says whose part it comes from (adds up to `amount`); in
   * proportion to what each has left unless told. `invalid-transition` when nothing was captured.
   */
  'payment.worker.refund': {
    params: {
      paymentId,
      refundId: id(),
      amount: priceRule,
      reason: text({ max: 1_000 }),
      sellers: optional(list(object({ sellerId: id(), amount: priceRule }), { min: 1, max: 100 }))
    },
    returns: object({ refundId: id(), outcome: oneOf(['succeeded', 'declined', 'unknown']), reason: nullable(reason), status, refunded: moneyRule })
  },
  /** A payment, or the last attempt of an order. `not-found` when there is none. */
  'payment.worker.status': {
    params: { paymentId: optional(id()), orderId: optional(id()) },
    returns: object({ paymentId, status, reason: nullable(reason), amount: moneyRule, captured: moneyRule, refunded: moneyRule })
  },
  /** Every operation on an order's money: our rows and the provider's ledger. `not-found` when the order has no payment. */
  'payment.worker.books': { params: { orderId: id() }, returns: booksRule },
  /** A person's own payment method; `not-found` otherwise. */
  'payment.worker.method': { params: { userId: id(), methodId: id() }, returns: methodRule },
  'payment.worker.methods': { params: { userId: id(), ...pageQuery }, returns: pageRule(methodRule) },
  'payment.worker.addMethod': { params: { userId: id(), ...addMethodBody }, returns: methodRule },
  'payment.worker.removeMethod': { params: { userId: id(), methodId: id() }, returns: nullable(bool()) },

  'payment.worker.subscriptions': { params: { userId: id(), ...pageQuery }, returns: pageRule(subscriptionRule) },
  'payment.worker.subscribe': { params: { userId: id(), sessionId: id(), ...subscribeBody }, returns: subscriptionRule },
  'payment.worker.unsubscribe': { params: { userId: id(), subscriptionId: id() }, returns: subscriptionRule },

  /** Events whose signature the face has verified. Each states a fact, so that order and repetition do not matter. */
  'payment.worker.webhook': { params: webhookParams, returns: object({ received: int() }) },
  /**
   * Compares our payments with the provider's ledger, a page by id ascending: go on after `next` until it is null. A difference is
   * final only when it is seen twice: a payment under way may be ahead on one side. Sums are of our payments on this page, in minor
   * units, each from one document: `captured − refunded = sellers + fees + held` in every one of them, or it is in `unbalanced`.
   */
  'payment.worker.reconcile': {
    params: { after: optional(id()), limit: optional(int({ min: 1, max: 500 })) },
    returns: object({
      checked: int(),
      differences: list(object({ paymentId, ours: nullable(text()), provider: nullable(text()) })),
      unbalanced: list(paymentId),
      sums: object({ captured: int(), refunded: int(), sellers: int(), fees: int(), held: int() }),
      next: nullable(id())
    })
  }
})

const sellersParts = list(object({ sellerId: id(), amount: moneyRule, fee: moneyRule }))

export const paymentEvents = events({
  /** Money was captured; aggregate `payment/<id>`. `amount` is split into `sellers` (each part after the fee), their fees and `held` tax. A subscription's charge has no sellers: it is all fee. */
  payment_succeeded: {
    body: object({ paymentId, orderId: nullable(id()), subscriptionId: nullable(id()), buyerId: id(), amount: moneyRule, sellers: sellersParts, fee: moneyRule, held: moneyRule })
  },
  /** The provider declined, or the payment was let go before anything was taken; aggregate `payment/<id>`. */
  payment_failed: { body: object({ paymentId, orderId: nullable(id()), subscriptionId: nullable(id()), buyerId: id(), amount: moneyRule, reason }) },
  /** Money went back; parts as in `payment_succeeded`, all positive; aggregate `payment/<id>`. */
  payment_refunded: {
    body: object({
      paymentId,
      orderId: nullable(id()),
      subscriptionId: nullable(id()),
      buyerId: id(),
      refundId: id(),
      amount: moneyRule,
      reason: text({ max: 1_000 }),
      sellers: sellersParts,
      fee: moneyRule,
      held: moneyRule
    })
  },
  /** A subscription began, was renewed, failed to renew, was cancelled or ended; aggregate `subscriber/<userId>`. */
  subscription_changed: {
    body: object({
      subscriptionId: id(),
      userId: id(),
      plan: oneOf(PLANS),
      status: oneOf(['active', 'grace', 'cancelled', 'ended']),
      renewsAt: nullable(timestamp())
    })
  }
})

export type Book = Infer<typeof bookRule>
export type PaymentMethod = Infer<typeof methodRule>
export type SubscriptionView = Infer<typeof subscriptionRule>
export type Split = Infer<typeof splitRule>

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof paymentActions> {}
  interface Events extends EventsOf<typeof paymentEvents> {}
}
