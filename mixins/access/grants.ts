import { SignJWT, jwtVerify } from 'jose'
import { problem } from '../primitives/problem.ts'
import type { Money } from '../primitives/money.ts'
import { AUDIENCE, ISSUER, signingKey, verificationKey } from './keys.ts'

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
const TYPE = 'grant+jwt'

/** Signs a grant: the auth worker does so when a proof of identity is held. */
export async function signGrant({ userId, holder, amount }: Grant): Promise<string> {
  const { kid, key } = signingKey()
  return new SignJWT({ holder, amount: amount.amount, currency: amount.currency })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE.payment)
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(`${GRANT_SECONDS}s`)
    .sign(key)
}

/**
 * The grant, when it is ours, alive, and for exactly this holder and amount; otherwise throws `identity-confirmation-required` (403).
 * The caller compares `userId` with the owner of what it is about to charge.
 */
export async function verifyGrant(grant: string, wanted: { holder: string; amount: Money }): Promise<Grant> {
  const claims = await jwtVerify(grant, verificationKey, { algorithms: ['EdDSA'], typ: TYPE, issuer: ISSUER, audience: AUDIENCE.payment, requiredClaims: ['sub', 'exp', 'iat'] }).then(
    ({ payload }) => payload,
    () => null
  )
  const matches = claims?.['holder'] === wanted.holder && claims['amount'] === wanted.amount.amount && claims['currency'] === wanted.amount.currency
  if (!claims?.sub || !matches) throw problem('identity-confirmation-required', 'The proof of identity does not cover this amount: confirm again.')
  return { userId: claims.sub, ...wanted }
}
