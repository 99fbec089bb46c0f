import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpClient, type HttpAnswer } from '../bench/load/http-client.ts'
import { Client, type Tally } from '../soak/client.ts'
import { goodsOf, type Goods } from '../soak/goods.ts'
import { Trade } from '../soak/trade.ts'
import { Visitor } from '../soak/visitor.ts'
import { countCart, sumOf, type Added, type CartCount } from './cart-count.ts'

const CONNECTIONS = 400
const DEMO_PASSWORD = 'souk-demo-2026'
/** Customers for each visit a second. */
const CUSTOMERS_PER_RATE = 8
const PLENTY = 1_000_000
/** Offers that keepers put into their carts. */
const KEPT_OFFERS = 12
const KEEPER_PAUSE_MS = 60
/** Until everybody has left: a client gives up after 90 s. */
const REST_MS = 120_000

type Json = Record<string, unknown>
const json = <T = Json>(answer: HttpAnswer): T => answer.json() as T

/** Somebody who only fills a cart, counts along, and looks. Each request is sent by two clients at once, with one key. */
class Keeper {
  readonly #visitor: Visitor
  readonly #offers: readonly string[]
  #added: Added[] = []

  constructor(visitor: Visitor, offers: readonly string[]) {
    this.#visitor = visitor
    this.#offers = offers
  }

