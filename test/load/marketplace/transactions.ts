import { expectStatus, type HttpAnswer } from '../../bench/load/http-client.ts'
import { json, type Api } from '../api.ts'
import { emptyCart, order, type Customer } from '../customers.ts'
import type { Criteria } from './criteria.ts'
import type { DashboardView } from './dashboards.ts'
import type { Parcel } from './orders.ts'
import { DESCRIPTION, listingOf, newPrice, titleOf, type CartLine, type Listing, type Place, type Wanted, type World } from './world.ts'

const [LINES_MAX, QUANTITY_MAX] = [10, 10]
/** Orders whose parcels have all arrived, which are looked at again when there is nothing to deliver. */
const ARRIVED_KEPT = 100

const upTo = (max: number): number => 1 + Math.floor(Math.random() * max)
const anyOf = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)]!

/** The benchmark's five transactions through the REST API, each telling the criteria what it saw. */
export class Transactions {
  readonly #api: Api
  readonly #world: World
  readonly #criteria: Criteria
  /** Orders with parcels under way, the oldest first, and how many parcels each must have. */
  #undelivered: { orderId: string; parcels: number }[] = []
  #delivering = 0
  readonly #arrived: string[] = []
  #made = 0

  constructor(api: Api, world: World, criteria: Criteria) {
    this.#api = api
    this.#world = world
    this.#criteria = criteria
  }

