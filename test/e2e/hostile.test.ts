import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SignJWT, UnsecuredJWT, decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import { settledViolations } from '../support/clean-books.ts'
import { cleanUp } from '../support/node-process.ts'
import { Shopper, type Answer } from '../support/shopper.ts'
import { startWholeShop, type WholeShop } from '../support/whole-shop.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const SECRETS_MAX = 5
const SIGN_INS_MAX = 40

let shop: WholeShop
let seller: Shopper
let leaf: string
let offers: string[]

const typeOf = ({ body }: Answer): string => String(body?.['type']).split('/').at(-1)!
const unknownFields = ({ body }: Answer): string[] => ((body?.['errors'] ?? []) as { field: string; code: string }[]).filter((e) => e.code === 'unknown').map((e) => e.field).sort()

async function newShopper(): Promise<Shopper> {
  const shopper = new Shopper(shop.url)
  await shopper.register()
  return shopper
}

/** A request whose body or path no honest client would write. */
async function raw(method: string, path: string, { body, headers = {}, token }: { body?: string; headers?: Record<string, string>; token?: string | null } = {}): Promise<Answer> {
  const response = await fetch(`${shop.url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(20_000)
  })
  const text = await response.text()
  return { status: response.status, body: /json/.test(response.headers.get('content-type') ?? '') ? (JSON.parse(text) as Answer['body']) : { text }, headers: response.headers }
}

/** A request line as it is, which `fetch` would tidy up; answers the whole answer. */
const line = (target: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(shop.url).port), '127.0.0.1', () => socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`))
    let got = ''
    socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')))
    socket.on('close', () => resolve(got))
    socket.on('error', reject)
  })

const megabytes = async (): Promise<number> => {
  const metrics = await (await fetch(`${shop.operations}/metrics`)).text()
  return Number(/^souk_resident_bytes(?:\{[^}]*\})? (\S+)/m.exec(metrics)![1]) / 1e6
}

beforeAll(async () => {
  shop = await startWholeShop({
    SOUK_JWT_KEY: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    SOUK_TRUSTED_PROXIES: '1',
    SOUK_LIMIT_SECRETS_PER_15_MINUTES: String(SECRETS_MAX),
    SOUK_LIMIT_AUTH_PER_MINUTE: String(SIGN_INS_MAX),
    SOUK_LIMIT_REQUESTS_PER_MINUTE: '100000',
    SOUK_DEMO_CARRIER_S: '600'
  })
  seller = new Shopper(shop.url)
  seller.token = String((await seller.send('POST', '/auth/login', { email: 'seller@souk.example', password: 'souk-demo-2026' })).body['accessToken'])
  const categories = (await seller.send('GET', '/categories')).body['items'] as { id: string; slug: string; parentId: string | null }[]
  leaf = categories.find((c) => !categories.some((d) => d.parentId === c.id))!.slug
  const cards = (await seller.send('GET', '/products?limit=60')).body['items'] as { offerId: string; availability: string }[]
  offers = cards.filter((c) => c.availability === 'in_stock').map((c) => c.offerId)
}, 150_000)
afterAll(async () => {
  await cleanUp()
}, 40_000)

