import { verifyGrant } from '../../mixins/access/grants.ts'
import { change } from '../../mixins/documents/change.ts'
import type { DocumentStore } from '../../mixins/documents/port.ts'
import type { EventRecord } from '../../mixins/events/port.ts'
import { replay, type StoredRefusal } from '../../mixins/idempotency/idempotency.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { PROBLEMS, problem, problemType } from '../../mixins/primitives/problem.ts'
import { call, type CallSource } from '../../mixins/runtime/calls.ts'
import type { Ctx, Operation } from '../../mixins/runtime/service.ts'
import type { Methods } from './methods.ts'
import type { Plan, SubscriptionView } from './payment.contract.ts'
import { isCaptured, NEVER_ARRIVED, type Payment } from './payment.ts'
import type { Payments } from './payments.ts'
import * as rules from './subscription.ts'
import type { StoredRequest, Subscriber, Subscription } from './subscription.ts'

export interface SubscriberParts {
  store: DocumentStore<Subscriber>
  payments: Payments
  methods: Methods
  publish: (events: readonly EventRecord[]) => Promise<void>
  /** Where background calls start. */
  source: CallSource
}

export interface SubscribeRequest {
  userId: string
  sessionId: string
  plan: Plan
  paymentMethodId: string
  confirmation?: string | undefined
}

/** A beginning whose charge was never written down is taken back after this: no request lives that long. */
const ABANDONED_MS = 60_000
/** A charge that nobody can settle is given up. */
const GIVE_UP_MS = 40_000
const AUTH_PATIENCE_MS = 3_000
const SWEEP_PAGE = 50

const now = (): string => new Date().toISOString()
const age = (at: string): number => Date.now() - Date.parse(at)

/** A charge of a subscription: its owner allowed it, with a proof of identity, when the subscription began. */
const agreed = (): void => {}

const DECLINED = 'The payment was declined: try another payment method.'
const REFUSAL: StoredRefusal = { problem: { type: 'payment-declined', detail: DECLINED, data: {} } }
const declined = (): Error => problem('payment-declined', DECLINED)

/**
 * Prime: one document per person, whose every step (charge, renewal, grace, end, telling Auth) is written down before it is taken
 * and repeated until it is done, whoever crashes meanwhile.
 */
export class Subscribers {
  readonly #parts: SubscriberParts

  constructor(parts: SubscriberParts) {
    this.#parts = parts
  }

  async list(userId: string): Promise<SubscriptionView[]> {
    const subscriber = await this.#parts.store.get(userId)
    return subscriber ? rules.viewsOf(subscriber) : []
  }

