import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { cleanUp } from '../support/node-process.ts'
import { operationsOf, type Operation } from '../support/openapi.ts'
import { PNG } from '../support/pictures.ts'
import { Shopper, type Answer } from '../support/shopper.ts'
import { until } from '../support/until.ts'
import { validBody, validQuery } from '../support/schema-values.ts'
import { startWholeShop, type WholeShop } from '../support/whole-shop.ts'

/** Who asks. `buyer` owns the private things and has bought the seller's item. */
const ACTORS = ['buyer', 'otherBuyer', 'seller', 'otherSeller', 'admin', 'carrier', 'nobody'] as const
type Actor = (typeof ACTORS)[number]
type Statuses = readonly [buyer: number, otherBuyer: number, seller: number, otherSeller: number, admin: number, carrier: number, nobody: number]

const PRIVATE = (allowed: number): Statuses => [allowed, 404, 404, 404, 404, 404, 401]
const PUBLIC: Statuses = [200, 200, 200, 200, 200, 200, 200]
const SELLERS_OWN = (allowed: number): Statuses => [403, 403, allowed, 403, allowed, 403, 401]

/** What each operation with an id in its path answers to each actor: 403 for what is public or wants a role, 404 for what is private. */
const EXPECTED: Readonly<Record<string, readonly [thing: Thing, statuses: Statuses, body?: () => object]>> = {
  'auth.address': ['address', PRIVATE(200)],
  'auth.setAddress': ['address', PRIVATE(200), () => ADDRESS],
  'auth.removeAddress': ['address', PRIVATE(204)],
  'auth.endSession': ['session', PRIVATE(204)],
  'auth.removeApiKey': ['apiKey', PRIVATE(204)],
  'auth.setRoles': ['person', [403, 403, 403, 403, 200, 403, 401], () => ({ roles: ['shopper', 'carrier'] })],
  'cart.set': ['cartLine', PRIVATE(200).with(6, 404) as unknown as Statuses, () => ({ quantity: 2 })], // nobody has an empty cart
  'cart.remove': ['cartLine', PUBLIC], // of one's own cart, where there may be no such line
  'inventory.stock': ['offer', [403, 403, 200, 404, 200, 403, 401]],
  'inventory.setStock': ['offer', [403, 403, 200, 404, 200, 403, 401], () => ({ onHand: 7 })],
  'logistics.ofOrder': ['parcel', [200, 404, 200, 404, 200, 200, 401]],
  'logistics.report': ['parcel', [403, 404, 403, 404, 403, 200, 401], () => ({ status: 'picked_up', at: new Date().toISOString() })],
  'logistics.track': ['parcel', [200, 404, 200, 404, 200, 200, 401]],
  'order.get': ['order', [200, 404, 404, 404, 200, 404, 401]],
  'order.cancel': ['order', PRIVATE(200), () => ({})],
  'order.pay': ['order', PRIVATE(409), () => ({ paymentMethodId: 'none', confirmation: 'none' })], // it is paid
  'order.refund': ['order', [403, 403, 201, 404, 201, 403, 401], () => ({ amount: { amount: 1, currency: 'USD' }, reason: 'Goodwill' })],
  'order.return': ['order', PRIVATE(409), () => ({ lines: [{ offerId: soldOffer, quantity: 1 }], reason: 'Too blue' })], // it is not delivered
  'payment.books': ['order', [403, 403, 403, 403, 200, 403, 401]],
  'payment.removeMethod': ['method', PRIVATE(204)],
  'payment.unsubscribe': ['subscription', PRIVATE(200)],
  'product.addImage': ['product', SELLERS_OWN(201)],
  'product.addOffer': ['product', [403, 403, 201, 201, 403, 403, 401], () => ({ price: { amount: 900, currency: 'USD' }, condition: 'used', handlingDays: 2 })], // whoever is a seller may offer it too
  'product.get': ['product', PUBLIC],
  'product.image': ['picture', PUBLIC],
  'product.remove': ['product', SELLERS_OWN(204)],
  'product.removeImage': ['picture', SELLERS_OWN(204)],
  'product.removeOffer': ['offer', SELLERS_OWN(204)],
  'product.update': ['product', SELLERS_OWN(200), () => ({ brand: 'Changed' })],
  'product.updateOffer': ['offer', SELLERS_OWN(200), () => ({ handlingDays: 9 })],
  'seller.get': ['shop', PUBLIC]
}

type Ids = Readonly<Record<string, string>>
type Thing = 'address' | 'session' | 'apiKey' | 'person' | 'cartLine' | 'offer' | 'parcel' | 'order' | 'method' | 'subscription' | 'product' | 'picture' | 'shop'