describe('a forged token', () => {
  const signed = (payload: JWTPayload, header: { alg?: string; typ?: string; kid?: string }, key: KeyObject | Uint8Array): Promise<string> => new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(key)

  test('opens nothing, however it was forged', async () => {
    const shopper = await newShopper()
    const good = shopper.token!
    const payload = decodeJwt(good)
    const { typ, kid } = decodeProtectedHeader(good) as { typ: string; kid: string }
    const [head, claims, signature] = good.split('.') as [string, string, string]
    const { refreshToken } = (await shopper.send('POST', '/auth/login', { email: (await shopper.send('GET', '/me')).body['email'], password: shopper.password })).body
    const { aud: _aud, ...nobodys } = payload
    const { exp: _exp, ...endless } = payload
    const forged: Record<string, string> = {
      'no algorithm': new UnsecuredJWT(payload).encode(),
      'algorithm none in our own token': `${Buffer.from(JSON.stringify({ alg: 'none', typ, kid })).toString('base64url')}.${claims}.`,
      'no signature': `${head}.${claims}.`,
      'claims changed': `${head}.${Buffer.from(JSON.stringify({ ...payload, sub: randomUUID() })).toString('base64url')}.${signature}`,
      'the public key as a shared secret': await signed(payload, { alg: 'HS256', typ, kid }, Buffer.from(publicKey.export({ format: 'pem', type: 'spki' }).toString())),
      'another key under our name': await signed(payload, { typ, kid }, generateKeyPairSync('ed25519').privateKey),
      'another audience': await signed({ ...payload, aud: 'souk/payment' }, { typ, kid }, privateKey),
      'no audience': await signed(nobodys, { typ, kid }, privateKey),
      'another issuer': await signed({ ...payload, iss: 'evil' }, { typ, kid }, privateKey),
      'a grant': await signed({ ...payload, aud: 'souk/payment', holder: 'x', amount: 1, currency: 'USD' }, { typ: 'grant+jwt', kid }, privateKey),
      'a grant for this audience': await signed(payload, { typ: 'grant+jwt', kid }, privateKey),
      'no type': await signed(payload, { kid }, privateKey),
      'no key id': await signed(payload, { typ }, privateKey),
      expired: await signed({ ...payload, exp: payload.exp! - 3_600, iat: payload.iat! - 3_600 }, { typ, kid }, privateKey),
      'never expiring': await signed(endless, { typ, kid }, privateKey),
      'an unknown session': await signed({ ...payload, sid: randomUUID() }, { typ, kid }, privateKey),
      "somebody else's session": await signed({ ...payload, sub: String((await seller.send('GET', '/me')).body['id']) }, { typ, kid }, privateKey),
      'a refresh token': String(refreshToken),
      'a key injected in the head': await signed(payload, { typ, kid: '../../dev/null' }, privateKey)
    }
    const got: Record<string, unknown> = {}
    for (const [how, token] of Object.entries(forged)) {
      const answers = await Promise.all([raw('GET', '/me', { token }), raw('POST', '/cart/lines', { token, body: JSON.stringify({ offerId: offers[0], quantity: 1 }) }), raw('POST', '/auth/refresh', { body: JSON.stringify({ refreshToken: how === 'a refresh token' ? good : token }) })])
      got[how] = answers.map((a) => a.status).join()
    }
    expect(got).toEqual(Object.fromEntries(Object.keys(forged).map((how) => [how, '401,401,401'])))
    expect((await raw('GET', '/me', { token: await signed(payload, { typ, kid }, privateKey) })).status).toBe(200) // so that nothing was refused for another reason
  })

  test('in a cookie does what it does in a header, and needs the CSRF token as well', async () => {
    const shopper = await newShopper()
    const cookie = `souk_access=${shopper.token}`
    expect((await raw('GET', '/me', { headers: { cookie } })).status).toBe(200)
    for (const headers of [{ cookie }, { cookie, 'souk-csrf': 'made-up' }, { cookie, 'souk-csrf': '' }]) {
      const answer = await raw('POST', '/cart/lines', { body: JSON.stringify({ offerId: offers[0], quantity: 1 }), headers: headers as Record<string, string> })
      expect([answer.status, typeOf(answer)]).toEqual([403, 'forbidden'])
    }
    expect((await shopper.send('GET', '/cart')).body['lines']).toEqual([])
  })
})

