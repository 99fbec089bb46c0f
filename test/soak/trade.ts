import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpAnswer } from '../bench/load/http-client.ts'
import type { Client } from './client.ts'
import { favourite, wordOf, type Goods } from './goods.ts'
import { Visitor } from './visitor.ts'

type Json = Record<string, unknown>

type Card = readonly [token: string, percent: number]

/** Cards by how many of a hundred pay with them. */
export const CARDS: readonly Card[] = [['tok_demo_ok', 82], ['tok_demo_declined', 5], ['tok_demo_insufficient', 2], ['tok_demo_slow', 4], ['tok_demo_lost', 5], ['tok_demo_down', 2]]

/** Of a hundred visits: somebody new comes, a guest looks around, a seller edits; the others are customers. */
const [NEW, GUEST, SELLER] = [2, 20, 8]
/** Of a hundred customers' visits with something in the cart: bought, and of those cancelled. */
const [BUYS, CANCELS] = [55, 8]
const THINK_MS = 400
const CART_MAX = 8
const RESTOCKED = 100

const percent = (share: number): boolean => Math.random() * 100 < share
const json = <T = Json>(answer: HttpAnswer): T => answer.json() as T
const think = (): Promise<void> => sleep(Math.random() * THINK_MS)

function drawCard(cards: readonly Card[]): string {
  let at = Math.random() * 100
  return cards.find(([, share]) => (at -= share) < 0)?.[0] ?? 'tok_demo_ok'
}

export interface TradeOptions {
  client: Client
  goods: readonly Goods[]
  /** May edit everything. */
  editor: Visitor
  /** Has a list of sales. */
  seller: Visitor
  /** Who comes again and again; each is in the shop once at a time. */
  customers: Visitor[]
}

/** The purchase mix: browse, search, carts, quotes, orders good and bad, and sellers who edit meanwhile. */
export class Trade {
  readonly #options: TradeOptions
  /** Orders that somebody was told of. */
  readonly acknowledged: { orderId: string; status: number }[] = []
  /** Visits that ended before they were done, by why. */
  readonly broken: Record<string, number> = {}
  visits = 0
  /** What people pay with. */
  cards: readonly Card[] = CARDS

  constructor(options: TradeOptions) {
    this.#options = options
  }

  async visit(): Promise<void> {
    const draw = Math.random() * 100
    try {
      if (draw < NEW) await this.#newcomer()
      else if (draw < NEW + GUEST) await this.#guest()
      else if (draw < NEW + GUEST + SELLER) await this.#edit()
      else await this.#customer()
      this.visits++
    } catch (error) {
      const why = error instanceof Error ? error.message.replaceAll(/[0-9a-f]{3,}(-[0-9a-z]+)+/g, '…') : String(error)
      this.broken[why] = (this.broken[why] ?? 0) + 1
    }
  }

  async #newcomer(): Promise<void> {
    const visitor = await Visitor.registered(this.#options.client)
    await this.#lookAround()
    await this.#fill(visitor)
    await this.#buy(visitor)
  }

