import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { anything } from '../../../mixins/primitives/schema.ts'
import { publicAction, service } from '../../../mixins/runtime/service.ts'
import { startHttpShop, type HttpShop } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'

const waiting: (() => void)[] = []
const tiny = service({
  name: 'tiny',
  actions: {
    get: publicAction({ params: {}, returns: anything() }, { rest: 'GET /tiny', auth: 'anyone', summary: 'Tiny' }, () => ({ ok: true })),
    slow: publicAction({ params: {}, returns: anything() }, { rest: 'GET /slow', auth: 'anyone', summary: 'Waits' }, async () => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return { ok: true }
    })
  }
})

let shop: HttpShop
const settings = { SOUK_LIMIT_REQUESTS_PER_MINUTE: '5', SOUK_LIMIT_AUTH_PER_MINUTE: '3', SOUK_TRUSTED_PROXIES: '2', SOUK_CORS_ORIGINS: 'https://shop.example' }
beforeAll(async () => {
  Object.assign(process.env, settings)
  shop = await startHttpShop(['auth.worker', 'auth'], [tiny])
})
afterAll(async () => {
  for (const name of Object.keys(settings)) delete process.env[name]
  await shop.stop()
})

const from = (address: string) => ({ 'x-forwarded-for': `6.6.6.6, ${address}, 10.0.0.1` })

describe('limits', () => {
  test('count requests per address that our own proxies saw, not per address a client claims', async () => {
    const statuses = []
    for (let i = 0; i < 7; i++) statuses.push((await shop.send('GET', '/tiny', { headers: { 'x-forwarded-for': `1.1.1.${i}, 9.9.9.9, 10.0.0.1` } })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
    const limited = await shop.send('GET', '/tiny', { headers: from('9.9.9.9') })
    expect([limited.body.type, Number(limited.headers.get('retry-after')) <= 60]).toEqual(['/problems/rate-limited', true])
    expect((await shop.send('GET', '/tiny', { headers: from('8.8.8.8') })).status).toBe(200)
  })

  test('spare this machine, except for signing in', async () => {
    for (let i = 0; i < 8; i++) expect((await shop.send('GET', '/tiny')).status).toBe(200)
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push((await shop.send('POST', '/auth/login', { body: { email: `a${i}@souk.example`, password: 'wrong wrong' } })).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
  })
})

describe('other origins', () => {
  test('read answers when they are configured, and only then', async () => {
    const mine = await shop.send('GET', '/tiny', { headers: { origin: 'https://shop.example' } })
    expect([mine.headers.get('access-control-allow-origin'), mine.headers.get('access-control-allow-credentials')]).toEqual(['https://shop.example', 'true'])
    const theirs = await shop.send('GET', '/tiny', { headers: { origin: 'https://evil.example' } })
    expect([theirs.status, theirs.headers.get('access-control-allow-origin')]).toEqual([200, null])
    const failed = await shop.send('GET', '/none', { headers: { origin: 'https://shop.example' } })
    expect([failed.status, failed.headers.get('access-control-allow-origin')]).toEqual([404, 'https://shop.example'])
  })

  test('are told by a preflight what they may send', async () => {
    const preflight = (origin: string) => shop.send('OPTIONS', '/tiny', { headers: { origin, 'access-control-request-method': 'GET' } })
    const mine = await preflight('https://shop.example')
    expect([mine.status, mine.headers.get('access-control-allow-headers')]).toEqual([204, expect.stringContaining('Idempotency-Key')])
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-headers')).toBeNull()
  })
})

test('too much at once is refused at once, what is under way is not disturbed', async () => {
  const under = Array.from({ length: 1_000 }, () => shop.send('GET', '/slow'))
  await until('a thousand calls are under way', () => waiting.length === 1_000)
  const refused = await shop.send('GET', '/tiny')
  expect([refused.status, refused.body.type, refused.headers.get('retry-after')]).toEqual([503, '/problems/overloaded', '1'])
  expect((await shop.send('GET', '!/healthz')).status).toBe(200)
  for (const release of waiting) release()
  expect(new Set((await Promise.all(under)).map((r) => r.status))).toEqual(new Set([200]))
  expect((await shop.send('GET', '/tiny')).status).toBe(200)
})