describe('fields that are not the client’s to set', () => {
  test('are refused by name and set nothing', async () => {
    const shopper = await newShopper()
    const email = `mass-${randomUUID()}@souk.example`
    const product = { title: 'Mass', brand: 'B', category: leaf, description: 'D' }
    const tries: [Shopper, string, string, object, string[]][] = [
      [new Shopper(shop.url), 'POST', '/auth/register', { email, password: 'correct horse battery 7', name: 'M', roles: ['admin'], id: 'u1', subscription: { plan: 'prime-yearly' } }, ['id', 'roles', 'subscription']],
      [shopper, 'PATCH', '/me', { name: 'M', roles: ['admin'], id: 'u1', password_hash: 'x' }, ['id', 'password_hash', 'roles']],
      [shopper, 'POST', '/me/addresses', { name: 'A', line1: 'B', city: 'C', region: 'WA', postalCode: '98101', country: 'US', userId: 'u1', id: 'a1' }, ['id', 'userId']],
      [shopper, 'POST', '/cart/lines', { offerId: offers[0], quantity: 1, unitPrice: { amount: 1, currency: 'USD' }, cartId: 'c1' }, ['cartId', 'unitPrice']],
      [shopper, 'POST', '/orders', { addressId: 'a', shippingMethod: 'standard', paymentMethodId: 'm', confirmation: 'c', status: 'confirmed', totals: { total: 1 }, buyerId: 'u1', orderId: 'o1', sessionId: 's1' }, ['buyerId', 'orderId', 'sessionId', 'status', 'totals']],
      [shopper, 'POST', '/payment-methods', { token: 'tok_demo_ok', label: 'x', userId: 'u1' }, ['userId']],
      [seller, 'POST', '/products', { ...product, id: 'p1', sellerId: 's1', rating: { average: 5, count: 9 }, editor: { admin: true } }, ['editor', 'id', 'rating', 'sellerId']],
      [seller, 'PUT', `/offers/${offers[0]}/stock`, { onHand: 1, warehouseId: 'w1', reserved: 0 }, ['reserved', 'warehouseId']]
    ]
    for (const [person, method, path, body, fields] of tries) {
      const answer = await person.send(method, path, body, { 'idempotency-key': randomUUID() })
      expect([path, answer.status, unknownFields(answer)]).toEqual([path, 422, fields])
    }
    expect((await shopper.send('GET', '/me')).body).toMatchObject({ name: 'Ada Buyer', roles: ['shopper'], subscription: null })
    expect((await new Shopper(shop.url).send('POST', '/auth/login', { email, password: 'correct horse battery 7' })).status).toBe(401)
  })

  test('nor are those that would change every object', async () => {
    const shopper = await newShopper()
    for (const body of [
      '{"name":"x","__proto__":{"roles":["admin"]}}',
      '{"name":"x","constructor":{"prototype":{"roles":["admin"]}}}',
      '{"__proto__":null,"name":"x","prototype":{}}',
      '{"name":"x","toString":"y","valueOf":1,"hasOwnProperty":0}'
    ]) expect([body, (await raw('PATCH', '/me', { body, token: shopper.token })).status]).toEqual([body, 422])
    const attributes = '{"title":"Proto","brand":"B","category":"' + leaf + '","description":"D","attributes":{"__proto__":"a","constructor":"b","toString":"c"}}'
    const product = await raw('POST', '/products', { body: attributes, token: seller.token })
    expect([201, 422]).toContain(product.status)
    for (const query of ['attr.constructor=b', 'attr.toString=c', 'attr.__proto__=a', '__proto__=x', '__proto__.roles=admin', 'constructor=x', 'sort=constructor', 'sort=__proto__', 'category=__proto__', 'brand=constructor']) {
      expect([query, [200, 422].includes((await raw('GET', `/search?q=proto&${query}`)).status)]).toEqual([query, true])
    }
    expect((await shopper.send('GET', '/me')).body).toMatchObject({ roles: ['shopper'] })
    expect((await raw('GET', '/users', { token: shopper.token })).status).toBe(403)
  })
})

describe('languages that clients do not speak to us', () => {
  const PHRASES = ["' OR '1'='1", "'; DROP TABLE auth.person; --", '" OR ""="', '\\', '%', '_', '*', '$1', '${1}', '{{7*7}}', 'a:b OR c:d', '/.*/', 'NOT x~2^9 (', ')', '\u0001', '\u2028', '<img src=x onerror=alert(1)>', 'a\r\nSet-Cookie: x=y']

  test('are text like any other, found and kept as they are', async () => {
    const shopper = await newShopper()
    for (const phrase of PHRASES) {
      const at = encodeURIComponent(phrase)
      const reads = await Promise.all([`/search?q=${at}`, `/search?brand=${at}`, `/search?q=a&attr.colour=${at}`, `/search/suggest?q=${at}`, `/products?seller=${at}`, `/products?cursor=${at}`, `/products/${at}`, `/sellers/${at}`].map((path) => raw('GET', path)))
      for (const { status, headers } of reads) {
        expect([phrase, [200, 404, 422].includes(status)]).toEqual([phrase, true])
        expect(headers.get('set-cookie')).toBeNull()
      }
      expect((reads[1]!.body['total'] ?? 0)).toBe(0) // no brand has that name, and none is all brands
      const address = { name: phrase, line1: phrase, city: 'C', region: 'WA', postalCode: '98101', country: 'US' }
      const kept = await shopper.send('POST', '/me/addresses', address)
      if (kept.status === 201) expect((await shopper.send('GET', `/me/addresses/${kept.body['id']}`)).body).toMatchObject(address)
      else expect([409, 422]).toContain(kept.status)
    }
  })

  test('objects are no text: no operator reaches a store', async () => {
    const shopper = await newShopper()
    for (const operator of [{ $gt: '' }, { $ne: null }, { $regex: '.*' }, ['seller@souk.example'], true, 1]) {
      expect((await shopper.send('POST', '/auth/login', { email: 'seller@souk.example', password: operator })).status).toBe(422)
      expect((await shopper.send('POST', '/auth/refresh', { refreshToken: operator })).status).toBe(422)
      expect((await shopper.send('POST', '/cart/lines', { offerId: operator, quantity: 1 })).status).toBe(422)
      expect((await shopper.send('POST', '/checkout/quote', { addressId: operator, shippingMethod: 'standard' })).status).toBe(422)
    }
    expect((await raw('GET', '/search?q[$ne]=x')).status).toBe(422)
    expect((await raw('GET', '/orders?buyerId=x', { token: shopper.token })).status).toBe(422)
  })
})

