import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { call } from '../../../mixins/runtime/calls.ts'
import { service, workerAction } from '../../../mixins/runtime/service.ts'
import type {} from '../../../services/auth/auth.contract.ts'
import { cartActions } from '../../../services/cart/cart.contract.ts'
import { startHttpShop, type HttpShop } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'

let shop: HttpShop
const password = 'correct horse battery 7'
const address = { name: 'Ada', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' }
const merged: { from: string; to: string }[] = []
let cartIsDown = false

/** The cart's owner, as far as signing in knows it. */
const cart = service({
  name: 'cart.worker',
  actions: {
    merge: workerAction(cartActions['cart.worker.merge'], {
      async handler(ctx) {
        if (cartIsDown) throw new Error('down')
        merged.push(ctx.params)
        return { outcome: 'merged' as const }
      }
    })
  }
})

async function someone(headers: Record<string, string> = {}) {
  const email = `a-${Math.random().toString(36).slice(2)}@souk.example`
  const { body } = await shop.send('POST', '/auth/register', { body: { email, password, name: 'Ada' }, headers })
  return { email, id: body.user.id as string, token: body.accessToken as string }
}

async function admin() {
  const who = await someone()
  await call(shop.broker, 'auth.worker.setRoles', { userId: who.id, roles: ['admin'], by: who.id })
  return who
}

beforeAll(async () => {
  shop = await startHttpShop(['auth.worker', 'auth'], [cart])
})
afterAll(() => shop.stop())

describe('addresses', () => {
  test('are the person\'s own: others\' are not found', async () => {
    const [ada, eve] = [await someone(), await someone()]
    const made = await shop.send('POST', '/me/addresses', { body: { ...address, phone: '+1 206 555 0100' }, token: ada.token })
    expect([made.status, made.body]).toEqual([201, { id: expect.any(String), ...address, phone: '+1 206 555 0100' }])
    const path = `/me/addresses/${made.body.id}`
    for (const method of ['PUT', 'DELETE']) expect((await shop.send(method, path, { ...(method === 'PUT' ? { body: address } : {}), token: eve.token })).status).toBe(404)
    expect((await shop.send('PUT', path, { body: { ...address, city: 'Tacoma' }, token: ada.token })).body).toEqual({ id: made.body.id, ...address, city: 'Tacoma' })
    const one = await shop.send('GET', path, { token: ada.token })
    expect([one.status, (await shop.send('GET', path, { token: eve.token })).status]).toEqual([200, 404])
    const put = (tag: string) => shop.send('PUT', path, { body: { ...address, city: 'Tacoma' }, token: ada.token, headers: { 'if-match': tag } })
    expect([(await put(made.headers.get('etag')!)).status, (await put(one.headers.get('etag')!)).status]).toEqual([412, 200])
    expect((await shop.send('GET', '/me/addresses', { token: ada.token })).body).toEqual({ items: [{ id: made.body.id, ...address, city: 'Tacoma' }], nextCursor: null })
    await expect(call(shop.broker, 'auth.worker.address', { userId: eve.id, addressId: made.body.id })).rejects.toMatchObject({ type: 'not-found' })
    expect((await shop.send('DELETE', path, { token: ada.token })).status).toBe(204)
    expect((await shop.send('DELETE', path, { token: ada.token })).status).toBe(404)
  })

  test('come in pages', async () => {
    const { token } = await someone()
    for (const city of ['A', 'B', 'C']) await shop.send('POST', '/me/addresses', { body: { ...address, city }, token })
    const first = (await shop.send('GET', '/me/addresses?limit=2', { token })).body
    const second = (await shop.send('GET', `/me/addresses?limit=2&cursor=${first.nextCursor}`, { token })).body
    expect([...first.items, ...second.items].map((a: { city: string }) => a.city)).toEqual(['A', 'B', 'C'])
    expect(second.nextCursor).toBeNull()
    expect((await shop.send('GET', '/me/addresses?cursor=nonsense', { token })).body.errors[0].field).toBe('cursor')
  })

  test('a repeated key adds one, an other body is refused, another person\'s key is their own', async () => {
    const [ada, eve] = [await someone(), await someone()]
    const add = (token: string, body: object, key = 'k-1') => shop.send('POST', '/me/addresses', { body, token, headers: { 'idempotency-key': key } })
    const [one, two] = await Promise.all([add(ada.token, address), add(ada.token, address)])
    const again = await add(ada.token, Object.fromEntries(Object.entries(address).reverse()))
    expect([one.status, two.status, again.status]).toEqual([201, 201, 201])
    for (const r of [two, again]) expect(r.body).toEqual(one.body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect((await add(ada.token, { ...address, city: 'Tacoma' })).body.type).toBe('/problems/idempotency-key-reused')
    expect((await add(eve.token, address)).body.id).not.toBe(one.body.id)
    expect((await shop.send('GET', '/me/addresses', { token: ada.token })).body.items.length).toBe(1)
    expect((await add(ada.token, address, 'two words')).status).toBe(400)
    expect((await add(ada.token, address, 'x'.repeat(256))).status).toBe(400)
  })
})

describe('the profile', () => {
  test('changes; a stale If-Match does not', async () => {
    const { token } = await someone()
    const etag = (await shop.send('GET', '/me', { token })).headers.get('etag')!
    expect((await shop.send('GET', '/me', { token, headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } })).status).toBe(304)
    const change = (name: string) => shop.send('PATCH', '/me', { body: { name }, token, headers: { 'if-match': etag } })
    const changed = await change('Grace')
    expect([changed.status, changed.body.name]).toEqual([200, 'Grace'])
    expect((await change('Eve')).body.type).toBe('/problems/version-conflict')
    expect((await shop.send('PATCH', '/me', { body: { name: 'Eve' }, token, headers: { 'if-match': changed.headers.get('etag')! } })).status).toBe(200)
    expect((await shop.send('PATCH', '/me', { body: { roles: ['admin'] }, token })).body.errors[0].field).toBe('roles')
  })

  test('another e-mail address needs the password and must be free', async () => {
    const [ada, eve] = [await someone(), await someone()]
    const change = (body: object) => shop.send('PATCH', '/me', { body, token: ada.token })
    expect((await change({ email: 'new@souk.example' })).body.errors).toEqual([{ field: 'password', code: 'required', message: expect.any(String) }])
    expect((await change({ email: 'new@souk.example', password: 'wrong wrong' })).status).toBe(401)
    expect((await change({ email: eve.email, password })).body.type).toBe('/problems/email-taken')
    expect((await change({ email: 'new@souk.example', password })).body.email).toBe('new@souk.example')
    expect((await shop.send('POST', '/auth/login', { body: { email: ada.email, password } })).status).toBe(401)
  })

  test('a subscription of an older version is ignored', async () => {
    const { id, token } = await someone()
    const subscription = { id: 's-1', plan: 'prime-monthly' as const, status: 'active' as const, renewsAt: '2027-01-01T00:00:00.000Z' }
    await call(shop.broker, 'auth.worker.setSubscription', { userId: id, subscription, version: 2 })
    await call(shop.broker, 'auth.worker.setSubscription', { userId: id, subscription: null, version: 1 })
    expect((await shop.send('GET', '/me', { token })).body.subscription).toEqual(subscription)
  })
})

describe('roles', () => {
  test('are for administrators to set, and hold at once in sessions that are open', async () => {
    const [root, bob] = [await admin(), await someone()]
    const path = `/users/${bob.id}/roles`
    expect((await shop.send('PUT', path, { body: { roles: ['admin'] }, token: bob.token })).body.type).toBe('/problems/forbidden')
    expect((await shop.send('PUT', path, { body: { roles: ['admin'] } })).status).toBe(401)
    expect((await shop.send('GET', '/users', { token: bob.token })).status).toBe(403)
    expect((await shop.send('PUT', path, { body: { roles: ['admin'] }, token: root.token })).body.roles).toEqual(['shopper', 'admin'])
    expect((await shop.send('GET', `/users?q=${bob.email.slice(0, 5)}`, { token: bob.token })).status).toBe(200)
    expect((await shop.send('PUT', path, { body: { roles: ['shopper'] }, token: root.token })).status).toBe(200)
    expect((await shop.send('GET', '/users', { token: bob.token })).status).toBe(403)
    expect((await shop.send('PUT', '/users/nobody/roles', { body: { roles: ['seller'] }, token: root.token })).status).toBe(404)
  })
})

describe('API keys', () => {
  test('act for their person, are shown once, and end at once', async () => {
    const { id, token } = await someone()
    const made = await shop.send('POST', '/me/api-keys', { body: { name: 'stock sync' }, token, headers: { 'idempotency-key': 'key-1' } })
    expect(made.status).toBe(201)
    const { key } = made.body
    const again = await shop.send('POST', '/me/api-keys', { body: { name: 'stock sync' }, token, headers: { 'idempotency-key': 'key-1' } })
    expect(again.body).toEqual(made.body)
    const listed = (await shop.send('GET', '/me/api-keys', { token })).body.items
    expect([listed.length, JSON.stringify(listed).includes(key)]).toEqual([1, false])
    const rows = await shop.databases.query('SELECT to_jsonb(k)::text || coalesce((SELECT string_agg(answer::text, \'\') FROM auth.idempotency), \'\') AS all FROM auth.api_key k')
    expect(JSON.stringify(rows)).not.toContain(key)

    const me = await shop.send('GET', '/me', { headers: { 'souk-key': key } })
    expect([me.status, me.body.id]).toEqual([200, id])
    expect((await shop.send('POST', '/me/api-keys', { body: { name: 'x' }, headers: { 'souk-key': key } })).status).toBe(403)
    await call(shop.broker, 'auth.worker.grantRole', { userId: id, role: 'admin', by: id })
    expect((await shop.send('GET', '/users', { headers: { 'souk-key': key } })).status).toBe(200)
    expect((await shop.send('DELETE', `/me/api-keys/${made.body.id}`, { token: (await someone()).token })).status).toBe(404)
    expect((await shop.send('DELETE', `/me/api-keys/${made.body.id}`, { token })).status).toBe(204)
    expect((await shop.send('GET', '/me', { headers: { 'souk-key': key } })).status).toBe(401)
    expect((await shop.send('GET', '/me', { headers: { 'souk-key': `${key}x` } })).status).toBe(401)
  })
})

describe("a guest's cart", () => {
  const guest = { 'souk-cart': 'guest-token-of-some-length' }

  test('is handed over before signing in is answered', async () => {
    const { id } = await someone(guest)
    expect(merged.at(-1)).toEqual({ from: expect.stringMatching(/^g\./), to: id })
  })

  test('that cannot be handed over does not keep anybody out, and is not lost', async () => {
    cartIsDown = true
    const { id } = await someone({ 'souk-cart': 'another-guest-token-of-some-length' })
    cartIsDown = false
    expect(merged.some(({ to }) => to === id)).toBe(false)
    await shop.databases.query('UPDATE auth.cart_merge SET next_at = now()')
    await until('the sweeper has merged the cart', () => merged.some(({ to }) => to === id))
    await until('nothing waits', async () => (await shop.databases.query('SELECT 1 FROM auth.cart_merge')).length === 0)
  })
})

test('demo accounts are made once, and production refuses them', async () => {
  const accounts = [{ email: 'seller@souk.example', password: 'souk-demo-2026', name: 'Sally', roles: ['seller' as const] }]
  const first = await call(shop.broker, 'auth.worker.seedAccounts', { accounts })
  expect(await call(shop.broker, 'auth.worker.seedAccounts', { accounts })).toEqual(first)
  const login = await shop.send('POST', '/auth/login', { body: { email: 'seller@souk.example', password: 'souk-demo-2026' } })
  expect(login.body.user.roles).toEqual(['shopper', 'seller'])
  process.env['SOUK_DEMO'] = '0'
  try {
    await expect(call(shop.broker, 'auth.worker.seedAccounts', { accounts })).rejects.toMatchObject({ type: 'forbidden' })
    const worker = shop.broker.getLocalService('auth.worker') as unknown as { schema: { started: (() => Promise<void>)[] } }
    await expect(worker.schema.started.at(-1)!.call(worker)).rejects.toThrow(/demo accounts/)
  } finally {
    delete process.env['SOUK_DEMO']
  }
})

test('events of an account go out through the outbox, numbered', async () => {
  const { id } = await someone()
  const rows = await shop.databases.query<{ topic: string; number: number }>(`SELECT topic, number::int FROM auth.outbox WHERE aggregate = $1 ORDER BY number`, [`user/${id}`])
  expect(rows).toEqual([{ topic: 'user_registered', number: 1 }, { topic: 'user_signed_in', number: 2 }])
})
