import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { call } from '../../../mixins/runtime/calls.ts'
import { demoProduct } from '../../../services/demo/catalogue/products.ts'
import type {} from '../../../services/inventory/inventory.contract.ts'
import type {} from '../../../services/product/product.contract.ts'
import type {} from '../../../services/search/search.contract.ts'
import { defaultWarehouse } from '../../../services/seller/seller.contract.ts'
import { until } from '../../support/until.ts'
import { expectStatus, HttpClient, type HttpAnswer } from '../load/http-client.ts'
import { makePeople, PASSWORD, renewPeople, type Person } from '../people.ts'
import { startShop, type Inside, type Shop } from '../shop.ts'

/** What grows, one thing at a time. */
export interface Size {
  products: number
  sellers: number
  /** Lines of a cart. */
  lines: number
  /** Orders a buyer has. */
  orders: number
}

export interface Goods {
  id: string
  offerId: string
  sellerId: string
  title: string
  /** Only this product has it in its title. */
  code: string
  category: string
}

const API = '/api/v1'
const CONNECTIONS = 32
/** Products of a step of the import. */
const STEP = 200
/** Sellers of a step. */
const SELLERS_STEP = 500
/** The demo's own products come first in its catalogue; those of a growing shop are further on. */
const [DEMO_PRODUCTS, FIRST] = [60, 1_000]
const PLENTY = 1_000_000
const INDEX_PATIENCE_MS = 600_000
/** Of whom each buys once in a round. */
const BUYERS = 12
export const MEASURED_SELLERS = 2

/** People are made from outside with the shop's key: one process makes them for several shops. */
const sharedKey = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const sellerId = (n: number): string => `trader-${n}`
/** Letters only, so that no rule about numbers applies to it. */
const codeOf = (n: number): string => `qz${[...n.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('')}x`

function productOf(n: number, sellers: number) {
  const { product } = demoProduct(FIRST + n)
  const [offer] = product.offers
  const seller = sellerId(n % sellers)
  const title = `${product.title} ${codeOf(n)}`
  const own = { ...offer!, sellerId: seller, sellerName: seller, warehouseId: defaultWarehouse(seller), availability: 'in_stock' as const }
  return {
    imported: { ...product, title, ownerSellerId: seller, offers: [own] },
    goods: { id: product.id, offerId: own.id, sellerId: seller, title, code: codeOf(n), category: product.category } satisfies Goods
  }
}

/** A shop of a size, and who trades in it. */
export class World {
  readonly shop: Shop
  readonly inside: Inside
  readonly http: HttpClient
  readonly goods: readonly Goods[]
  /** As many of them, from all over the catalogue, in every shop: what is looked at, so that caches hold as much of it in each. */
  readonly sample: readonly Goods[]
  /** They act for the first sellers. */
  readonly sellers: readonly Person[]

  private constructor(shop: Shop, goods: readonly Goods[], sampled: number, sellers: readonly Person[]) {
    this.shop = shop
    this.inside = shop.inside!
    this.http = new HttpClient(shop.url, CONNECTIONS)
    this.goods = goods
    this.sample = Array.from({ length: sampled }, (_, n) => goods[Math.floor((n * goods.length) / sampled)]!)
    this.sellers = sellers
  }

