import type { Document } from '../../mixins/documents/port.ts'
import { withEvent, withoutEvents, type WithOutbox } from '../../mixins/outbox/embedded.ts'
import { money, type Money } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { stateMachine } from '../../mixins/primitives/state-machine.ts'
import type { Plan, SubscriptionView } from './payment.contract.ts'

// A person's subscriptions are one document, so that there is one at a time, charges have an order, and the profile has a version.

type State = 'pending' | 'active' | 'grace' | 'cancelled' | 'ended' | 'refused'

const MACHINE = stateMachine<State>('subscription', ['pending'], {
  pending: ['active', 'refused'],
  active: ['grace', 'cancelled', 'ended'],
  grace: ['active', 'cancelled', 'ended'],
  cancelled: ['ended'],
  ended: [],
  refused: []
})

interface PlanTerms {
  price: Money
  months: number
}

/** What plans cost; a subscription keeps the price it began with. */
export const TERMS: Readonly<Record<Plan, PlanTerms>> = {
  'prime-monthly': { price: money(1_499), months: 1 },
  'prime-yearly': { price: money(13_900), months: 12 }
}

/** How long a subscription outlives a renewal that failed, and how often it is tried meanwhile. */
const GRACE_DAYS = 3
const TRY_AGAIN_DAYS = 1
const DAY_MS = 24 * 3_600_000
/** Pause before the sweeper looks at what a request or a crash left; grows with each look in vain. */
const FIRST_LOOK_MS = 3_000
const LONGEST_PAUSE_MS = 5 * 60_000
const REQUESTS_KEPT_MS = DAY_MS
/** Subscriptions that are over, kept for the list. */
const HISTORY_MAX = 50

export interface Subscription {
  id: string
  plan: Plan
  price: Money
  methodId: string
  status: State
  startedAt: string
  /** Where the periods are counted from, and how many are paid. */
  anchor: string
  periods: number
  /** End of the period that is paid. */
  renewsAt: string | null
  /** Charges begun so far: the number in the next one's payment id. */
  charges: number
  /** The charge under way. */
  charge: { paymentId: string; since: string } | null
  /** In grace: when the next renewal is tried. */
  tryAt: string | null
}

/** A request by its Idempotency-Key; `status` null while it runs. */
export interface StoredRequest {
  id: string
  bodyHash: string
  subscriptionId: string
  status: number | null
  answer: unknown
  at: string
}

export interface Subscriber extends Document, WithOutbox {
  subscriptions: Subscription[]
  requests: StoredRequest[]
  /** Counts what the profile showed; Auth is told with it, so that news out of order do no harm. */
  profileVersion: number
  /** The last one that Auth has answered to. */
  profileKnown: number
  /** Looks in vain since something last changed. */
  asked: number
  due?: string
}

export interface Profile {
  id: string
  plan: Plan
  status: 'active' | 'grace' | 'cancelled'
  renewsAt: string
}

export const newSubscriber = (userId: string): Subscriber => ({ id: userId, version: 0, subscriptions: [], requests: [], profileVersion: 0, profileKnown: 0, asked: 0, eventNumber: 0, outbox: [] })

/** The `count`th month after a day, by the calendar in UTC; the last of the month where it is shorter. */
export function addMonths(from: string, count: number): string {
  const date = new Date(from)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + count)
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, last))
  return date.toISOString()
}

const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString()
const isLive = (s: Subscription): boolean => s.status === 'pending' || s.status === 'active' || s.status === 'grace'
const hasBenefits = (s: Subscription): boolean => s.status === 'active' || s.status === 'grace' || s.status === 'cancelled'

/** The one that a new subscription would collide with. */
export const liveOne = (subscriber: Subscriber): Subscription | undefined => subscriber.subscriptions.find(isLive)

/** When a subscription next needs somebody, its charge aside. */
const turningPoint = (s: Subscription): string | null => (s.status === 'grace' ? s.tryAt : hasBenefits(s) ? s.renewsAt : null)

function withDue(subscriber: Subscriber, at: string): Subscriber {
  const { due: _, ...rest } = subscriber
  const busy = isProfileOwed(rest) || rest.outbox.length > 0 || rest.subscriptions.some((s) => s.charge)
  const times = rest.subscriptions.map((s) => (s.charge ? null : turningPoint(s))).filter((t) => t !== null)
  if (busy) times.push(later(at, Math.min(FIRST_LOOK_MS * 2 ** rest.asked, LONGEST_PAUSE_MS)))
  const due = times.sort()[0]
  return due === undefined ? rest : { ...rest, due }
}

