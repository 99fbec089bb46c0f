import { newId } from '../../mixins/primitives/ids.ts'
import { problem } from '../../mixins/primitives/problem.ts'

// The demo provider's rules: one account per key, decided from the account alone, so the same request twice is the same answer.

export interface Account {
  key: string
  /** `new` while its first request is decided; never seen outside. */
  state: 'new' | 'authorized' | 'captured' | 'voided' | 'declined'
  reason: string | null
  amount: number
  currency: string
  captured: number
  refunded: number
}

export interface Entry {
  id: string
  key: string
  kind: 'authorize' | 'capture' | 'void' | 'refund'
  refundId: string
  amount: number
  currency: string
  status: 'succeeded' | 'declined'
  reason: string | null
  at: string
}

export type Request =
  | { kind: 'authorize'; key: string; token: string; amount: number; currency: string }
  | { kind: 'capture'; key: string }
  | { kind: 'void'; key: string }
  | { kind: 'refund'; key: string; refundId: string; amount: number; currency: string }

/** What became of a request; `entry` where it changed the books. */
export interface Decision {
  outcome: 'authorized' | 'captured' | 'voided' | 'declined' | 'succeeded' | 'not-found'
  reason: string | null
  /** What a void let go of. */
  released: number
  entry: Entry | null
}

export const newAccount = (key: string): Account => ({ key, state: 'new', reason: null, amount: 0, currency: 'USD', captured: 0, refunded: 0 })

/** Tokens a card of this provider can have; anything else is declined. */
const DECLINES: Readonly<Record<string, string>> = { tok_demo_declined: 'card_declined', tok_demo_insufficient: 'insufficient_funds' }
const ACCEPTED: readonly string[] = ['tok_demo_ok', 'tok_demo_slow', 'tok_demo_lost', 'tok_demo_down']

const declineOf = (token: string): string | null => (ACCEPTED.includes(token) ? null : (DECLINES[token] ?? 'unknown_token'))

const said = (outcome: Decision['outcome'], rest: Partial<Decision> = {}): Decision => ({ outcome, reason: null, released: 0, entry: null, ...rest })

const entry = (account: Account, kind: Entry['kind'], amount: number, rest: Partial<Entry> = {}): Entry => ({
  id: newId(),
  key: account.key,
  kind,
  refundId: '',
  amount,
  currency: account.currency,
  status: 'succeeded',
  reason: null,
  at: new Date().toISOString(),
  ...rest
})

/**
 * Decides a request and changes `account` (locked by the caller; null when the key is unknown) accordingly. `earlier` is the entry
 * of the same refund id, if there was one. Throws `conflict` when a key or refund id comes again with another amount.
 */
export function decide(account: Account | null, request: Request, earlier: Entry | null): Decision {
  if (!account) return said('not-found')
  switch (request.kind) {
    case 'authorize':
      return authorize(account, request)
    case 'capture':
      return capture(account)
    case 'void':
      return letGo(account)
    case 'refund':
      return refund(account, request, earlier)
  }
}

function authorize(account: Account, request: Request & { kind: 'authorize' }): Decision {
  if (account.state === 'voided') return said('voided')
  if (account.state !== 'new') {
    if (account.amount !== request.amount || account.currency !== request.currency) throw problem('conflict', 'This key was used with another amount.')
    return account.state === 'declined' ? said('declined', { reason: account.reason }) : said('authorized')
  }
  const reason = declineOf(request.token)
  Object.assign(account, { state: reason ? 'declined' : 'authorized', reason, amount: request.amount, currency: request.currency })
  return reason
    ? said('declined', { reason, entry: entry(account, 'authorize', request.amount, { status: 'declined', reason }) })
    : said('authorized', { entry: entry(account, 'authorize', request.amount) })
}

function capture(account: Account): Decision {
  if (account.state === 'voided' || account.state === 'declined' || account.state === 'captured') return said(account.state)
  if (account.state === 'new') return said('not-found')
  Object.assign(account, { state: 'captured', captured: account.amount })
  return said('captured', { entry: entry(account, 'capture', account.amount) })
}

/** A void of a key nobody has seen is kept: whatever authorise comes for it later finds `voided`. */
function letGo(account: Account): Decision {
  if (account.state === 'captured' || account.state === 'declined') return said(account.state)
  if (account.state === 'voided') return said('voided', { released: account.amount })
  const released = account.state === 'authorized' ? account.amount : 0
  account.state = 'voided'
  return said('voided', { released, entry: entry(account, 'void', released) })
}

function refund(account: Account, request: Request & { kind: 'refund' }, earlier: Entry | null): Decision {
  const { refundId, amount } = request
  if (earlier) {
    if (earlier.amount !== amount) throw problem('conflict', 'This refund id was used with another amount.')
    return said(earlier.status, { reason: earlier.reason })
  }
  if (account.state === 'new') return said('not-found')
  if (account.refunded + amount > account.captured || account.currency !== request.currency) {
    return said('declined', { reason: 'exceeds_captured', entry: entry(account, 'refund', amount, { refundId, status: 'declined', reason: 'exceeds_captured' }) })
  }
  account.refunded += amount
  return said('succeeded', { entry: entry(account, 'refund', amount, { refundId }) })
}
