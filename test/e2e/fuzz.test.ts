import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { settledViolations } from '../support/clean-books.ts'
import { chdbIsMissing } from '../support/chdb.ts'
import { cleanUp } from '../support/node-process.ts'
import { operationsOf, type Operation } from '../support/openapi.ts'
import { PNG } from '../support/pictures.ts'
import { spoilt, values, WRONG, type Known } from '../support/schema-values.ts'
import { Shopper } from '../support/shopper.ts'
import { until } from '../support/until.ts'
import { startWholeShop, type WholeShop } from '../support/whole-shop.ts'

/** Reproduces a run; another one is tried by `SOUK_FUZZ_SEED`. */
const SEED = Number(process.env['SOUK_FUZZ_SEED'] ?? 20_261_124)
/** Requests per operation: what is right, nearly right, and with strange ids and queries. */
const CASES = Number(process.env['SOUK_FUZZ_CASES'] ?? 30)
const ABREAST = 6

type Role = 'shopper' | 'seller' | 'admin' | 'carrier' | 'nobody'
const ROLES: readonly Role[] = ['shopper', 'seller', 'admin', 'carrier', 'nobody']

interface Case {
  role: Role
  /** Path and query below the base path. */
  target: string
  body: unknown
  headers: Record<string, string>
}

let shop: WholeShop
let operations: Operation[]
let people: Record<Role, Shopper>
/** Ids of things that are there, by the collection they are in: strange ids alone would reach no handler's depth. */
const real = new Map<string, string[]>()

/** And values of fields, by their names. */
const known = new Map<string, unknown[]>() satisfies Known
/** Statuses that each operation has answered with. */
const met = new Map<string, Set<number>>()

const IDS = ['0', 'me', '..', '%2e%2e%2f', '%00', '%F0%9F%98%80', "'--", '$where', '__proto__', 'constructor', 'x'.repeat(100), 'x'.repeat(101), '01941111-1111-7111-8111-111111111111', '-1', 'null', '%20', '{id}', '1;2', '*']

/** Ids for a path: half of them real ones of its collection. */
const ids = (path: string): fc.Arbitrary<string> => {
  const known = real.get(path.split('/')[path.startsWith('/me/') || path.startsWith('/cart/') ? 2 : 1]!) ?? []
  return known.length > 0 ? fc.oneof(fc.constantFrom(...known), fc.constantFrom(...IDS)) : fc.constantFrom(...IDS)
}

const queryValue = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [String(value)])

/** A query: declared parameters, each there or not, right or strange; sometimes one that nobody declared. */
function queries({ query }: Operation): fc.Arbitrary<string> {
  const strange = fc.constantFrom(...WRONG.filter((w) => typeof w === 'string' && w.length < 1_000), 'NaN', '1e3', '0x10', '+1').map((w) => [String(w)])
  const parts = query.map(({ name, schema, required }) =>
    fc.record({ present: required ? fc.constant(true) : fc.boolean(), value: fc.oneof({ weight: 3, arbitrary: values(schema).map(queryValue) }, { weight: 1, arbitrary: strange }) }).map(({ present, value }) => (present ? value.map((v) => [name.replace('<name>', 'colour'), v] as [string, string]) : []))
  )
  const extra = fc.constantFrom<[string, string][]>([], [], [], [['unheardOf', '1']], [['__proto__', 'x']], [['limit', '1'], ['limit', '2']])
  return fc.tuple(extra, ...parts).map((lists) => {
    const search = new URLSearchParams(lists.flat())
    return search.size > 0 ? `?${search}` : ''
  })
}

/** Bodies: some as declared, some with one thing wrong, some altogether wrong. */
function bodies({ body }: Operation): fc.Arbitrary<unknown> {
  if (!body) return fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom({}, { unheardOf: 1 }, []) })
  const right = values(body, known)
  const wrong = fc.tuple(right, fc.constantFrom(...WRONG), fc.nat(10_000)).map(([value, w, pick]) => spoilt(value, w, pick))
  return fc.oneof({ weight: 5, arbitrary: right }, { weight: 5, arbitrary: wrong }, { weight: 1, arbitrary: fc.constantFrom(...WRONG) })
}

const keys = ({ key }: Operation): fc.Arbitrary<Record<string, string>> =>
  key === 'none' ? fc.constant({}) : fc.oneof({ weight: 6, arbitrary: fc.uuid().map((k) => ({ 'idempotency-key': k })) }, { weight: 1, arbitrary: fc.constantFrom<Record<string, string>>({}, { 'idempotency-key': 'same' }, { 'idempotency-key': 'a b' }, { 'idempotency-key': 'x'.repeat(256) }) })

