import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startHttpShop, type HttpShop } from '../../support/gateway.ts'

let shop: HttpShop
const password = 'correct horse battery 7'
const email = (name: string): string => `${name}-${Math.random().toString(36).slice(2)}@souk.example`
const register = async (address = email('ada')) => ({ ...(await shop.send('POST', '/auth/register', { body: { email: address, password, name: 'Ada Buyer' } })).body, email: address })

beforeAll(async () => {
  shop = await startHttpShop(['auth.worker', 'auth'])
})
afterAll(() => shop.stop())

describe('registering', () => {
  test('makes an account and signs it in', async () => {
    const r = await shop.send('POST', '/auth/register', { body: { email: 'Grace@Souk.Example', password, name: 'Grace' } })
    expect(r.status).toBe(201)
    expect(r.body).toEqual({ user: { id: expect.any(String), email: 'Grace@Souk.Example', name: 'Grace', roles: ['shopper'], subscription: null }, accessToken: expect.any(String), refreshToken: expect.any(String), expiresIn: 600 })
    expect((await shop.send('GET', '/me', { token: r.body.accessToken })).body).toEqual(r.body.user)
  })

  test('refuses an address that is taken, in whatever case', async () => {
    const { email: taken } = await register()
    const r = await shop.send('POST', '/auth/register', { body: { email: taken.toUpperCase(), password, name: 'x' } })
    expect([r.status, r.body.type]).toEqual([409, '/problems/email-taken'])
  })

  test('makes one account of many requests at once', async () => {
    const address = email('race')
    const rs = await Promise.all(Array.from({ length: 5 }, () => shop.send('POST', '/auth/register', { body: { email: address, password, name: 'x' } })))
    expect(rs.map((r) => r.status).sort()).toEqual([201, 409, 409, 409, 409])
  })

  test.each([
    ['short', '1234567', 'too-short'],
    ['common', 'Password123', 'common'],
    ['of one letter', 'aaaaaaaaaaaa', 'common'],
    ['long', 'x'.repeat(129), 'too-long']
  ])('refuses a %s password', async (_what, weak, code) => {
    const r = await shop.send('POST', '/auth/register', { body: { email: email('weak'), password: weak, name: 'x' } })
    expect([r.status, r.body.errors]).toEqual([422, [{ field: 'password', code, message: expect.any(String) }]])
  })

  test('names every field that is not right, unknown ones too', async () => {
    const r = await shop.send('POST', '/auth/register', { body: { email: 'nobody', password, roles: ['admin'], admin: true } })
    expect(r.status).toBe(422)
    expect(r.body.errors.map((e: { field: string; code: string }) => `${e.field} ${e.code}`).sort()).toEqual(['admin unknown', 'email format', 'name required', 'roles unknown'])
  })
})