  /** Puts things into a cart that nobody comes back for, mostly. */
  async #guest(): Promise<void> {
    const { client, goods } = this.#options
    const seen = await this.#lookAround()
    if (percent(60)) return
    const added = await client.ask({ kind: 'cart add', method: 'POST', path: '/cart/lines', body: { offerId: (seen ?? favourite(goods)).offerId, quantity: 1 } })
    const token = added.header('souk-cart')
    if (token && percent(50)) await client.ask({ kind: 'cart', method: 'GET', path: '/cart', headers: { 'souk-cart': token } })
  }

  async #customer(): Promise<void> {
    const customer = this.#options.customers.shift()
    if (!customer) return
    try {
      await this.#lookAround()
      await this.#fill(customer)
      if (percent(BUYS)) await this.#buy(customer)
      else if (percent(50)) await this.#quote(customer)
      if (percent(10)) await customer.ask({ kind: 'orders', method: 'GET', path: '/orders' })
    } finally {
      this.#options.customers.push(customer)
    }
  }

  /** A list, a search with or without a typing error, suggestions, some products. */
  async #lookAround(): Promise<Goods | null> {
    const { client, goods } = this.#options
    const get = (kind: string, path: string): Promise<HttpAnswer> => client.ask({ kind, method: 'GET', path })
    if (percent(40)) await get('list', '/products?limit=20')
    const wanted = favourite(goods)
    const word = wordOf(wanted)
    if (percent(50)) await get('suggest', `/search/suggest?q=${encodeURIComponent(word.slice(0, 3))}`)
    if (percent(70)) await get('search', `/search?limit=20&q=${encodeURIComponent(word.length > 5 && percent(10) ? word.slice(1) : word)}`)
    const looked = [wanted, ...Array.from({ length: Math.floor(Math.random() * 3) }, () => favourite(goods))]
    for (const { id } of looked) {
      await think()
      await get('detail', `/products/${id}`)
    }
    return looked.at(-1) ?? null
  }

  async #fill(visitor: Visitor): Promise<void> {
    const cart = json<{ lines: { offerId: string }[] }>(await visitor.ask({ kind: 'cart', method: 'GET', path: '/cart' }))
    if (cart.lines.length > CART_MAX) await visitor.ask({ kind: 'cart clear', method: 'DELETE', path: '/cart' })
    for (let n = 1 + Math.floor(Math.random() * 3); n > 0; n--) {
      const { offerId } = favourite(this.#options.goods)
      await visitor.ask({ kind: 'cart add', method: 'POST', path: '/cart/lines', body: { offerId, quantity: 1 } })
      if (percent(10)) await visitor.ask({ kind: 'cart set', method: 'PATCH', path: `/cart/lines/${offerId}`, body: { quantity: 2 } })
      await think()
    }
  }

  #quote(visitor: Visitor): Promise<HttpAnswer> {
    return visitor.ask({ kind: 'quote', method: 'POST', path: '/checkout/quote', body: { addressId: visitor.addressId, shippingMethod: 'standard' } })
  }

  async #buy(visitor: Visitor): Promise<void> {
    const quote = await this.#quote(visitor)
    if (quote.status !== 200) return this.#giveUp(visitor, quote)
    const token = drawCard(this.cards)
    const body = {
      addressId: visitor.addressId, shippingMethod: 'standard', paymentMethodId: await visitor.card(token),
      confirmation: await visitor.confirm(), expectedTotal: json(quote)['total']
    }
    await think()
    const answer = await visitor.ask({ kind: token === 'tok_demo_ok' ? 'order' : `order, ${token.slice('tok_demo_'.length)}`, method: 'POST', path: '/orders', body })
    if (answer.status !== 201 && answer.status !== 202) return this.#giveUp(visitor, answer)
    const orderId = String(json(answer)['id'])
    this.acknowledged.push({ orderId, status: answer.status })
    await visitor.ask({ kind: 'order get', method: 'GET', path: `/orders/${orderId}` })
    if (percent(CANCELS)) await visitor.ask({ kind: 'cancel', method: 'POST', path: `/orders/${orderId}/cancel`, body: {} })
  }

  /** What is sold out is put on the shelves again; whoever could not buy starts over next time. */
  async #giveUp(visitor: Visitor, answer: HttpAnswer): Promise<void> {
    const refusal = json<{ type: string; lines?: { offerId: string }[] }>(answer)
    if (refusal.type.endsWith('out-of-stock')) for (const { offerId } of refusal.lines ?? []) await this.#restock(offerId)
    if (percent(50)) await visitor.ask({ kind: 'cart clear', method: 'DELETE', path: '/cart' })
  }

  #restock(offerId: string): Promise<HttpAnswer> {
    return this.#options.editor.ask({ kind: 'stock', method: 'PUT', path: `/offers/${offerId}/stock`, body: { delta: RESTOCKED } })
  }

  /** A price moves, a text changes, a shelf is filled, a seller looks at what was sold. */
  async #edit(): Promise<void> {
    const { editor, seller, goods } = this.#options
    const { id, offerId } = favourite(goods)
    const product = json<{ offers: { id: string; price: { amount: number; currency: string } }[] }>(await editor.ask({ kind: 'detail', method: 'GET', path: `/products/${id}` }))
    const offer = product.offers.find((o) => o.id === offerId)
    if (offer && percent(40)) {
      const amount = Math.max(100, Math.round(offer.price.amount * (percent(50) ? 1.05 : 0.95)))
      await editor.ask({ kind: 'offer edit', method: 'PATCH', path: `/offers/${offerId}`, body: { price: { amount, currency: offer.price.currency } } })
    } else if (percent(40)) await editor.ask({ kind: 'product edit', method: 'PATCH', path: `/products/${id}`, body: { description: `As good as new, says batch ${Math.floor(Math.random() * 1_000)}.` } })
    else await this.#restock(offerId)
    await seller.ask({ kind: 'sales', method: 'GET', path: '/sellers/me/orders' })
  }
}
