import { decodeJwt, jwtVerify, SignJWT } from 'jose'
import { BoundedMap } from '../primitives/bounded-map.ts'
import { AUDIENCE, ISSUER, signingKey, verificationKey } from './keys.ts'

/** What an access token says. Roles are not in it: they come from the session, so that a change holds at once. */
export interface AccessClaims {
  userId: string
  sessionId: string
  /** Home site of the person. */
  site: string
}

/** Seconds an access token lives. */
export const ACCESS_SECONDS = 600

/** Seconds a session lives after its last refresh. */
export const REFRESH_SECONDS = 30 * 24 * 3_600

const TYPE = 'at+jwt'
const CACHED_MAX = 20_000

/** Tokens whose signature was checked on this thread, until they expire; the oldest give way. */
const verified = new BoundedMap<string, { claims: AccessClaims; expiresAt: number }>(CACHED_MAX)

export async function signAccessToken({ userId, sessionId, site }: AccessClaims): Promise<string> {
  const { kid, key } = signingKey()
  return new SignJWT({ sid: sessionId, site })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE.api)
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(`${ACCESS_SECONDS}s`)
    .sign(key)
}

const text = (value: unknown): value is string => typeof value === 'string' && value !== ''

async function verify(token: string): Promise<AccessClaims | null> {
  try {
    const { payload } = await jwtVerify(token, verificationKey, { algorithms: ['EdDSA'], typ: TYPE, issuer: ISSUER, audience: AUDIENCE.api, requiredClaims: ['sub', 'exp', 'iat'] })
    const { sub, sid, site, exp } = payload
    if (!text(sub) || !text(sid) || !text(site)) return null
    const claims = { userId: sub, sessionId: sid, site }
    verified.set(token, { claims, expiresAt: exp! * 1_000 })
    return claims
  } catch {
    return null // whatever is wrong with it, the client learns one thing: it is not good
  }
}

/**
 * The claims of an access token that we signed for this API and that has not expired; null for anything else. It says nothing
 * about the session: ask the keys store. Answers at once for a token that this thread has seen.
 */
export function verifyAccessToken(token: string): AccessClaims | null | Promise<AccessClaims | null> {
  const known = verified.get(token)
  if (!known) return verify(token)
  if (known.expiresAt > Date.now()) return known.claims
  verified.delete(token)
  return null
}

/** The session that a token names, unchecked: only for finding the CSRF token it must come with. */
export function sessionNamedBy(token: string): string | null {
  try {
    const { sid } = decodeJwt(token)
    return text(sid) ? sid : null
  } catch {
    return null
  }
}