const ADDRESS = { name: 'Ada Buyer', line1: '2 Pine St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' }
let shop: WholeShop
let operations: Operation[]
let people: Record<Actor, Shopper>
let soldOffer: string
let leaf: string
const SHOP = 'harbour-main'

const idOf = ({ status, body }: Answer): string => {
  if (status >= 300) throw new Error(`not made: ${status} ${JSON.stringify(body)}`)
  return String(body['id'])
}

async function addPicture(person: Shopper, path: string): Promise<Response> {
  const form = new FormData()
  form.set('file', new Blob([PNG], { type: 'image/png' }), 'dot.png')
  return fetch(`${shop.url}/api/v1${path}`, { method: 'POST', body: form, headers: person.token ? { authorization: `Bearer ${person.token}` } : {} })
}

const newProduct = async (): Promise<string> => idOf(await people.seller.send('POST', '/products', { title: `Thing ${randomUUID()}`, brand: 'Plain', category: leaf, description: 'A thing.' }))

async function newOffer(): Promise<string> {
  const offer = idOf(await people.seller.send('POST', `/products/${await newProduct()}/offers`, { price: { amount: 1_000, currency: 'USD' }, condition: 'new', handlingDays: 1 }))
  await people.seller.send('PUT', `/offers/${offer}/stock`, { onHand: 50 })
  return offer
}

/** An order whose money has arrived. */
async function newOrder(): Promise<string> {
  await people.buyer.add(soldOffer)
  const id = idOf(await people.buyer.checkout())
  await until('the order is paid', async () => ((await people.buyer.send('GET', `/orders/${id}`)).body['payment'] as { status: string }).status === 'captured')
  return id
}

/** Makes one thing of a kind, and answers what stands for it in a path. */
const MAKE: Readonly<Record<Thing, () => Promise<Ids>>> = {
  address: async () => ({ id: idOf(await people.buyer.send('POST', '/me/addresses', ADDRESS)) }),
  session: async () => {
    const { body } = await people.buyer.send('GET', '/me')
    await people.buyer.send('POST', '/auth/login', { email: body['email'], password: people.buyer.password })
    const { items } = (await people.buyer.send('GET', '/me/sessions')).body as { items: { id: string; current: boolean }[] }
    return { id: items.find((s) => !s.current)!.id }
  },
  apiKey: async () => ({ id: idOf(await people.buyer.send('POST', '/me/api-keys', { name: 'Program' })) }),
  person: async () => {
    const person = new Shopper(shop.url)
    await person.register()
    return { id: idOf(await person.send('GET', '/me')) }
  },
  cartLine: async () => {
    await people.buyer.add(soldOffer)
    return { offerId: soldOffer }
  },
  offer: async () => ({ id: await newOffer() }),
  order: async () => ({ id: await newOrder() }),
  parcel: async () => {
    const order = await newOrder()
    const [parcel] = await until('there is a parcel', async () => {
      const { items } = (await people.buyer.send('GET', `/orders/${order}/shipments`)).body as { items: { id: string; trackingNumber: string }[] }
      return items.length > 0 ? items : null
    })
    return { order, id: parcel!.id, trackingNumber: parcel!.trackingNumber }
  },
  method: async () => ({ id: idOf(await people.buyer.send('POST', '/payment-methods', { token: 'tok_demo_ok', label: 'Card' })) }),
  subscription: async () => {
    const body = { plan: 'prime-monthly', paymentMethodId: await people.buyer.method('tok_demo_ok'), confirmation: await people.buyer.confirm('payment') }
    return { id: idOf(await people.buyer.insist('POST', '/subscriptions', body, { 'idempotency-key': randomUUID() })) }
  },
  product: async () => ({ id: await newProduct() }),
  picture: async () => {
    const id = await newProduct()
    const added = (await (await addPicture(people.seller, `/products/${id}/images`)).json()) as object
    const [key] = /[^/"]+\.webp|(?<=\/images\/)[^"?]+/.exec(JSON.stringify(added))!
    return { id, imageId: String((added as { id: string }).id), key }
  },
  shop: async () => ({ id: SHOP })
}

/** The ids of a path; parcels are named by their order in paths of orders. */
const pathOf = ({ path }: Operation, ids: Ids): string => path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => (path.startsWith('/orders') && ids['order'] ? ids['order'] : ids[name]!))

