import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { verifyGrant } from '../../../mixins/access/grants.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import type {} from '../../../services/auth/auth.contract.ts'
import { hotp, stepAt } from '../../../services/auth/totp.ts'
import { startHttpShop, type HttpShop } from '../../support/gateway.ts'

let shop: HttpShop
let person: { userId: string; sessionId: string; token: string }
const password = 'correct horse battery 7'
const amount = { amount: 1_999, currency: 'USD' }

async function someone() {
  const { body } = await shop.send('POST', '/auth/register', { body: { email: `p-${Math.random().toString(36).slice(2)}@souk.example`, password, name: 'Ada' } })
  const sessions = await shop.send('GET', '/me/sessions', { token: body.accessToken })
  return { userId: body.user.id as string, sessionId: sessions.body.items[0].id as string, token: body.accessToken as string }
}

const confirm = async (who = person, purpose = 'checkout') => (await shop.send('POST', '/auth/confirm', { body: { method: 'password', secret: password, purpose }, token: who.token })).body.confirmation as string
const hold = (confirmation: string | undefined, holder: string, over: object = {}) =>
  call(shop.broker, 'auth.worker.holdProof', { ...(confirmation ? { confirmation } : {}), userId: person.userId, sessionId: person.sessionId, purpose: 'checkout' as const, holder, amount, ...over })
const refused = expect.objectContaining({ type: 'identity-confirmation-required' }) as unknown as Error
const refusal = (promise: Promise<unknown>) => promise.then(() => null, problemType)

beforeAll(async () => {
  shop = await startHttpShop(['auth.worker', 'auth'])
  person = await someone()
})
afterAll(() => shop.stop())

describe('a proof of identity', () => {
  test('is held by one holder, and its grant covers exactly what it was held for', async () => {
    const { grant } = await hold(await confirm(), 'order-1')
    expect(verifyGrant(grant, { holder: 'order-1', amount })).toEqual({ userId: person.userId, holder: 'order-1', amount })
    expect(() => verifyGrant(grant, { holder: 'order-2', amount })).toThrow(refused)
    expect(() => verifyGrant(grant, { holder: 'order-1', amount: { ...amount, amount: 2_000 } })).toThrow(refused)
    expect(() => verifyGrant(person.token, { holder: 'order-1', amount })).toThrow(refused)
  })

  test.each([
    ['missing', async () => hold(undefined, 'r-1')],
    ['wrong', async () => hold('x'.repeat(43), 'r-2')],
    ['for another purpose', async () => hold(await confirm(person, 'payment'), 'r-3')],
    ['of another person', async () => hold(await confirm(), 'r-4', { userId: (await someone()).userId })],
    ['of another session', async () => hold(await confirm(), 'r-5', { sessionId: 'another' })],
    [
      'expired',
      async () => {
        const confirmation = await confirm()
        await shop.databases.query(`UPDATE auth.proof SET expires_at = now() WHERE holder IS NULL`)
        return hold(confirmation, 'r-6')
      }
    ]
  ])('that is %s is refused', async (_what, attempt) => {
    expect(await refusal(attempt())).toBe('identity-confirmation-required')
  })

  test('is taken by one of many holders at once', async () => {
    const confirmation = await confirm()
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => refusal(hold(confirmation, `race-${i}`))))
    expect(outcomes.filter((o) => o === null).length).toBe(1)
  })

  test('a wrong session asking first takes nothing from the right one', async () => {
    const confirmation = await confirm()
    const [wrong, right] = await Promise.all([refusal(hold(confirmation, 's-1', { sessionId: 'another' })), refusal(hold(confirmation, 's-2'))])
    expect([wrong, right]).toEqual(['identity-confirmation-required', null])
  })

  test('is idempotent by holder, also when it has expired or is spent since', async () => {
    const confirmation = await confirm()
    await Promise.all([hold(confirmation, 'same'), hold(confirmation, 'same')])
    await shop.databases.query(`UPDATE auth.proof SET expires_at = now() WHERE holder = 'same'`)
    await hold(undefined, 'same')
    await call(shop.broker, 'auth.worker.spendProof', { holder: 'same' })
    await hold(confirmation, 'same')
    expect(await refusal(hold(confirmation, 'same', { amount: { ...amount, amount: 1 } }))).toBe('identity-confirmation-required')
  })

  test('that was freed serves another; that was spent serves nobody', async () => {
    const confirmation = await confirm()
    await hold(confirmation, 'first')
    await call(shop.broker, 'auth.worker.freeProof', { holder: 'first' })
    await hold(confirmation, 'second')
    await call(shop.broker, 'auth.worker.spendProof', { holder: 'second' })
    await call(shop.broker, 'auth.worker.freeProof', { holder: 'second' })
    expect(await refusal(hold(confirmation, 'third'))).toBe('identity-confirmation-required')
    await call(shop.broker, 'auth.worker.spendProof', { holder: 'nobody' })
  })
})

describe('an authenticator', () => {
  const decode = (secret: string): Buffer => {
    const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
    return Buffer.from(bits.match(/.{8}/g)!.map((b) => parseInt(b, 2)))
  }

  test('counts once a code of it was given; each code serves once; its secret is sealed at rest', async () => {
    const { token, userId } = await someone()
    const withCode = (secret: string) => shop.send('POST', '/auth/confirm', { body: { method: 'totp', secret, purpose: 'payment' }, token })
    const { secret, uri } = (await shop.send('POST', '/me/totp', { token })).body
    expect(uri).toContain(`secret=${secret}`)
    const code = (drift: number) => hotp(decode(secret), stepAt(Date.now()) + drift)
    expect((await withCode(code(0))).status).toBe(401)
    expect((await shop.send('POST', '/me/totp/verify', { body: { code: '000000' }, token })).status).toBe(401)
    expect((await shop.send('POST', '/me/totp/verify', { body: { code: code(-1) }, token })).status).toBe(204)
    const used = code(0)
    expect((await withCode(used)).status).toBe(200)
    expect((await withCode(used)).status).toBe(401)
    expect((await withCode(code(-1))).status).toBe(401)
    const [row] = await shop.databases.query<{ totp_secret: string }>('SELECT totp_secret FROM auth.person WHERE id = $1', [userId])
    expect(row!.totp_secret).not.toContain(secret)
    expect((await shop.send('DELETE', '/me/totp', { token })).status).toBe(204)
    expect((await withCode(code(1))).status).toBe(401)
  })
})
