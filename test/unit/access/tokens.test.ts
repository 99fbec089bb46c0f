import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { SignJWT, UnsecuredJWT } from 'jose'
import { signGrant, verifyGrant } from '../../../mixins/access/grants.ts'
import { signingKey } from '../../../mixins/access/keys.ts'
import { apiKeyOf, csrfTokenOf, isCsrfTokenOf, readRefreshToken, refreshTokenOf, seal, unseal } from '../../../mixins/access/opaque.ts'
import { ACCESS_SECONDS, signAccessToken, verifyAccessToken } from '../../../mixins/access/tokens.ts'

const newKey = (): string => generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
const claims = { userId: 'u1', sessionId: 's1', site: 'local' }
const first = newKey()

/** A token signed with our key that differs from ours in one way. */
const forged = (header: object, change: { iss?: string; aud?: string; exp?: number | string; sub?: string | undefined; sid?: unknown } = {}) => {
  const { kid, key } = signingKey()
  const jwt = new SignJWT({ sid: 'sid' in change ? change.sid : 's1', site: 'local' })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header })
    .setIssuer(change.iss ?? 'souk')
    .setAudience(change.aud ?? 'souk/api')
    .setIssuedAt()
    .setExpirationTime(change.exp ?? '5m')
  if (!('sub' in change)) jwt.setSubject('u1')
  return jwt.sign(key)
}

beforeAll(() => {
  process.env['SOUK_JWT_KEY'] = first
})
beforeEach(() => {
  process.env['SOUK_JWT_KEY'] = first
})
afterEach(() => {
  jest.useRealTimers()
})

describe('an access token', () => {
  test('says who, for ten minutes', async () => {
    const token = await signAccessToken(claims)
    expect(await verifyAccessToken(token)).toEqual(claims)
    expect(await verifyAccessToken(token)).toEqual(claims)
    jest.useFakeTimers({ now: Date.now() + (ACCESS_SECONDS + 1) * 1_000 })
    expect(await verifyAccessToken(token)).toBeNull()
  })

  test.each([
    ['of another kind', () => forged({ typ: 'JWT' })],
    ['that is a grant', () => signGrant({ userId: 'u1', holder: 'o1', amount: { amount: 1, currency: 'USD' } })],
    ['for another audience', () => forged({}, { aud: 'souk/payment' })],
    ['of another issuer', () => forged({}, { iss: 'bazaar' })],
    ['that has expired', () => forged({}, { exp: Math.floor(Date.now() / 1_000) - 1 })],
    ['of nobody', () => forged({}, { sub: undefined })],
    ['of no session', () => forged({}, { sid: 7 })],
    ['with an unknown key id', () => forged({ kid: 'other' })],
    ['that is not signed', () => new UnsecuredJWT({ sub: 'u1', sid: 's1', site: 'local' }).setIssuer('souk').setAudience('souk/api').setIssuedAt().setExpirationTime('5m').encode()],
    ['signed with the public key as a secret', () => new SignJWT({ sid: 's1', site: 'local' }).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: signingKey().kid }).setIssuer('souk').setAudience('souk/api').setSubject('u1').setIssuedAt().setExpirationTime('5m').sign(Buffer.alloc(32))],
    ['that was altered', async () => (await signAccessToken(claims)).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ sub: 'u2' })).toString('base64url')}.`)],
    ['that is no token', () => 'x.y.z']
  ])('%s is not good', async (_what, make) => {
    expect(await verifyAccessToken(await make())).toBeNull()
  })

  test('of the key before is good after a rotation, until that key is taken out', async () => {
    const old = await signAccessToken(claims)
    const second = newKey()
    process.env['SOUK_JWT_KEY'] = second + first
    expect(await verifyAccessToken(old)).toEqual(claims)
    const young = await signAccessToken(claims)
    process.env['SOUK_JWT_KEY'] = second
    expect(await verifyAccessToken(young)).toEqual(claims)
  })
})

describe('a grant', () => {
  test('does not outlive a quarter of an hour', () => {
    const wanted = { holder: 'o1', amount: { amount: 1, currency: 'USD' } }
    const refused = expect.objectContaining({ type: 'identity-confirmation-required' }) as unknown as Error
    const grant = signGrant({ userId: 'u1', ...wanted })
    expect(verifyGrant(grant, wanted)).toEqual({ userId: 'u1', ...wanted })
    expect(() => verifyGrant(grant, { ...wanted, amount: { amount: 1, currency: 'EUR' } })).toThrow(refused)
    expect(() => verifyGrant(refreshTokenOf('u1', 1), wanted)).toThrow(refused)
    jest.useFakeTimers({ now: Date.now() + 901_000 })
    expect(() => verifyGrant(grant, wanted)).toThrow(refused)
  })
})

describe('opaque tokens', () => {
  test('are read back, under the keys of now and before', () => {
    const token = refreshTokenOf('s1', 3)
    expect(refreshTokenOf('s1', 3)).toBe(token)
    expect(readRefreshToken(token)).toEqual({ sessionId: 's1', generation: 3 })
    process.env['SOUK_JWT_KEY'] = newKey() + first
    expect(readRefreshToken(token)).toEqual({ sessionId: 's1', generation: 3 })
    process.env['SOUK_JWT_KEY'] = newKey()
    expect(readRefreshToken(token)).toBeNull()
  })

  test('of one purpose are nothing for another', () => {
    expect(readRefreshToken(apiKeyOf('s1.3').slice('souk_'.length))).toBeNull()
    for (const bad of ['', '...', 's1.3', `${refreshTokenOf('s1', 3)}=`]) expect(readRefreshToken(bad)).toBeNull()
    expect(isCsrfTokenOf('s1', csrfTokenOf('s1'))).toBe(true)
    expect(isCsrfTokenOf('s2', csrfTokenOf('s1'))).toBe(false)
  })

  test('what is sealed opens for its owner only', () => {
    const sealed = seal('totp', 'u1', Buffer.from('secret'))
    expect(unseal('totp', 'u1', sealed).toString()).toBe('secret')
    expect(() => unseal('totp', 'u2', sealed)).toThrow()
    expect(() => unseal('other', 'u1', sealed)).toThrow()
    expect(() => unseal('totp', 'u1', sealed.slice(0, -2) + 'AA')).toThrow()
  })
})