async function ask(operation: Operation, actor: Actor, ids: Ids): Promise<{ status: number; problem: unknown }> {
  const path = pathOf(operation, ids)
  if (operation.upload) {
    const answer = await addPicture(people[actor], path)
    return { status: answer.status, problem: withoutInstance(await answer.json()) }
  }
  const headers = operation.key === 'none' ? {} : { 'idempotency-key': randomUUID() }
  if (operation.id === 'product.image') return { status: (await fetch(`${shop.url}/api/v1${path}`)).status, problem: null }
  const { status, body } = await people[actor].send(operation.method, path, EXPECTED[operation.id]![2]?.(), headers)
  return { status, problem: withoutInstance(body) }
}

const withoutInstance = (body: unknown): unknown => (body !== null && typeof body === 'object' ? { ...body, instance: null } : body)

/** The same ids, none of which is there. */
const unknown = (ids: Ids): Ids => Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, id.slice(0, -1) + (id.endsWith('0') ? '1' : '0')]))

beforeAll(async () => {
  shop = await startWholeShop({ SOUK_DEMO_CARRIER_S: '600' })
  operations = await operationsOf(shop.url)
  const signIn = async (email: string): Promise<Shopper> => {
    const person = new Shopper(shop.url)
    person.token = String((await person.send('POST', '/auth/login', { email, password: 'souk-demo-2026' })).body['accessToken'])
    return person
  }
  const newPerson = async (): Promise<Shopper> => {
    const person = new Shopper(shop.url)
    await person.register()
    return person
  }
  const [buyer, otherBuyer, otherSeller] = [await newPerson(), await newPerson(), await newPerson()]
  people = { buyer, otherBuyer, otherSeller, seller: await signIn('seller@souk.example'), admin: await signIn('admin@souk.example'), carrier: await signIn('carrier@souk.example'), nobody: new Shopper(shop.url) }
  const userId = idOf(await otherSeller.send('GET', '/me'))
  await people.admin.send('PUT', `/users/${userId}/roles`, { roles: ['shopper', 'seller'] })
  const client = new pg.Client({ connectionString: shop.databases().main })
  await client.connect()
  await client.query("INSERT INTO seller.seller (id, name, user_id, warehouse_id) VALUES ('other', 'Other & Sons', $1, 'wh.other')", [userId])
  await client.end()
  const { items } = (await buyer.send('GET', '/categories')).body as { items: { id: string; slug: string; parentId: string | null }[] }
  leaf = items.find((c) => !items.some((d) => d.parentId === c.id))!.slug
  soldOffer = await newOffer()
}, 150_000)
afterAll(async () => {
  await cleanUp()
}, 40_000)

describe('who may do what with whose things', () => {
  test('every operation with an id has its row, and every row its operation', () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(operations.filter((o) => o.pathNames.length > 0).map((o) => o.id).sort())
  })

  test.each(Object.keys(EXPECTED))('%s', async (id) => {
    const operation = operations.find((o) => o.id === id)!
    const [thing, statuses] = EXPECTED[id]!
    const make = MAKE[thing]
    const ids = await make()
    const got: Partial<Record<Actor, number>> = {}
    // Those who are refused come first: then the thing is still there for those who are not.
    for (const actor of ACTORS.filter((_actor, i) => statuses[i]! >= 400)) {
      const { status, problem } = await ask(operation, actor, ids)
      got[actor] = status
      if (status === 404) expect([actor, problem]).toEqual([actor, (await ask(operation, actor, unknown(ids))).problem]) // it tells nobody that there is one
    }
    for (const [i, actor] of ACTORS.filter((_actor, n) => statuses[n]! < 400).entries()) got[actor] = (await ask(operation, actor, i === 0 || operation.method === 'GET' ? ids : await make())).status
    expect(got).toEqual(Object.fromEntries(ACTORS.map((actor, i) => [actor, statuses[i]])))
  }, 60_000)
})

describe('operations without an id', () => {
  test('are for those who are signed in and have one of their roles', async () => {
    const ROLES_OF: Readonly<Record<Actor, readonly string[]>> = { buyer: ['shopper'], otherBuyer: ['shopper'], seller: ['seller'], otherSeller: ['seller'], admin: ['admin'], carrier: ['carrier'], nobody: [] }
    const wrong: unknown[] = []
    for (const operation of operations.filter((o) => o.pathNames.length === 0 && !o.anonymous)) {
      const lacking = ACTORS.filter((actor) => actor === 'nobody' || (operation.roles.length > 0 && !ROLES_OF[actor].some((role) => operation.roles.includes(role))))
      for (const actor of lacking) {
        const headers = operation.key === 'none' ? {} : { 'idempotency-key': randomUUID() }
        const { status } = await people[actor].send(operation.method, operation.path + validQuery(operation), validBody(operation), headers)
        if (status !== (actor === 'nobody' ? 401 : 403)) wrong.push([operation.id, actor, status])
      }
    }
    expect(wrong).toEqual([])
  })
})
