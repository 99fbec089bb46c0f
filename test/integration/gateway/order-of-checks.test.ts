import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { anything, int, optional, text } from '../../../mixins/primitives/schema.ts'
import { publicAction, service } from '../../../mixins/runtime/service.ts'
import { startHttpShop, type HttpShop } from '../../support/gateway.ts'

let runs = 0
const desk = service({
  name: 'desk',
  actions: {
    place: publicAction({ params: { amount: int({ min: 1 }), confirmation: optional(text()) }, returns: anything() }, { rest: 'POST /desk', auth: ['seller'], summary: 'Place', idempotent: 'required' }, (ctx) => {
      runs++
      return ctx.meta.operation ?? null
    }),
    note: publicAction({ params: { text: text() }, returns: anything() }, { rest: 'POST /desk/notes', auth: 'guest', summary: 'Note', idempotent: 'honoured' }, (ctx) => ({ operation: ctx.meta.operation ?? null, caller: ctx.meta.caller })),
    open: publicAction({ params: {}, returns: anything() }, { rest: 'GET /desk', auth: 'anyone', summary: 'Look' }, (ctx) => ({ caller: ctx.meta.caller }))
  }
})

let shop: HttpShop
let shopper: { token: string; id: string }
let seller: { token: string; id: string }

async function someone(roles: string[]): Promise<{ token: string; id: string }> {
  const email = `o-${Math.random().toString(36).slice(2)}@souk.example`
  const { body } = await shop.send('POST', '/auth/register', { body: { email, password: 'correct horse battery 7', name: 'Ada' } })
  await shop.broker.call('auth.worker.setRoles', { userId: body.user.id, roles, by: body.user.id })
  return { token: body.accessToken, id: body.user.id }
}

beforeAll(async () => {
  shop = await startHttpShop(['auth.worker', 'auth'], [desk])
  ;[shopper, seller] = [await someone(['shopper']), await someone(['seller'])]
})
afterAll(() => shop.stop())

const place = async (body: object, token?: string, key?: string) => {
  const r = await shop.send('POST', '/desk', { body, token, headers: key ? { 'idempotency-key': key } : {} })
  return [r.status, String(r.body?.type).split('/').at(-1)]
}

describe('what is wrong is told in this order', () => {
  test('schema, token, role, key', async () => {
    runs = 0
    expect(await place({ amount: 0 })).toEqual([422, 'validation-failed'])
    expect(await place({ amount: 1 })).toEqual([401, 'token-expired'])
    expect(await place({ amount: 1 }, 'dead')).toEqual([401, 'token-expired'])
    expect(await place({ amount: 1 }, shopper.token)).toEqual([403, 'forbidden'])
    expect(await place({ amount: 1 }, seller.token)).toEqual([400, 'idempotency-key-required'])
    expect(await place({ amount: 1 }, seller.token, 'a b')).toEqual([400, 'bad-request'])
    expect(runs).toBe(0)
    expect((await place({ amount: 1 }, seller.token, 'a-b'))[0]).toBe(200)
    expect(runs).toBe(1)
  })
})

describe('an operation id', () => {
  const operation = async (body: object, token = seller.token, key = 'k') => (await shop.send('POST', '/desk', { body, token, headers: { 'idempotency-key': key } })).body

  test('is the caller\'s and the operation\'s; the body\'s hash leaves key order and the confirmation out', async () => {
    const other = await someone(['seller'])
    const one = await operation({ amount: 1, confirmation: 'x' })
    expect(await operation({ confirmation: 'y', amount: 1 })).toEqual(one)
    expect(await operation({ amount: 1 })).toEqual(one)
    expect(await operation({ amount: 2 })).toEqual({ id: one.id, bodyHash: expect.not.stringMatching(one.bodyHash) })
    expect((await operation({ amount: 1 }, other.token)).id).not.toBe(one.id)
    expect((await operation({ amount: 1 }, seller.token, 'k2')).id).not.toBe(one.id)
  })

  test('is a cart token\'s too, and nobody\'s where nobody can be told apart', async () => {
    const note = (headers: Record<string, string>) => shop.send('POST', '/desk/notes', { body: { text: 'x' }, headers: { 'idempotency-key': 'k', ...headers } })
    const guest = (await note({ 'souk-cart': 'a-guest-token-of-some-length' })).body
    expect(guest).toEqual({ caller: { kind: 'guest', cartId: expect.stringMatching(/^g\./) }, operation: { id: expect.any(String), bodyHash: expect.any(String) } })
    expect((await note({ 'souk-cart': 'a-guest-token-of-some-length', 'idempotency-key': '' })).status).toBe(400) // who sends one counts on it
    expect((await note({})).body).toEqual({ caller: { kind: 'anonymous' }, operation: null })
    expect((await note({ 'souk-cart': 'not a token' })).body.caller).toEqual({ kind: 'anonymous' })
    const both = (await note({ 'souk-cart': 'a-guest-token-of-some-length', authorization: `Bearer ${shopper.token}` })).body
    expect(both.caller).toMatchObject({ kind: 'user', userId: shopper.id })
  })
})

test('where nobody need sign in, a dead token is still told, so that a client refreshes it', async () => {
  expect((await shop.send('GET', '/desk')).body.caller).toEqual({ kind: 'anonymous' })
  expect((await shop.send('GET', '/desk', { token: shopper.token })).body.caller).toMatchObject({ kind: 'user', userId: shopper.id })
  for (const authorization of ['Bearer dead', 'Basic YTpi', 'Bearer']) {
    const r = await shop.send('GET', '/desk', { headers: { authorization } })
    expect([r.status, r.body.type, r.headers.get('www-authenticate')]).toEqual([401, '/problems/token-expired', 'Bearer realm="souk", error="invalid_token"'])
  }
})
