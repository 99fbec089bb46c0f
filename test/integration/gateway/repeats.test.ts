import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { anything } from '../../../mixins/primitives/schema.ts'
import { answer, prepare, type Prepared } from '../../../mixins/runtime/prepared.ts'
import { publicAction, service } from '../../../mixins/runtime/service.ts'
import { signIn } from '../../support/callers.ts'
import { startHttpShop, type HttpShop } from '../../support/gateway.ts'

let text: Prepared | null
let calls = 0
let agains = 0

/** A face that gives what it has again while it has it. */
const reader = service({
  name: 'reader',
  actions: {
    read: publicAction({ params: {}, returns: anything() }, { rest: 'GET /page', auth: 'anyone', summary: 'A page', cacheSeconds: 9 }, () => {
      calls++
      text ??= prepare({ text: 'made anew' })
      return answer(text, () => {
        if (text) agains++
        return text
      })
    })
  }
})

const limits = { SOUK_LIMIT_REQUESTS_PER_MINUTE: '4', SOUK_TRUSTED_PROXIES: '1' }
let shop: HttpShop
beforeAll(async () => {
  Object.assign(process.env, limits)
  shop = await startHttpShop([], [reader])
})
afterAll(async () => {
  for (const name of Object.keys(limits)) delete process.env[name]
  await shop.stop()
})
beforeEach(async () => {
  text = prepare({ text: 'lorem ipsum '.repeat(1_000) })
  await shop.send('GET', '/page')
  calls = agains = 0
})

const read = (headers: Record<string, string> = {}) => shop.send('GET', '/page', { headers })

describe('what is read again', () => {
  test('is answered without a call, as it was before', async () => {
    const asked = await shop.send('GET', '/page?')
    calls = 0
    const again = await read({ 'x-request-id': 'mine-12345' })
    expect([calls, agains]).toEqual([0, 1])
    expect([again.status, again.body, again.headers.get('x-request-id')]).toEqual([200, asked.body, 'mine-12345'])
    const told = ({ headers }: typeof asked) => [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id')
    expect(told(again)).toEqual(told(asked))
  })

  test('is not sent to who has it, and is compressed for who takes it', async () => {
    const etag = (await read()).headers.get('etag')!
    expect((await read({ 'if-none-match': etag })).status).toBe(304)
    expect((await read({ 'accept-encoding': 'gzip' })).headers.get('content-encoding')).toBe('gzip')
    expect((await read({ 'accept-encoding': 'identity' })).headers.get('content-encoding')).toBeNull()
    expect(calls).toBe(0)
  })

  test('is what the face has now, and asked for when it has nothing', async () => {
    text = prepare({ text: 'newer' })
    expect((await read()).body).toEqual({ text: 'newer' })
    text = null
    expect((await read()).body).toEqual({ text: 'made anew' })
    expect(calls).toBe(1)
  })

  test('is asked for by whoever says who they are, so that a dead token is told', async () => {
    expect((await read({ authorization: 'Bearer nonsense' })).status).toBe(401)
    expect((await read({ 'souk-key': 'nonsense' })).status).toBe(401)
    expect((await read({ cookie: 'souk_access=nonsense' })).status).toBe(401)
    expect(agains).toBe(0)
    const { token } = (await signIn('ada')).meta.credentials
    expect((await shop.send('GET', '/page', { token })).status).toBe(200)
    expect((await read({ 'souk-cart': 'x'.repeat(40) })).status).toBe(200)
    expect([calls, agains]).toEqual([2, 0])
  })

  test('counts against the limit of an address', async () => {
    const statuses = []
    for (let i = 0; i < 6; i++) statuses.push((await read({ 'x-forwarded-for': '9.9.9.9' })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
    expect([calls, agains]).toEqual([4, 0])
  })

  test('is one path and method', async () => {
    expect((await shop.send('HEAD', '/page')).body).toBe('')
    expect((await shop.send('GET', '/page?a=1')).status).toBe(422)
    expect((await shop.send('POST', '/page', { body: {} })).status).toBe(405)
  })
})
