import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { call } from '../../../mixins/runtime/calls.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import type {} from '../../../services/inventory/inventory.contract.ts'
import { until } from '../../support/until.ts'
import { expectStatus, type HttpAnswer, type HttpClient } from '../load/http-client.ts'
import { makePeople, type Person } from '../people.ts'
import { benchDatabase } from '../reference.ts'
import type { Scenario, ScenarioContext } from '../scenario.ts'
import type { Inside } from '../shop.ts'

/** Somebody with a full cart, a card and a proof of who they are. */
interface Buyer {
  person: Person
  body: { addressId: string; shippingMethod: 'standard'; paymentMethodId: string; confirmation: string }
}

interface Offer {
  id: string
  seller_id: string
  warehouse_id: string
}

const API = '/api/v1'
/** Preparing people at once. */
const AT_ONCE = 32
const SELLERS = 6
const OFFERS_A_SELLER = 8
/** What a shop that keeps no other books would commit for a purchase: stock of each line, order, payment, cart. */
const TABLES = `CREATE TABLE stock (offer text PRIMARY KEY, on_hand integer NOT NULL, CHECK (on_hand >= 0)) WITH (fillfactor = 50);
CREATE TABLE placed (id text PRIMARY KEY, doc jsonb NOT NULL);
CREATE TABLE payment (id text PRIMARY KEY, doc jsonb NOT NULL);
CREATE TABLE cart (id text PRIMARY KEY, lines jsonb NOT NULL);
INSERT INTO stock SELECT 'o' || n, 1000000000 FROM generate_series(0, 47) n`

const json = (answer: HttpAnswer): Record<string, string> => answer.json() as Record<string, string>

const post = async (http: HttpClient, { authorization }: Person, path: string, body: object, key: string = randomUUID()): Promise<HttpAnswer> =>
  expectStatus(await http.request({ method: 'POST', path: API + path, headers: { authorization, 'idempotency-key': key }, body: JSON.stringify(body) }), 200, 201, 202)

/** Offers of several sellers, seller by seller. */
async function offersOf({ pool }: Inside): Promise<Offer[][]> {
  const { rows } = await pool('product').query<Offer>('SELECT id, seller_id, warehouse_id FROM product.offer WHERE active ORDER BY seller_id, id')
  const bySeller = Map.groupBy(rows, ({ seller_id }) => seller_id)
  const sellers = [...bySeller.values()].map((offers) => offers.slice(0, OFFERS_A_SELLER)).filter((offers) => offers.length > 1).slice(0, SELLERS)
  if (sellers.length < 2) throw new Error('the catalogue is too small for checkouts of two sellers: give the shop more products')
  return sellers
}

/** Two lines of one seller, one of another; every buyer another three. */
function linesOf(sellers: readonly Offer[][], n: number): Offer[] {
  const [a, b] = [sellers[n % sellers.length]!, sellers[(n + 1) % sellers.length]!]
  const at = Math.floor(n / sellers.length)
  return [a[at % a.length]!, a[(at + 1) % a.length]!, b[at % b.length]!]
}

async function prepareBuyer(http: HttpClient, person: Person, lines: readonly Offer[]): Promise<Buyer> {
  for (const { id } of lines) await post(http, person, '/cart/lines', { offerId: id, quantity: 1 })
  const { id: paymentMethodId } = json(await post(http, person, '/payment-methods', { token: 'tok_demo_ok', label: 'Bench card' }))
  const { confirmation } = json(await post(http, person, '/auth/confirm', { method: 'totp', secret: person.code(), purpose: 'checkout' }))
  return { person, body: { addressId: person.addressId, shippingMethod: 'standard', paymentMethodId: paymentMethodId!, confirmation: confirmation! } }
}

/** Quote and order, until it is confirmed; answers the order's id. */
async function buy(http: HttpClient, { person, body }: Buyer, told: (orderId: string, status: number) => void): Promise<void> {
  const { confirmation: _c, paymentMethodId: _p, ...quote } = body
  await post(http, person, '/checkout/quote', quote)
  const answer = await post(http, person, '/orders', body)
  const { id, status } = json(answer)
  told(id!, answer.status)
  if (status === 'confirmed') return
  const seen = async (): Promise<string> => json(expectStatus(await http.request({ method: 'GET', path: `${API}/orders/${id}`, headers: { authorization: person.authorization } }), 200))['status']!
  await until('the order is confirmed', async () => (await seen()) === 'confirmed', 10_000)
}

async function plainTransaction(pool: pg.Pool, n: number): Promise<void> {
  const client = await pool.connect()
  try {
    const id = newId()
    const offers = [n % 48, (n + 7) % 48, (n + 19) % 48].sort((a, b) => a - b).map((i) => `o${i}`)
    const doc = JSON.stringify({ id, lines: offers.map((offer) => ({ offer, quantity: 1, price: 1_999 })), address: { name: 'Ben Bench', city: 'Seattle' }, status: 'confirmed' })
    await client.query('BEGIN')
    for (const offer of offers) await client.query({ name: 'take', text: 'UPDATE stock SET on_hand = on_hand - 1 WHERE offer = $1 AND on_hand > 0', values: [offer] })
    await client.query({ name: 'place', text: 'INSERT INTO placed VALUES ($1, $2)', values: [id, doc] })
    await client.query({ name: 'pay', text: 'INSERT INTO payment VALUES ($1, $2)', values: [id, doc] })
    await client.query({ name: 'empty', text: `INSERT INTO cart VALUES ($1, '[]') ON CONFLICT (id) DO UPDATE SET lines = '[]'`, values: [`c${n % 1_000}`] })
    await client.query('COMMIT')
  } finally {
    client.release()
  }
}

/** Puts enough on the shelves for so many buyers. */
async function stockUp(inside: Inside, sellers: readonly Offer[][], count: number): Promise<void> {
  const broker = await inside.broker()
  for (const { id, warehouse_id } of sellers.flat()) await call(broker, 'inventory.worker.set', { offerId: id, warehouseId: warehouse_id, delta: count })
}

export const checkout: Scenario = {
  name: 'checkout',
  doc: 'POST /checkout/quote and POST /orders, three lines of two sellers, until confirmed; carts, cards and proofs are made before the clock starts',
  inFlight: 32,
  perSecond: 1_000,
  writes: true,
  inside: true,
  async prepare({ http, shop }: ScenarioContext) {
    const inside = shop.inside!
    const sellers = await offersOf(inside)
    const { pool, drop } = await benchDatabase(inside.databases.main, TABLES)
    const acknowledged: { orderId: string; status: number }[] = []
    let buyers: Buyer[] = []
    return {
      shop: { what: 'a purchase', operation: (n) => buy(http, buyers[n]!, (orderId, status) => acknowledged.push({ orderId, status })) },
      reference: { what: 'one plain transaction of six statements, bare driver', operation: (n) => plainTransaction(pool, n), inFlight: 16 },
      acknowledged,
      async provide(count) {
        await stockUp(inside, sellers, count)
        const people = await makePeople(inside, count)
        const made: Buyer[] = []
        const next = people.entries()
        await Promise.all(Array.from({ length: AT_ONCE }, async () => {
          for (const [n, person] of next) made.push(await prepareBuyer(http, person, linesOf(sellers, n)))
        }))
        buyers = made
        return count
      },
      close: drop
    }
  }
}