const put = (subscriber: Subscriber, subscription: Subscription): Subscriber => {
  const known = subscriber.subscriptions.some((s) => s.id === subscription.id)
  return { ...subscriber, asked: 0, subscriptions: known ? subscriber.subscriptions.map((s) => (s.id === subscription.id ? subscription : s)) : [...subscriber.subscriptions, subscription] }
}

/** A change that followers and the profile see. */
function changed(subscriber: Subscriber, subscription: Subscription, at: string): Subscriber {
  const { id, plan, status, renewsAt } = subscription
  const next = { ...put(subscriber, subscription), profileVersion: subscriber.profileVersion + 1 }
  const body = { subscriptionId: id, userId: subscriber.id, plan, status: status as 'active' | 'grace' | 'cancelled' | 'ended', renewsAt }
  return withDue(withEvent(next, { topic: 'subscription_changed', aggregate: `subscriber/${subscriber.id}`, body }, at), at)
}

const withCharge = (s: Subscription, at: string): Subscription => ({ ...s, charges: s.charges + 1, charge: { paymentId: `${s.id}.${s.charges + 1}`, since: at } })

/** Claims a request's key, or records its answer at once; forgets those that are older than a day. */
export const withRequest = (subscriber: Subscriber, request: StoredRequest, at: string): Subscriber => ({
  ...subscriber,
  requests: [...subscriber.requests.filter((r) => r.status === null || r.at > later(at, -REQUESTS_KEPT_MS)), request]
})

/** A subscription that is to be, with its first charge; `conflict` while there is another. The same commit claims the request's key. */
export function begin(subscriber: Subscriber, wanted: { id: string; plan: Plan; methodId: string }, request: StoredRequest | null, at: string): Subscriber {
  const other = liveOne(subscriber)
  if (other) throw problem('conflict', 'There is a subscription already: cancel it first.', { subscriptionId: other.id })
  const subscription: Subscription = { ...wanted, price: TERMS[wanted.plan].price, status: 'pending', startedAt: at, anchor: at, periods: 0, renewsAt: null, charges: 0, charge: null, tryAt: null }
  const over = subscriber.subscriptions.filter((s) => s.status === 'ended' || s.status === 'refused').slice(0, -HISTORY_MAX)
  const trimmed = { ...subscriber, subscriptions: subscriber.subscriptions.filter((s) => !over.includes(s)) }
  return withDue(put(request ? withRequest(trimmed, request, at) : trimmed, withCharge(subscription, at)), at)
}

/** Takes a beginning back as if nothing had been: its proof was refused, or a crash came before the charge. The key is free again. */
export const takeBack = (subscriber: Subscriber, subscriptionId: string, at: string): Subscriber =>
  withDue(
    {
      ...subscriber,
      subscriptions: subscriber.subscriptions.filter((s) => s.id !== subscriptionId || s.status !== 'pending'),
      requests: subscriber.requests.filter((r) => r.subscriptionId !== subscriptionId || r.status !== null)
    },
    at
  )

/** A charge went through: one more period. What a cancelled predecessor had left is added; a renewal that came late counts from where it was due. */
export function charged(subscriber: Subscriber, paymentId: string, at: string): Subscriber {
  const s = subscriber.subscriptions.find((one) => one.charge?.paymentId === paymentId)
  if (!s) return subscriber
  const { months } = TERMS[s.plan]
  const predecessor = s.status === 'pending' ? subscriber.subscriptions.find((one) => one.status === 'cancelled') : undefined
  const start = predecessor?.renewsAt && predecessor.renewsAt > at ? predecessor.renewsAt : at
  const counted = s.status === 'pending' ? { anchor: start, periods: 1 } : { anchor: s.anchor, periods: s.periods + 1 }
  const lapsed = addMonths(counted.anchor, counted.periods * months) <= at // down for longer than a period: nobody pays for that time
  const { anchor, periods } = lapsed ? { anchor: at, periods: 1 } : counted
  const renewed: Subscription = { ...s, anchor, periods, renewsAt: addMonths(anchor, periods * months), charge: null, tryAt: null, status: s.status === 'cancelled' || s.status === 'active' ? s.status : MACHINE.go(s.status, 'active') }
  const rest = predecessor ? put(subscriber, { ...predecessor, status: MACHINE.go('cancelled', 'ended') }) : subscriber
  return changed(rest, renewed, at)
}

