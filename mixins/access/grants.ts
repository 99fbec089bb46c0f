import { problem } from '../primitives/problem.ts'
import type { Money } from '../primitives/money.ts'
import { readSigned, signed } from './opaque.ts'

/** What a grant allows: this holder (an order, payment or subscription) may move this amount of this person's money. */
export interface Grant {
  userId: string
  holder: string
  amount: Money
}

/**
 * Seconds a grant lives: longer than any run of a saga's step with its retries. A saga that resumes later holds the proof again,
 * which answers a fresh grant for the same holder.
 */
const GRANT_SECONDS = 15 * 60
const PURPOSE = 'grant'

type Told = [userId: string, holder: string, amount: number, currency: string, expiresAt: number]

/** Signs a grant: the auth worker does so when a proof of identity is held. It never leaves the marketplace's own processes. */
export function signGrant({ userId, holder, amount }: Grant): string {
  const told: Told = [userId, holder, amount.amount, amount.currency, Date.now() + GRANT_SECONDS * 1_000]
  return signed(PURPOSE, Buffer.from(JSON.stringify(told)).toString('base64url'))
}

/**
 * The grant, when it is ours, alive, and for exactly this holder and amount; otherwise throws `identity-confirmation-required` (403).
 * The caller compares `userId` with the owner of what it is about to charge.
 */
export function verifyGrant(grant: string, wanted: { holder: string; amount: Money }): Grant {
  const message = readSigned(PURPOSE, grant)
  const [userId, holder, amount, currency, expiresAt] = message === null ? [] : (JSON.parse(Buffer.from(message, 'base64url').toString()) as Told)
  const matches = holder === wanted.holder && amount === wanted.amount.amount && currency === wanted.amount.currency
  if (!userId || !matches || expiresAt! <= Date.now()) throw problem('identity-confirmation-required', 'The proof of identity does not cover this amount: confirm again.')
  return { userId, ...wanted }
}