describe('signing in', () => {
  test('an unknown address and a wrong password look the same', async () => {
    const { email: known } = await register()
    const wrong = await shop.send('POST', '/auth/login', { body: { email: known, password: 'wrong wrong' } })
    const unknown = await shop.send('POST', '/auth/login', { body: { email: email('nobody'), password: 'wrong wrong' } })
    expect([wrong.status, wrong.body.type]).toEqual([401, '/problems/invalid-credentials'])
    expect({ ...unknown.body, instance: '' }).toEqual({ ...wrong.body, instance: '' })
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  test('takes no notice of a dead token', async () => {
    const { email: known } = await register()
    expect((await shop.send('POST', '/auth/login', { body: { email: known, password }, token: 'dead' })).status).toBe(200)
  })

  test('stops guessing at an account, with a true Retry-After, and nobody else', async () => {
    const victim = await register()
    const other = await register()
    const guesses = await Promise.all(Array.from({ length: 20 }, () => shop.send('POST', '/auth/login', { body: { email: victim.email, password: 'wrong wrong' } })))
    expect(new Set(guesses.map((r) => r.status))).toEqual(new Set([401]))
    const locked = await shop.send('POST', '/auth/login', { body: { email: victim.email, password } })
    expect([locked.status, locked.body.type]).toEqual([429, '/problems/rate-limited'])
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(locked.headers.get('retry-after'))).toBeLessThanOrEqual(900)
    expect((await shop.send('POST', '/auth/login', { body: { email: other.email, password } })).status).toBe(200)
    expect((await shop.send('POST', '/auth/confirm', { body: { method: 'password', secret: password, purpose: 'checkout' }, token: victim.accessToken })).status).toBe(200)
  })
})

describe('sessions', () => {
  test('a refresh token rotates; a lost answer is given again; the token before ends the family', async () => {
    const { refreshToken: first } = await register()
    const refresh = (refreshToken: string) => shop.send('POST', '/auth/refresh', { body: { refreshToken } })
    const second = (await refresh(first)).body
    expect(second.refreshToken).not.toBe(first)
    expect((await refresh(first)).body.refreshToken).toBe(second.refreshToken)
    const third = (await refresh(second.refreshToken)).body
    expect((await shop.send('GET', '/me', { token: third.accessToken })).status).toBe(200)
    const reused = await refresh(first)
    expect([reused.status, reused.body.type]).toEqual([401, '/problems/token-expired'])
    expect((await refresh(third.refreshToken)).status).toBe(401)
    for (const token of [second.accessToken, third.accessToken]) expect((await shop.send('GET', '/me', { token })).status).toBe(401)
  })

  test('a used token is reuse after ten seconds', async () => {
    const { refreshToken, accessToken } = await register()
    const next = (await shop.send('POST', '/auth/refresh', { body: { refreshToken } })).body
    await shop.databases.query(`UPDATE auth.session SET rotated_at = rotated_at - interval '11 seconds'`)
    expect((await shop.send('POST', '/auth/refresh', { body: { refreshToken } })).status).toBe(401)
    expect((await shop.send('POST', '/auth/refresh', { body: { refreshToken: next.refreshToken } })).status).toBe(401)
    expect((await shop.send('GET', '/me', { token: accessToken })).status).toBe(401)
  })

  test('ten refreshes at once have one successor', async () => {
    const { refreshToken } = await register()
    const rs = await Promise.all(Array.from({ length: 10 }, () => shop.send('POST', '/auth/refresh', { body: { refreshToken } })))
    expect(new Set(rs.map((r) => r.status))).toEqual(new Set([200]))
    expect(new Set(rs.map((r) => r.body.refreshToken)).size).toBe(1)
  })

  test('a refresh token that was altered, or is an access token, is dead', async () => {
    const { refreshToken, accessToken } = await register()
    for (const bad of [`${refreshToken}x`, refreshToken.replace(/\.1\./, '.2.'), accessToken, 'x']) {
      expect((await shop.send('POST', '/auth/refresh', { body: { refreshToken: bad } })).status).toBe(401)
    }
    expect((await shop.send('GET', '/me', { token: accessToken })).status).toBe(200)
  })

  test('logout ends the session at once, its refresh token too; other sessions live', async () => {
    const { email: address, accessToken, refreshToken } = await register()
    const other = (await shop.send('POST', '/auth/login', { body: { email: address, password } })).body
    const r = await shop.send('POST', '/auth/logout', { body: {}, token: accessToken })
    expect([r.status, r.body]).toEqual([204, ''])
    expect((await shop.send('GET', '/me', { token: accessToken })).body.type).toBe('/problems/token-expired')
    expect((await shop.send('POST', '/auth/refresh', { body: { refreshToken } })).status).toBe(401)
    expect((await shop.send('GET', '/me', { token: other.accessToken })).status).toBe(200)
    expect((await shop.send('POST', '/auth/logout', { token: accessToken })).status).toBe(204)
  })

  test('are listed, and ended from another one', async () => {
    const one = await register()
    const two = (await shop.send('POST', '/auth/login', { body: { email: one.email, password }, headers: { 'user-agent': 'Phone' } })).body
    const { items } = (await shop.send('GET', '/me/sessions', { token: one.accessToken })).body
    expect(items.map((s: { current: boolean; userAgent: string }) => [s.current, s.userAgent === 'Phone'])).toEqual([[false, true], [true, false]])
    const stranger = await register()
    expect((await shop.send('DELETE', `/me/sessions/${items[0].id}`, { token: stranger.accessToken })).status).toBe(404)
    expect((await shop.send('DELETE', `/me/sessions/${items[0].id}`, { token: one.accessToken })).status).toBe(204)
    expect((await shop.send('GET', '/me', { token: two.accessToken })).status).toBe(401)
    expect((await shop.send('GET', '/me', { token: one.accessToken })).status).toBe(200)
  })

  test('a new password ends all others, and the old one opens nothing', async () => {
    const one = await register()
    const two = (await shop.send('POST', '/auth/login', { body: { email: one.email, password } })).body
    const change = (currentPassword: string) => shop.send('PUT', '/me/password', { body: { currentPassword, newPassword: 'another staple 9' }, token: one.accessToken })
    expect((await change('wrong wrong')).status).toBe(401)
    expect((await change(password)).status).toBe(204)
    expect((await shop.send('GET', '/me', { token: two.accessToken })).status).toBe(401)
    expect((await shop.send('GET', '/me', { token: one.accessToken })).status).toBe(200)
    expect((await shop.send('POST', '/auth/login', { body: { email: one.email, password } })).status).toBe(401)
    expect((await shop.send('POST', '/auth/login', { body: { email: one.email, password: 'another staple 9' } })).status).toBe(200)
  })
})

describe('cookies', () => {
  const jar = (headers: Headers) => headers.getSetCookie().map((c) => c.split(';', 1)[0]).join('; ')

  test('carry the session for pages, tokens stay out of the answer, and unsafe requests need the CSRF token', async () => {
    const { email: address } = await register()
    const r = await shop.send('POST', '/auth/login', { body: { email: address, password }, headers: { 'souk-session': 'cookie' } })
    expect(Object.keys(r.body).sort()).toEqual(['expiresIn', 'user'])
    for (const c of r.headers.getSetCookie()) expect(c).toMatch(/SameSite=Strict/)
    expect(r.headers.getSetCookie().filter((c) => /HttpOnly/.test(c)).length).toBe(2)
    const cookie = jar(r.headers)
    const csrf = /souk_csrf=([^;]+)/.exec(cookie)![1]!
    expect((await shop.send('GET', '/me', { headers: { cookie } })).status).toBe(200)
    expect((await shop.send('PATCH', '/me', { body: { name: 'Eve' }, headers: { cookie } })).status).toBe(403)
    expect((await shop.send('PATCH', '/me', { body: { name: 'Eve' }, headers: { cookie, 'souk-csrf': 'x'.repeat(43) } })).status).toBe(403)
    expect((await shop.send('PATCH', '/me', { body: { name: 'Ada' }, headers: { cookie, 'souk-csrf': csrf } })).body.name).toBe('Ada')
    expect((await shop.send('POST', '/auth/refresh', { body: {}, headers: { cookie } })).status).toBe(403)
    const next = await shop.send('POST', '/auth/refresh', { body: {}, headers: { cookie, 'souk-csrf': csrf } })
    expect([next.status, next.body.refreshToken]).toEqual([200, undefined])
    const renewed = jar(next.headers)
    expect((await shop.send('POST', '/auth/logout', { headers: { cookie: renewed } })).status).toBe(403)
    const out = await shop.send('POST', '/auth/logout', { headers: { cookie: renewed, 'souk-csrf': csrf } })
    expect([out.status, out.headers.getSetCookie().every((c) => /Max-Age=0/.test(c))]).toEqual([204, true])
    expect((await shop.send('GET', '/me', { headers: { cookie: renewed } })).status).toBe(401)
  })

  test('of another site do not sign in a page that has none of them', async () => {
    const { email: address } = await register()
    const r = await shop.send('POST', '/auth/login', { body: { email: address, password }, headers: { cookie: 'souk_access=stale; souk_refresh=stale' } })
    expect(r.status).toBe(200)
  })
})