/** A charge did not go through: a beginning is refused; a renewal is tried again for some days, then it is over. */
export function chargeFailed(subscriber: Subscriber, paymentId: string, at: string): Subscriber {
  const s = subscriber.subscriptions.find((one) => one.charge?.paymentId === paymentId)
  if (!s) return subscriber
  if (s.status === 'pending') return withDue(put(subscriber, { ...s, charge: null, status: MACHINE.go('pending', 'refused') }), at)
  const over = at >= later(s.renewsAt!, GRACE_DAYS * DAY_MS)
  if (over || s.status === 'cancelled') return end(subscriber, { ...s, charge: null }, at)
  return changed(subscriber, { ...s, charge: null, status: s.status === 'grace' ? 'grace' : MACHINE.go(s.status, 'grace'), tryAt: later(at, TRY_AGAIN_DAYS * DAY_MS) }, at)
}

const end = (subscriber: Subscriber, s: Subscription, at: string): Subscriber => changed(subscriber, { ...s, status: MACHINE.go(s.status, 'ended'), tryAt: null }, at)

/** What time brings by itself: a cancelled subscription ends, a paid period is to be renewed (its charge is begun). Itself when nothing is due. */
export function turn(subscriber: Subscriber, at: string): Subscriber {
  const s = subscriber.subscriptions.find((one) => one.charge === null && (turningPoint(one) ?? '~') <= at)
  if (!s) return subscriber
  return s.status === 'cancelled' ? end(subscriber, s, at) : withDue(put(subscriber, withCharge(s, at)), at)
}

/** The person cancels: benefits last until `renewsAt`, which in grace is past. `not-found`, or `invalid-transition` when there is nothing to cancel. */
export function cancel(subscriber: Subscriber, subscriptionId: string, at: string): Subscriber {
  const s = subscriber.subscriptions.find((one) => one.id === subscriptionId && one.status !== 'refused')
  if (!s) throw problem('not-found', 'There is no such subscription.')
  if (s.status !== 'active' && s.status !== 'grace') throw problem('invalid-transition', `The subscription is ${viewStatus(s)}: it cannot be cancelled.`)
  const cancelled = changed(subscriber, { ...s, status: MACHINE.go(s.status, 'cancelled'), tryAt: null }, at)
  return turn(cancelled, at)
}

/** Writes the final answer of the request that began or cancelled a subscription; one that has its answer keeps it. */
export const answered = (subscriber: Subscriber, match: (request: StoredRequest) => boolean, status: number, answer: unknown): Subscriber =>
  subscriber.requests.some((r) => r.status === null && match(r)) ? { ...subscriber, requests: subscriber.requests.map((r) => (r.status === null && match(r) ? { ...r, status, answer } : r)) } : subscriber

/** What the profile shows. */
export function profileOf(subscriber: Subscriber): Profile | null {
  const s = subscriber.subscriptions.findLast(hasBenefits)
  return s?.renewsAt ? { id: s.id, plan: s.plan, status: s.status as Profile['status'], renewsAt: s.renewsAt } : null
}

export const isProfileOwed = ({ profileVersion, profileKnown }: Subscriber): boolean => profileVersion > profileKnown

/** Auth knows what the profile showed at `version`. */
export const profileTold = (subscriber: Subscriber, version: number, at: string): Subscriber =>
  subscriber.profileKnown < version ? withDue({ ...subscriber, profileKnown: version }, at) : subscriber

export function sent(subscriber: Subscriber, number: number, at: string): Subscriber {
  const rest = withoutEvents(subscriber, number)
  return rest === subscriber ? subscriber : withDue(rest, at)
}

/** After a look that changed nothing: the next one comes after a longer pause. */
export const askedInVain = (subscriber: Subscriber, at: string): Subscriber => withDue({ ...subscriber, asked: subscriber.asked + 1 }, at)

const viewStatus = (s: Subscription): SubscriptionView['status'] => (s.status === 'ended' || s.status === 'refused' ? 'cancelled' : s.status)

export const viewOf = (s: Subscription): SubscriptionView => ({ id: s.id, plan: s.plan, status: viewStatus(s), price: s.price, startedAt: s.startedAt, renewsAt: s.renewsAt })

/** Newest first; a beginning that was refused is none. */
export const viewsOf = (subscriber: Subscriber): SubscriptionView[] => subscriber.subscriptions.filter((s) => s.status !== 'refused').map(viewOf).reverse()