  /**
   * Begins a subscription: claims the key, holds the proof of identity, charges the first period. Sets status 202 when the charge is
   * not settled in time; `payment-declined` (stored under the key), `conflict`, `identity-confirmation-required`, `not-found`.
   */
  async subscribe(ctx: Ctx, request: SubscribeRequest): Promise<SubscriptionView> {
    const { operation } = ctx.meta
    const earlier = requestOf(await this.#parts.store.get(request.userId), operation)
    if (earlier) return replayed(ctx, operation!, earlier)
    const method = await this.#parts.methods.own(request.userId, request.paymentMethodId)
    const id = newId()
    const begun = await this.#begin(request, id, operation)
    const subscription = begun.subscriptions.find((s) => s.id === id)
    if (!subscription) return replayed(ctx, operation!, requestOf(begun, operation)!)
    const { paymentId } = subscription.charge!
    await this.#prove(ctx, request, subscription)
    await this.#parts.payments.open({ paymentId, subscriptionId: id, buyerId: request.userId, amount: subscription.price, token: method.token, parts: feeOf(subscription) })
    const after = await this.#settle(request.userId, await this.#drive(paymentId))
    return this.#answer(ctx, after, id)
  }

  /** Ends a subscription with its paid period; once per Idempotency-Key. */
  async unsubscribe(ctx: Ctx, userId: string, subscriptionId: string): Promise<SubscriptionView> {
    const { operation } = ctx.meta
    const at = now()
    const cancelled = await this.#change(userId, (subscriber) => {
      if (requestOf(subscriber, operation)) return subscriber
      const done = rules.cancel(subscriber, subscriptionId, at)
      if (!operation) return done
      const answer = rules.viewOf(done.subscriptions.find((s) => s.id === subscriptionId)!)
      return rules.withRequest(done, { id: operation.id, bodyHash: operation.bodyHash, subscriptionId, status: 200, answer, at }, at)
    })
    if (!cancelled) throw problem('not-found', 'There is no such subscription.')
    const request = requestOf(cancelled, operation)
    if (request && request.at !== at) return replayed(ctx, operation!, request)
    await this.#finish(cancelled)
    return rules.viewOf(cancelled.subscriptions.find((s) => s.id === subscriptionId)!)
  }

  /** Goes on with what is due, a page at a time; answers whether there may be more. */
  async sweep(): Promise<boolean> {
    const due = await this.#parts.store.upTo('due', now(), SWEEP_PAGE)
    await Promise.all(due.map((subscriber) => this.advance(subscriber.id)))
    return due.length === SWEEP_PAGE
  }

  /** Takes a person's subscriptions as far as they go now: charges, time, events, profile. May run anywhere, any number of times. */
  async advance(userId: string): Promise<void> {
    let subscriber = await this.#change(userId, (s) => rules.turn(s, now()))
    for (const { id } of subscriber?.subscriptions.filter((s) => s.charge) ?? []) {
      const open = subscriber?.subscriptions.find((s) => s.id === id)
      if (open) subscriber = await this.#pursue(userId, open)
    }
    if (!subscriber) return
    const after = await this.#finish(subscriber)
    if (after.due !== undefined && after.due <= now()) await this.#change(userId, (s) => rules.askedInVain(s, now()))
  }

  async #begin(request: SubscribeRequest, id: string, operation: Operation | undefined): Promise<Subscriber> {
    const at = now()
    await this.#parts.store.insert(rules.newSubscriber(request.userId)) // there already, mostly
    const stored: StoredRequest | null = operation ? { id: operation.id, bodyHash: operation.bodyHash, subscriptionId: id, status: null, answer: null, at } : null
    const begun = await this.#change(request.userId, (subscriber) =>
      requestOf(subscriber, operation) ? subscriber : rules.begin(subscriber, { id, plan: request.plan, methodId: request.paymentMethodId }, stored, at)
    )
    return begun!
  }

  /** Holds the proof for this subscription and checks what Auth signed; a refusal leaves everything as it was, the key included. */
  async #prove(ctx: Ctx, { userId, sessionId, confirmation }: SubscribeRequest, { id, price }: Subscription): Promise<void> {
    try {
      const { grant } = await call(ctx, 'auth.worker.holdProof', { ...(confirmation ? { confirmation } : {}), userId, sessionId, purpose: 'payment', holder: id, amount: price })
      const granted = verifyGrant(grant, { holder: id, amount: price })
      if (granted.userId !== userId) throw problem('identity-confirmation-required', 'The proof of identity is of another person.')
    } catch (error) {
      await this.#change(userId, (s) => rules.takeBack(s, id, now()))
      void this.#proof('auth.worker.freeProof', id)
      throw error
    }
  }

  /** Charges; `unknown` and `authorized` mean that it is not settled yet. */
  async #drive(paymentId: string): Promise<Payment> {
    const payment = await this.#parts.payments.authorize(paymentId, agreed)
    return payment.status === 'authorized' ? this.#parts.payments.capture(paymentId) : payment
  }

  /** The charge under way of one subscription, after whatever interrupted it. */
  async #pursue(userId: string, subscription: Subscription): Promise<Subscriber | null> {
    const { paymentId, since } = subscription.charge!
    const { payments } = this.#parts
    const known = await payments.find(paymentId)
    if (!known && subscription.status === 'pending' && age(since) < ABANDONED_MS) return this.#parts.store.get(userId) // its request is at it
    const payment = known ?? (await this.#startRenewal(userId, subscription))
    const driven = payment.status === 'unknown' || payment.status === 'authorized' ? await this.#drive(paymentId) : payment
    const open = driven.status === 'unknown' || driven.status === 'authorized'
    return this.#settle(userId, open && age(since) > GIVE_UP_MS ? await payments.void(paymentId, { subscriptionId: subscription.id }) : driven)
  }

  /** Writes a renewal down; without a payment method, and for a beginning that a crash interrupted, there is nothing to charge. */
  async #startRenewal(userId: string, subscription: Subscription): Promise<Payment> {
    const { paymentId } = subscription.charge!
    const method = subscription.status === 'pending' ? null : await this.#parts.methods.own(userId, subscription.methodId).catch(orNull)
    if (!method) return this.#parts.payments.void(paymentId, { subscriptionId: subscription.id })
    return this.#parts.payments.open({ paymentId, subscriptionId: subscription.id, buyerId: userId, amount: subscription.price, token: method.token, parts: feeOf(subscription) })
  }

  /** Records what became of a charge together with the answer of the request that waits for it. Nothing changes while it is open. */
  async #settle(userId: string, payment: Payment): Promise<Subscriber | null> {
    const subscriptionId = payment.subscriptionId!
    const isIts = (request: StoredRequest): boolean => request.subscriptionId === subscriptionId
    if (isCaptured(payment)) {
      const done = await this.#change(userId, (s) => {
        const paid = rules.charged(s, payment.id, now())
        const subscription = paid.subscriptions.find((one) => one.id === subscriptionId)
        return paid === s || !subscription ? s : rules.answered(paid, isIts, 201, rules.viewOf(subscription))
      })
      void this.#proof('auth.worker.spendProof', subscriptionId)
      return done
    }
    if (payment.status !== 'declined' && payment.status !== 'voided') return this.#parts.store.get(userId)
    const failed = await this.#change(userId, (s) =>
      payment.reason === NEVER_ARRIVED && s.subscriptions.some((one) => one.id === subscriptionId && one.status === 'pending')
        ? rules.takeBack(s, subscriptionId, now()) // a crash before anything was charged: the key is free again
        : rules.answered(rules.chargeFailed(s, payment.id, now()), isIts, PROBLEMS['payment-declined'][0], REFUSAL)
    )
    void this.#proof('auth.worker.freeProof', subscriptionId)
    return failed
  }

  async #answer(ctx: Ctx, subscriber: Subscriber | null, id: string): Promise<SubscriptionView> {
    const subscription = subscriber?.subscriptions.find((s) => s.id === id)
    if (!subscriber || !subscription || subscription.status === 'refused') throw declined()
    const view = rules.viewOf(subscription)
    if (subscription.status !== 'pending') {
      await this.#finish(subscriber)
      return view
    }
    ctx.meta.$statusCode = 202
    await this.#change(subscriber.id, (s) => rules.answered(s, (r) => r.subscriptionId === id, 202, view))
    return view
  }

  /** Sends the events and tells Auth; what does not work is due, and comes again. */
  async #finish(subscriber: Subscriber): Promise<Subscriber> {
    const [relayed, told] = await Promise.all([this.#relay(subscriber), this.#tellAuth(subscriber)])
    const changed = relayed ?? told
    return changed ? ((await this.#parts.store.get(subscriber.id)) ?? subscriber) : subscriber
  }

  async #relay(subscriber: Subscriber): Promise<Subscriber | null> {
    const last = subscriber.outbox.at(-1)
    if (!last) return null
    try {
      await this.#parts.publish(subscriber.outbox)
    } catch {
      return null
    }
    return this.#change(subscriber.id, (s) => rules.sent(s, last.number, now()))
  }

  /** The profile after a payment: repeated until Auth has answered. Its version orders repetitions. */
  async #tellAuth(subscriber: Subscriber): Promise<Subscriber | null> {
    if (!rules.isProfileOwed(subscriber)) return null
    const { id, profileVersion } = subscriber
    try {
      await call(this.#parts.source, 'auth.worker.setSubscription', { userId: id, subscription: rules.profileOf(subscriber), version: profileVersion }, { timeout: AUTH_PATIENCE_MS })
    } catch (error) {
      if (problemType(error) !== 'not-found') return null // not-found: the account is gone, and its profile with it
    }
    return this.#change(id, (s) => rules.profileTold(s, profileVersion, now()))
  }

  /** A proof that is neither spent nor freed expires within minutes: one try is enough. */
  async #proof(action: 'auth.worker.spendProof' | 'auth.worker.freeProof', holder: string): Promise<void> {
    await call(this.#parts.source, action, { holder }, { timeout: AUTH_PATIENCE_MS }).catch(() => {})
  }

  #change(userId: string, decide: (subscriber: Subscriber) => Subscriber): Promise<Subscriber | null> {
    return change(this.#parts.store, userId, decide)
  }
}

const orNull = (error: unknown): null => {
  if (problemType(error) === 'not-found') return null
  throw error
}

const feeOf = ({ price }: Subscription): { sellerId: null; seller: 0; fee: number; held: 0 }[] => [{ sellerId: null, seller: 0, fee: price.amount, held: 0 }]

const requestOf = (subscriber: Subscriber | null, operation: Operation | undefined): StoredRequest | undefined => (operation ? subscriber?.requests.find((r) => r.id === operation.id) : undefined)

const replayed = (ctx: Ctx, operation: Operation, { bodyHash, status, answer }: StoredRequest): SubscriptionView => replay(ctx, operation, { body_hash: bodyHash, status, answer })