  /** Customer session: one to ten different products, one to ten of each, into the cart; then checkout. */
  async session(customer: Customer): Promise<string | void> {
    const wanted = await this.#fill(customer)
    if (wanted.length === 0) return 'nothing was left of what was wanted'
    for (const { listing, quantity } of wanted) listing.unknown += quantity
    const placed = await order(this.#api, customer)
    for (const { listing, quantity } of wanted) listing.unknown -= quantity
    if ('refused' in placed) {
      this.#criteria.refused(wanted, await this.#cart(customer))
      await emptyCart(this.#api, customer)
      return `refused: ${placed.refused}`
    }
    for (const { listing, quantity } of wanted) listing.sold += quantity
    this.#criteria.accepted(customer, wanted, placed)
    this.#undelivered.push({ orderId: placed.order.id, parcels: placed.order.subOrders.length })
  }

  async #fill({ authorization }: Customer): Promise<Wanted[]> {
    const chosen = new Map<Listing, number>()
    for (let n = upTo(LINES_MAX); n > 0; n--) {
      const { listing } = anyOf(this.#world.places)
      if (listing) chosen.set(listing, upTo(QUANTITY_MAX))
    }
    const wanted: Wanted[] = []
    for (const [listing, quantity] of chosen) {
      const from = performance.now()
      const answer = await this.#api.ask({ kind: 'cart add', method: 'POST', path: '/cart/lines', authorization, body: { offerId: listing.offerId, quantity } }, 200, 404)
      if (answer.status === 404) {
        if (!listing.removal) expectStatus(answer, 200) // it is for sale: this is an error
        continue
      }
      wanted.push({ listing, quantity })
      this.#criteria.cartSeen(new Map(wanted.map((one) => [one.listing.offerId, one.listing])), json<{ lines: CartLine[] }>(answer).lines, from, performance.now())
    }
    return wanted
  }

  async #cart({ authorization }: Customer): Promise<CartLine[]> {
    return json<{ lines: CartLine[] }>(await this.#api.get('cart', '/cart', authorization)).lines
  }

  /** Seller dashboard: what is under way, counted and listed. */
  async dashboard(): Promise<void> {
    const seller = anyOf(this.#world.sellers)
    const from = performance.now()
    const answer = await this.#api.get('dashboard', '/sellers/me/dashboard', seller.person.authorization)
    this.#criteria.dashboard(seller, answer.json() as DashboardView, from, performance.now())
  }

  /** Price update: a seller asks another price for one of their products. */
  async price(): Promise<string | void> {
    const listing = this.#idleListing()
    if (!listing) return 'every product was being changed'
    const { prices, offerId, seller } = listing
    const price = { amount: prices.amount + 1, currency: 'USD' }
    await prices.change(price.amount, async () => {
      const answer = await this.#api.ask({ kind: 'price', method: 'PATCH', path: `/offers/${offerId}`, authorization: seller.person.authorization, body: { price } }, 200, 404)
      if (answer.status === 404 && !listing.removal) expectStatus(answer, 200)
    })
  }

  #idleListing(): Listing | null {
    for (let tries = 0; tries < 10; tries++) {
      const { listing } = anyOf(this.#world.places)
      if (listing && !listing.prices.isChanging) return listing
    }
    return null
  }

  /** Product replacement: a product is taken back, and another one is put in its place, with stock. */
  async replace(): Promise<string | void> {
    const place = anyOf(this.#world.places)
    const { listing } = place
    place.listing = null
    if (listing) await this.#takeBack(listing)
    place.listing = await this.#bring(place)
    return listing ? undefined : 'brought one where there was none'
  }

  async #takeBack(listing: Listing): Promise<void> {
    const removal = { sentAt: performance.now(), answeredAt: Infinity }
    listing.removal = removal
    await this.#api.ask({ kind: 'product removal', method: 'DELETE', path: `/products/${listing.productId}`, authorization: listing.seller.person.authorization }, 204)
    removal.answeredAt = performance.now()
    this.#criteria.replaced(listing)
  }

  async #bring({ seller }: Place): Promise<Listing> {
    const { authorization } = seller.person
    const post = (kind: string, path: string, body: object): Promise<HttpAnswer> => this.#api.ask({ kind, method: 'POST', path, authorization, body }, 201)
    const product = { title: titleOf(this.#world.places.length + ++this.#made), brand: 'Load', category: this.#world.category, description: DESCRIPTION }
    const productId = String(json(await post('product', '/products', product))['id'])
    const amount = newPrice()
    const offerId = String(json(await post('offer', `/products/${productId}/offers`, { price: { amount, currency: 'USD' }, condition: 'new', handlingDays: 1 }))['id'])
    await this.#api.ask({ kind: 'stock', method: 'PUT', path: `/offers/${offerId}/stock`, authorization, body: { onHand: this.#world.units } }, 200)
    return listingOf(productId, offerId, seller, amount)
  }

  /** Delivery update: of the oldest order whose parcels are under way (up to ten, of as many sellers), each parcel has arrived. */
  async deliver(): Promise<string | void> {
    const next = this.#undelivered[this.#delivering]
    if (!next) return this.#nothingToDeliver()
    this.#delivering++
    if (this.#delivering > 1_000) {
      this.#undelivered = this.#undelivered.slice(this.#delivering)
      this.#delivering = 0
    }
    try {
      const parcels = await this.#parcels(next.orderId)
      if (parcels.length < next.parcels) {
        this.#undelivered.push(next)
        return 'not packed yet'
      }
      const event = { status: 'delivered', at: new Date().toISOString() }
      for (const { id } of parcels) await this.#api.ask({ kind: 'parcel event', method: 'POST', path: `/shipments/${id}/events`, authorization: this.#world.carrier.authorization, body: event }, 200)
      this.#arrived.push(next.orderId)
      if (this.#arrived.length > ARRIVED_KEPT) this.#arrived.shift()
    } catch (error) {
      this.#undelivered.push(next)
      throw error
    }
  }

  async #nothingToDeliver(): Promise<string> {
    const known = this.#arrived.at(-1)
    if (known) await this.#parcels(known)
    return 'nothing to deliver'
  }

  /** A carrier does not know an order of which no parcel has been packed. */
  async #parcels(orderId: string): Promise<Parcel[]> {
    const answer = await this.#api.ask({ kind: 'parcels', method: 'GET', path: `/orders/${orderId}/shipments`, authorization: this.#world.carrier.authorization }, 200, 404)
    return answer.status === 404 ? [] : json<{ items: Parcel[] }>(answer).items
  }
}