describe('paths out of the house', () => {
  test('lead nowhere', async () => {
    const targets = ['/images/../../../../etc/passwd', '/images/..%2f..%2f..%2f..%2fetc%2fpasswd', '/images/%2e%2e/%2e%2e/etc/passwd', '/images/..%5c..%5cetc%5cpasswd', '/images/%00', '/images/%c0%ae%c0%ae%c0%af', '/images/....//....//etc/passwd'].map((path) => `/api/v1${path}`)
    targets.push('/objects/../../../etc/passwd', '/objects/..%2f..%2fetc%2fpasswd', '/objects/', '/objects/x?signature=', '/objects/%00', '//etc/passwd', '/../etc/passwd', '/docs/../../package.json', '/%2e%2e/package.json', 'http://evil.example/api/v1/me', '*', '/api/v1/../../metrics', '/metrics', `/${'a/'.repeat(4_000)}`)
    for (const target of targets) {
      const answer = await line(target)
      expect([target, /^HTTP\/1\.1 4\d\d /.test(answer), /root:|"dependencies"/.test(answer)]).toEqual([target, true, false])
    }
  })
})

describe('requests sent again and at once', () => {
  const add = (shopper: Shopper, key: string, quantity: number, offer = offers[0]): Promise<Answer> => shopper.send('POST', '/cart/lines', { offerId: offer, quantity }, { 'idempotency-key': key })
  const inCart = async (shopper: Shopper): Promise<number> => ((await shopper.send('GET', '/cart')).body['lines'] as { quantity: number }[]).reduce((sum, l) => sum + l.quantity, 0)

  test('equal ones take effect once; others under the same key never', async () => {
    const shopper = await newShopper()
    const same = await Promise.all(Array.from({ length: 12 }, () => add(shopper, 'same', 3)))
    for (const answer of same) expect([answer.status === 200 || typeOf(answer) === 'idempotency-key-in-progress', answer.status]).toEqual([true, answer.status])
    expect(await inCart(shopper)).toBe(3)
    const again = await add(shopper, 'same', 3)
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true'])
    const mixed = await Promise.all([1, 2, 4, 8, 16, 32].map((quantity) => add(shopper, 'mixed', quantity)))
    const won = mixed.filter((a) => a.status === 200)
    expect(won).toHaveLength(1)
    for (const answer of mixed.filter((a) => a.status !== 200)) expect(['idempotency-key-reused', 'idempotency-key-in-progress']).toContain(typeOf(answer))
    expect([1, 2, 4, 8, 16, 32]).toContain((await inCart(shopper)) - 3)
    const other = await newShopper()
    expect((await add(other, 'same', 5)).headers.get('idempotency-replayed')).toBeNull() // a key is its caller's
    expect(await inCart(other)).toBe(5)
  })

  test('different ones all take effect', async () => {
    const shopper = await newShopper()
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => add(shopper, `k${i}`, 1)))
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]))
    expect(await inCart(shopper)).toBe(30)
  })

  test('one placing is one order, which is cancelled once, with one key or with many', async () => {
    const shopper = await newShopper()
    const stock = async (): Promise<unknown> => (await seller.send('GET', `/offers/${own}/stock`)).body
    const product = (await seller.send('POST', '/products', { title: `Race ${randomUUID()}`, brand: 'B', category: leaf, description: 'D' })).body['id']
    const own = String((await seller.send('POST', `/products/${product}/offers`, { price: { amount: 700, currency: 'USD' }, condition: 'new', handlingDays: 1 })).body['id'])
    await seller.send('PUT', `/offers/${own}/stock`, { onHand: 9 })
    await add(shopper, 'a', 2, own)
    await shopper.method('tok_demo_ok')
    const key = randomUUID()
    const placed = await Promise.all(Array.from({ length: 8 }, () => shopper.checkout({ key })))
    const ids = new Set(placed.map((a) => a.body['id']))
    expect([ids.size, placed.every((a) => a.status === 201)]).toEqual([1, true])
    expect((await shopper.send('GET', '/orders')).body['items']).toHaveLength(1)
    const [id] = ids
    const cancels = await Promise.all(Array.from({ length: 6 }, () => shopper.cancel(String(id))))
    expect(cancels.filter((a) => a.status < 300).length).toBeGreaterThanOrEqual(1)
    expect(cancels.every((a) => a.status < 300 || typeOf(a) === 'invalid-transition')).toBe(true)
    for (let i = 0; i < 200 && JSON.stringify(await stock()) !== '{"onHand":9,"reserved":0,"available":9}'; i++) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await stock()).toEqual({ onHand: 9, reserved: 0, available: 9 })
  }, 60_000)
})