const conditions: fc.Arbitrary<Record<string, string>> = fc.oneof({ weight: 8, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constantFrom<Record<string, string>>({ 'if-match': '"0"' }, { 'if-match': 'nonsense' }, { 'if-none-match': '*' }, { 'souk-cart': 'made-up' }, { 'souk-session': 'x' }) })

function cases(operation: Operation, seed: number): Case[] {
  const path = fc.tuple(...operation.pathNames.map(() => ids(operation.path))).map((found) => operation.pathNames.reduce((at, name, i) => at.replace(`{${name}}`, found[i]!), operation.path))
  const entitled = ROLES.filter((role) => (operation.roles.length > 0 ? operation.roles.includes(role) : role === 'shopper'))
  const role = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...entitled) }, { weight: 1, arbitrary: fc.constantFrom(...ROLES) })
  const arbitrary = fc.record({ role, path, query: queries(operation), body: bodies(operation), key: keys(operation), condition: conditions })
  return fc.sample(arbitrary, { seed, numRuns: CASES }).map(({ role: as, path: at, query, body, key, condition }) => ({ role: as, target: at + query, body, headers: { ...key, ...condition } }))
}

/** Sends one; answers what is wrong with its answer. */
async function faultOf(operation: Operation, { role, target, body, headers }: Case): Promise<string | null> {
  const { token } = people[role]
  const form = new FormData()
  form.set('file', new Blob([PNG], { type: 'image/png' }), String(typeof body === 'string' ? body : 'dot.png'))
  const inBody = operation.upload ? form : body === undefined || operation.method === 'GET' ? undefined : JSON.stringify(body)
  const response = await fetch(`${shop.url}/api/v1${target}`, {
    method: operation.method,
    headers: { ...(typeof inBody === 'string' ? { 'content-type': 'application/json' } : {}), ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
    ...(inBody === undefined ? {} : { body: inBody }),
    signal: AbortSignal.timeout(20_000)
  })
  const type = response.headers.get('content-type')
  const raw = await response.text()
  const { status } = response
  met.set(operation.id, (met.get(operation.id) ?? new Set()).add(status))
  // What leads out of the path's segments is another operation's, or nobody's; the answer must still be a decent one.
  const elsewhere = new URL(response.url).pathname.split('/').length !== `/api/v1${operation.path}`.split('/').length || status === 405
  const parsed: unknown = raw !== '' && /json/.test(type ?? '') ? JSON.parse(raw) : raw
  if (status >= 500) return `status ${status} ${raw}`
  if (status >= 400 && type !== 'application/problem+json') return `status ${status} as ${type}`
  if (status >= 400 && (parsed as { status: number }).status !== status) return `another status in the problem: ${raw}`
  if (/\bat \S+ \(|node_modules|SELECT |INSERT |moleculer|ECONN|pg_/.test(raw) && status >= 400) return `shows its inside: ${raw}`
  return elsewhere || operation.id === 'product.image' ? null : operation.fault(status, type, parsed)
}

async function fuzz(operation: Operation, seed: number): Promise<string[]> {
  const waiting = cases(operation, seed)
  const faults: string[] = []
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const fault = await faultOf(operation, next).catch((error: unknown) => `no answer: ${String(error)}`)
      if (fault) faults.push(`${operation.method} ${next.target} as ${next.role} with ${JSON.stringify(next.headers)} ${String(JSON.stringify(next.body)).slice(0, 400)}: ${fault}`)
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, work))
  return faults
}

const mean = (field: string, ...found: unknown[]): void => void known.set(field, [...(known.get(field) ?? []), ...found])
const remember = (collection: string, ...found: unknown[]): void => void real.set(collection, [...(real.get(collection) ?? []), ...found.map(String)])