  async add(): Promise<void> {
    const offerId = this.#offers[Math.floor(Math.random() * this.#offers.length)]!
    const answers = await twice(this.#visitor, { kind: 'cart add', path: '/cart/lines', body: { offerId, quantity: 1 } })
    if (answers.some(({ status }) => status < 300)) this.#added.push({ offerId, at: performance.now() })
  }

  /** Compares the cart with what was acknowledged, and empties it. `diedAt`: when an engine ended that may have forgotten something. */
  async look(diedAt: number | null): Promise<CartCount> {
    const { lines } = json<{ lines: { offerId: string; quantity: number }[] }>(await this.#visitor.ask({ kind: 'cart', method: 'GET', path: '/cart' }))
    const there = new Map(lines.map(({ offerId, quantity }) => [offerId, quantity]))
    const count = countCart(this.#added, there, diedAt)
    await this.#visitor.ask({ kind: 'cart clear', method: 'DELETE', path: '/cart' })
    this.#added = []
    return count
  }
}

/** The same request from two clients that know nothing of each other. */
const twice = (visitor: Visitor, { kind, path, body }: { kind: string; path: string; body: object }): Promise<HttpAnswer[]> => {
  const headers = { 'idempotency-key': randomUUID() }
  return Promise.all([0, 1].map(() => visitor.ask({ kind, method: 'POST', path, headers, body })))
}

/** Those who use the shop while things go wrong: the purchase mix, keepers of carts, and one who tries whether a purchase works. */
export class Crowd {
  readonly trade: Trade
  readonly #client: Client
  readonly #http: HttpClient
  readonly #keepers: readonly Keeper[]
  readonly #buyer: Visitor
  readonly #offers: readonly string[]
  readonly #rate: number
  #isOpen = false
  #inside = 0

  private constructor(own: { http: HttpClient; client: Client; trade: Trade; keepers: Keeper[]; buyer: Visitor; offers: string[]; rate: number }) {
    this.#http = own.http
    this.#client = own.client
    this.trade = own.trade
    this.#keepers = own.keepers
    this.#buyer = own.buyer
    this.#offers = own.offers
    this.#rate = own.rate
  }

  /** Registers everybody; `rate`: visits a second, `keepers`: people who fill carts all the time. */
  static async gather(url: string, { rate, keepers, tally }: { rate: number; keepers: number; tally: Tally }): Promise<Crowd> {
    const http = new HttpClient(url, CONNECTIONS)
    const client = new Client(http, tally)
    const goods = await goodsOf(http)
    const signedIn = (name: string): Promise<Visitor> => Visitor.signedIn(client, `${name}@souk.example`, DEMO_PASSWORD)
    const register = (count: number): Promise<Visitor[]> => Promise.all(Array.from({ length: count }, () => Visitor.registered(client)))
    const [editor, seller, customers, carts, [buyer]] = await Promise.all([signedIn('admin'), signedIn('seller'), register(Math.ceil(rate * CUSTOMERS_PER_RATE)), register(keepers), register(1)])
    const offers = goods.slice(-KEPT_OFFERS).map(({ offerId }: Goods) => offerId)
    for (const offerId of offers) await editor.ask({ kind: 'stock', method: 'PUT', path: `/offers/${offerId}/stock`, body: { delta: PLENTY } })
    await buyer!.card('tok_demo_ok')
    const trade = new Trade({ client, goods, editor, seller, customers })
    return new Crowd({ http, client, trade, keepers: carts.map((visitor) => new Keeper(visitor, offers)), buyer: buyer!, offers, rate })
  }

  /** Who counts from now on. */
  set tally(tally: Tally) {
    this.#client.tally = tally
  }

  /** Lets people in until `rest`. */
  come(): void {
    this.#isOpen = true
    void this.#arrivals()
    for (const keeper of this.#keepers) void this.#keeping(keeper)
  }

  /** Nobody comes any more; resolves when those who are there have left. Rejects when they do not. */
  async rest(): Promise<void> {
    this.#isOpen = false
    for (const deadline = performance.now() + REST_MS; this.#inside > 0; await sleep(50)) {
      if (performance.now() > deadline) throw new Error(`${this.#inside} people did not get out of the shop within ${REST_MS / 1_000} s`)
    }
  }

  /** Everybody who keeps a cart looks into it. `diedAt`: when an engine ended that may have forgotten something. */
  async carts(diedAt: number | null): Promise<CartCount> {
    return sumOf(await Promise.all(this.#keepers.map((keeper) => keeper.look(diedAt))))
  }

  /**
   * One purchase from beginning to end, sent by two clients with one key, each insisting until it has an answer. Rejects when it is
   * refused for good, or when two orders come of it.
   */
  async buy(): Promise<void> {
    const buyer = this.#buyer
    const wants = (answer: HttpAnswer, ...statuses: number[]): HttpAnswer => {
      if (!statuses.includes(answer.status)) throw new Error(`a purchase was refused: ${answer.status} ${answer.text().slice(0, 200)}`)
      return answer
    }
    await buyer.ask({ kind: 'cart clear', method: 'DELETE', path: '/cart' })
    wants(await buyer.ask({ kind: 'cart add', method: 'POST', path: '/cart/lines', body: { offerId: this.#offers[0]!, quantity: 1 } }), 200, 201)
    const body = { addressId: buyer.addressId, shippingMethod: 'standard', paymentMethodId: await buyer.card('tok_demo_ok'), confirmation: await buyer.confirm() }
    const ids = (await twice(buyer, { kind: 'order', path: '/orders', body })).map((answer) => ({ orderId: String(json(wants(answer, 201, 202))['id']), status: answer.status }))
    this.trade.acknowledged.push(ids[0]!)
    if (ids[0]!.orderId !== ids[1]!.orderId) throw new Error(`two requests with one key made two orders: ${ids.map(({ orderId }) => orderId).join(', ')}`)
  }

  close(): void {
    this.#http.close()
  }

  /** People come at random moments, whatever the shop does. */
  async #arrivals(): Promise<void> {
    while (this.#isOpen) {
      void this.#within(() => this.trade.visit())
      await sleep((-Math.log(1 - Math.random()) * 1_000) / this.#rate)
    }
  }

  #keeping(keeper: Keeper): Promise<void> {
    return this.#within(async () => {
      while (this.#isOpen) {
        await keeper.add()
        await sleep(Math.random() * 2 * KEEPER_PAUSE_MS)
      }
    })
  }

  async #within(what: () => Promise<unknown>): Promise<void> {
    this.#inside++
    try {
      await what()
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.trade.broken[why] = (this.trade.broken[why] ?? 0) + 1
    } finally {
      this.#inside--
    }
  }
}