describe('guessing', () => {
  const guess = (email: string, password: string, address: string): Promise<Answer> => new Shopper(shop.url).send('POST', '/auth/login', { email, password }, { 'x-forwarded-for': address })

  test('at one account from many addresses ends after a few tries, and keeps nobody from what they are signed in to', async () => {
    const victim = await newShopper()
    const email = String((await victim.send('GET', '/me')).body['email'])
    const answers: Answer[] = []
    for (let i = 0; i < SECRETS_MAX + 3; i++) answers.push(await guess(email, `wrong wrong ${i}`, `203.0.113.${i + 1}`))
    expect(answers.map((a) => a.status)).toEqual([...Array.from({ length: SECRETS_MAX }, () => 401), 429, 429, 429])
    const wait = Number(answers.at(-1)!.headers.get('retry-after'))
    expect(wait > 850 && wait <= 900).toBe(true)
    expect((await guess(email, victim.password, '203.0.113.99')).status).toBe(429)
    // Who is signed in stays so and can buy: strangers lock nobody out of a purchase. Guessing with somebody's session is counted for itself.
    const proof = (secret: string): Promise<Answer> => victim.send('POST', '/auth/confirm', { method: 'password', secret, purpose: 'checkout' })
    expect((await proof(victim.password)).status).toBe(200)
    const proofs: number[] = []
    for (let i = 0; i <= SECRETS_MAX; i++) proofs.push((await proof(`wrong ${i}`)).status)
    expect(proofs).toEqual([...Array.from({ length: SECRETS_MAX }, () => 401), 429])
    expect((await proof(victim.password)).status).toBe(429)
    const other = await newShopper()
    expect((await guess(String((await other.send('GET', '/me')).body['email']), other.password, '203.0.113.1')).status).toBe(200)
  })

  test('from one address at many accounts ends as well, and others sign in meanwhile; a made-up header moves nobody', async () => {
    const answers = await Promise.all(Array.from({ length: SIGN_INS_MAX + 20 }, (_, i) => guess(`nobody-${i}@souk.example`, 'wrong wrong', `198.51.100.${i}, 203.0.113.200`)))
    const refused = answers.filter((a) => a.status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(20)
    for (const { headers } of refused) expect(Number(headers.get('retry-after')) >= 1 && Number(headers.get('retry-after')) <= 60).toBe(true)
    expect((await guess('shopper@souk.example', 'souk-demo-2026', '203.0.113.201')).status).toBe(200)
  })
})

describe('too much', () => {
  test('is refused with a time to come back, holds no memory, and passes', async () => {
    const before = await megabytes()
    const body = JSON.stringify({ name: 'x'.repeat(1_000_000), line1: 'x', city: 'C', region: 'R', postalCode: '1', country: 'US' })
    const flood = Array.from({ length: 160 }, (_, i) => raw('POST', '/auth/login', { body: i % 2 ? body : `{"email":"flood-${i}@souk.example","password":"wrong wrong"}`, headers: { 'x-forwarded-for': `192.0.2.${i}` } }))
    const reads = Array.from({ length: 600 }, (_, i) => raw('GET', `/search?q=${'abcdefghij'[i % 10]}${i}`))
    const answers = await Promise.all([...flood, ...reads])
    for (const { status, headers } of answers) {
      expect([200, 401, 422, 429, 503]).toContain(status)
      if (status === 429 || status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    }
    // Bodies that never end lie in wait; whoever asks properly is served meanwhile.
    const sockets = Array.from({ length: 60 }, () => {
      const socket = connect(Number(new URL(shop.url).port), '127.0.0.1')
      socket.on('error', () => {})
      socket.write(`POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"email":"${'x'.repeat(500_000)}`)
      return socket
    })
    const shopper = await newShopper()
    expect((await shopper.send('GET', '/products')).status).toBe(200)
    for (const socket of sockets) socket.destroy()
    expect((await shopper.add(offers[1]!)).status).toBe(200)
    expect((await megabytes()) - before).toBeLessThan(400)
  }, 60_000)

  test('leaves the books right behind it', async () => {
    expect(await settledViolations(shop.databases())).toEqual([])
  }, 40_000)
})