  /** Starts a shop and fills it; `sampled` products are looked at. Resolves when every product can be found. */
  static async make({ products, sellers }: Pick<Size, 'products' | 'sellers'>, sampled: number, onProgress: (what: string) => void): Promise<World> {
    // Parcels that were picked up meanwhile would be work of no operation.
    const shop = await startShop(DEMO_PRODUCTS, { SOUK_DEMO_CARRIER_S: '100000', SOUK_JWT_KEY: sharedKey })
    try {
      const inside = shop.inside!
      const broker = await inside.broker()
      const people = await makePeople(inside, MEASURED_SELLERS, undefined, ['shopper', 'seller'])
      const traders = Array.from({ length: sellers }, (_, n) => ({ id: sellerId(n), name: sellerId(n), userId: people[n]?.id ?? `nobody-${n}` }))
      for (let from = 0; from < sellers; from += SELLERS_STEP) await call(broker, 'seller.worker.import', { sellers: traders.slice(from, from + SELLERS_STEP) })
      const goods: Goods[] = []
      for (let from = 0; from < products; from += STEP) {
        onProgress(`imports ${from.toLocaleString('en')} of ${products.toLocaleString('en')} products`)
        const some = Array.from({ length: Math.min(STEP, products - from) }, (_, i) => productOf(from + i, sellers))
        await call(broker, 'product.worker.import', { products: some.map(({ imported }) => imported) })
        await call(broker, 'inventory.worker.import', { rows: some.map(({ imported: { offers: [offer] } }) => ({ offerId: offer!.id, warehouseId: offer!.warehouseId, onHand: PLENTY })), announced: true })
        goods.push(...some.map(({ goods: one }) => one))
      }
      onProgress('waits until all can be found')
      const found = async (): Promise<boolean> => (await call(broker, 'search.worker.query', { limit: 1 })).total >= products + DEMO_PRODUCTS
      await until('every product can be found', found, INDEX_PATIENCE_MS)
      await inside.main.query('VACUUM ANALYZE') // as it is after a while
      return new World(shop, goods, sampled, people)
    } catch (error) {
      await shop.close()
      throw error
    }
  }

  async close(): Promise<void> {
    this.http.close()
    await this.shop.close()
  }

  get(path: string, person?: Person): Promise<HttpAnswer> {
    return this.http.request({ method: 'GET', path: API + path, ...(person ? { headers: { authorization: person.authorization } } : {}) }).then((answer) => expectStatus(answer, 200))
  }

  async post(path: string, person: Person, body: object): Promise<HttpAnswer> {
    const headers = { authorization: person.authorization, 'idempotency-key': randomUUID() }
    return expectStatus(await this.http.request({ method: 'POST', path: API + path, headers, body: JSON.stringify(body) }), 200, 201, 202)
  }
}

/** People who buy the same things again and again in one shop. */
export class Buyers {
  readonly world: World
  readonly people: readonly Person[]
  /** What each has in the cart, one of each. */
  readonly lines: readonly Goods[]
  /** Index of the seller whose list of sales is looked at. */
  readonly seller: number
  readonly #cards = new Map<string, string>()
  /** Orders of this round, by buyer. */
  placed: string[] = []

  private constructor(world: World, people: readonly Person[], lines: readonly Goods[], seller: number) {
    this.world = world
    this.people = people
    this.lines = lines
    this.seller = seller
  }

  static async make(world: World, lines: readonly Goods[], seller = 0): Promise<Buyers> {
    const buyers = new Buyers(world, await makePeople(world.inside, BUYERS), lines, seller)
    for (const person of buyers.people) {
      const { id } = (await world.post('/payment-methods', person, { token: 'tok_demo_ok', label: 'Bench card' })).json() as { id: string }
      buyers.#cards.set(person.id, id)
    }
    return buyers
  }

  /** Everybody is signed in for some minutes more. */
  stay(): Promise<void> {
    return renewPeople(this.world.inside, [...this.people, ...this.world.sellers])
  }

  /** Everybody's cart as it is meant to be. */
  async fill(): Promise<void> {
    await Promise.all(this.people.map(async (person) => {
      const { lines } = (await this.world.get('/cart', person)).json() as { lines: { offerId: string }[] }
      const there = new Set(lines.map(({ offerId }) => offerId))
      for (const { offerId } of this.lines) if (!there.has(offerId)) await this.world.post('/cart/lines', person, { offerId, quantity: 1 })
    }))
  }

  /** The body of an order, its proof of identity included. */
  async orderOf(person: Person): Promise<object> {
    const { confirmation } = (await this.world.post('/auth/confirm', person, { method: 'password', secret: PASSWORD, purpose: 'checkout' })).json() as { confirmation: string }
    return { addressId: person.addressId, shippingMethod: 'standard', paymentMethodId: this.#cards.get(person.id)!, confirmation }
  }
}