/** Some of everything, so that requests meet things and not only emptiness. */
async function furnish(): Promise<void> {
  const { shopper, seller } = people
  const { items } = (await shopper.send('GET', '/products?limit=20')).body as { items: { id: string; offerId: string; sellerId: string; availability: string }[] }
  const tree = (await shopper.send('GET', '/categories')).body['items'] as { id: string; slug: string; parentId: string | null }[]
  const leaf = tree.find((c) => !tree.some((d) => d.parentId === c.id))!.slug
  for (let i = 0; i < 6; i++) {
    const product = (await seller.send('POST', '/products', { title: `Thing ${i}`, brand: 'Plain', category: leaf, description: 'A thing.' })).body['id']
    const offer = (await seller.send('POST', `/products/${product}/offers`, { price: { amount: 1_000, currency: 'USD' }, condition: 'new', handlingDays: 1 })).body['id']
    await seller.send('PUT', `/offers/${offer}/stock`, { onHand: 1_000 })
    remember('products', product)
    remember('offers', offer)
    mean('offerId', offer)
  }
  remember('lines', ...items.slice(0, 3).map((c) => c.offerId), ...known.get('offerId')!)
  remember('sellers', items[0]!.sellerId)
  mean('category', leaf)
  mean('currency', 'USD')
  mean('token', 'tok_demo_ok', 'tok_demo_declined', 'tok_demo_slow')
  mean('secret', shopper.password, 'souk-demo-2026')
  mean('code', 'FUZZ')
  for (const token of ['tok_demo_ok', 'tok_demo_ok', 'tok_demo_slow']) {
    await shopper.add(String(known.get('offerId')![0]), 2)
    remember('orders', (await shopper.checkout({ token })).body['id'])
  }
  mean('paymentMethodId', await shopper.method('tok_demo_ok'), await shopper.method('tok_demo_declined'))
  for (const purpose of ['checkout', 'payment', 'checkout'] as const) mean('confirmation', await shopper.confirm(purpose))
  for (let i = 0; i < 3; i++) await shopper.send('POST', '/me/api-keys', { name: `Program ${i}` })
  for (const collection of ['addresses', 'api-keys']) remember(collection, ...((await shopper.send('GET', `/me/${collection}`)).body['items'] as { id: string }[]).map((thing) => thing.id))
  mean('addressId', ...real.get('addresses')!)
  const stranger = new Shopper(shop.url)
  await stranger.register()
  remember('users', (await stranger.send('GET', '/me')).body['id'])
  const { items: parcels } = await until('there are parcels', async () => {
    const list = (await shopper.send('GET', `/orders/${real.get('orders')![0]}/shipments`)).body as { items: { id: string; trackingNumber: string }[] }
    return list.items.length > 0 ? list : null
  })
  remember('shipments', ...parcels.flatMap((parcel) => [parcel.id, parcel.trackingNumber]))
}

/** What makes things comes first, and what takes them away last: then most requests find something. */
const ORDER: readonly string[] = ['POST', 'PATCH', 'PUT', 'GET', 'DELETE']

beforeAll(async () => {
  // While the engine is being installed, reports answer 503 and say so; where it cannot be, they do for ever.
  const noReports = await chdbIsMissing()
  shop = await startWholeShop({ SOUK_DEMO_CARRIER_S: '1', SOUK_LIMIT_SECRETS_PER_15_MINUTES: '100000', SOUK_LIMIT_AUTH_PER_MINUTE: '100000' })
  operations = (await operationsOf(shop.url)).filter(({ path }) => !noReports || !path.startsWith('/analytics/')).sort((a, b) => ORDER.indexOf(a.method) - ORDER.indexOf(b.method))
  const signIn = async (email: string): Promise<Shopper> => {
    const person = new Shopper(shop.url)
    person.token = String((await person.send('POST', '/auth/login', { email, password: 'souk-demo-2026' })).body['accessToken'])
    return person
  }
  const shopper = new Shopper(shop.url)
  await shopper.register()
  people = { shopper, seller: await signIn('seller@souk.example'), admin: await signIn('admin@souk.example'), carrier: await signIn('carrier@souk.example'), nobody: new Shopper(shop.url) }
  await furnish()
}, 240_000)
afterAll(async () => {
  await cleanUp()
}, 40_000)

describe('whatever a client sends', () => {
  test(`the answer is a declared one, never a failure of ours (seed ${SEED})`, async () => {
    const faults: string[] = []
    for (const [i, operation] of operations.entries()) {
      if (operation.id === 'auth.logout') continue // it would end the sessions that the others need
      faults.push(...(await fuzz(operation, SEED + i)))
    }
    expect(faults).toEqual([])
    // Most operations were done, and not only refused: the requests reach what they are to try.
    expect([...met.values()].filter((statuses) => [...statuses].some((status) => status < 300)).length).toBeGreaterThan(operations.length * 0.6)
  }, 120_000)

  test('nothing is half done afterwards, and everybody is still who they were', async () => {
    for (const role of ROLES.filter((r) => r !== 'nobody')) expect([role, (await people[role].send('GET', '/me')).status]).toEqual([role, 200])
    const { shopper } = people
    expect(((await shopper.send('GET', '/me')).body['roles'] as string[]).includes('admin')).toBe(false)
    expect((await shopper.send('GET', '/products')).status).toBe(200)
    expect((await shopper.send('POST', '/me/addresses', { name: 'A', line1: 'B', city: 'C', region: 'WA', postalCode: '98101', country: 'US' }, { 'idempotency-key': randomUUID() })).status).toBe(201)
    expect(await settledViolations(shop.databases())).toEqual([])
  }, 60_000)
})
