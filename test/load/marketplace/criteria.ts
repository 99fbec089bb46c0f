import type { ServiceBroker } from 'moleculer'
import { eachOf } from '../../bench/load/each-of.ts'
import type { HttpAnswer } from '../../bench/load/http-client.ts'
import type { Inside } from '../../bench/shop.ts'
import { until } from '../../support/until.ts'
import { json, type Api } from '../api.ts'
import { order, type Customer, type Customers, type Order, type Placed } from '../customers.ts'
import { stockOf, type Stock } from '../editor.ts'
import { Watch, type Check } from '../mix.ts'
import { orderComplaint } from '../mixes/checkout.ts'
import { Reservoir } from '../reservoir.ts'
import { dashboardComplaint, PartsSeen, type DashboardView } from './dashboards.ts'
import { decompositionComplaints, FUNCTIONS, reachComplaints, reachOf, type Provided } from './isolation.ts'
import { historyComplaint, stockComplaint, type Parcel } from './orders.ts'
import { priceComplaint } from './prices.ts'
import type { CartLine, Listing, Seller, Wanted, World } from './world.ts'

/** What a cart shows comes from caches that hold for so long; each is as old as the request that filled it, too. */
const CART_STALE_MS = 5_000
/** Of removed products, and of orders, so many are looked at behind the load. */
const [REPLACED_KEPT, ORDERS_KEPT, LIVE_LOOKED] = [300, 200, 1_000]
const AT_ONCE = 8
const PROBES = 10
/** What was sold leaves the shelf within this, or something is wrong. */
const PATIENCE_MS = 60_000
const MORE_THAN_THERE_IS = 999

type Accepted = Extract<Placed, { order: Order }>

/** A service in Moleculer's registry. */
type ServiceItem = ReturnType<ServiceBroker['registry']['getServiceList']>[number]

/** What a refusal must leave behind: the cart as it was. */
export function refusalComplaint(wanted: readonly { offerId: string; quantity: number }[], cart: readonly { offerId: string; quantity: number }[]): string | null {
  const held = new Map(cart.map(({ offerId, quantity }) => [offerId, quantity]))
  const changed = wanted.find(({ offerId, quantity }) => held.get(offerId) !== quantity)
  if (changed) return `after a refusal the cart holds ${held.get(changed.offerId) ?? 0} of ${changed.offerId}, before it held ${changed.quantity}`
  return held.size > wanted.length ? 'after a refusal the cart holds more than before' : null
}

/** The seven criteria of the benchmark: what transactions saw, and what is looked at behind them. */
export class Criteria {
  readonly #api: Api
  readonly #inside: Inside
  readonly #decomposition = new Watch('functional decomposition', 'the registry is asked who provides each of the eight functions: a service of its own, and nobody else provides its actions; every transaction goes through the public REST API')
  readonly #isolation = new Watch('resource isolation', 'PostgreSQL is asked, for every pair of a service’s role and a table of another service, whether the role may read or write it')
  readonly #checkout = new Watch('all-or-nothing checkout', 'each accepted order is compared with the cart it was made of; after each refusal the cart must be as before; at the end orders of which one line asks for more than there is must be refused and leave cart and stock as they were')
  readonly #prices = new Watch('causal replication of prices', 'each price that an order charged must have held at a moment between its request and its answer, by what the sellers were told; each price that a cart showed may be behind by no more than the cache’s 5 s and the slowest answer')
  readonly #stock = new Watch('product and stock integrity', 'no order that was sent after a product’s removal was answered may hold it; at the end the shelf of each product, removed ones too, must have lost exactly what accepted orders took, and a removed product must be gone')
  readonly #dashboards = new Watch('dashboard from one snapshot', 'the counts, units and amount of each dashboard must be those of its list')
  readonly #events = new Watch('order of events per order', 'no part of an order may be seen in an earlier state than somebody saw before; at the end the histories of orders and parcels must go forward only, and agree')
  readonly #parts = new PartsSeen()
  readonly #replaced = new Reservoir<Listing>(REPLACED_KEPT)
  readonly #orders = new Reservoir<{ orderId: string; customer: Customer }>(ORDERS_KEPT)
  readonly acknowledged = new Reservoir<{ orderId: string; status: number }>(100_000)
  #refusals = 0
  #slowestMs = 0
  #stalestMs = 0
  #updatesSeen = 0

  constructor(api: Api, inside: Inside) {
    this.#api = api
    this.#inside = inside
  }

  accepted(customer: Customer, wanted: readonly Wanted[], { order: placed, status, from, to }: Accepted): void {
    this.acknowledged.add({ orderId: placed.id, status })
    this.#orders.add({ orderId: placed.id, customer })
    this.#checkout.saw(orderComplaint(placed, new Map(wanted.map(({ listing, quantity }) => [listing.offerId, quantity]))))
    const listings = new Map(wanted.map(({ listing }) => [listing.offerId, listing]))
    for (const { offerId, unitPrice } of placed.subOrders.flatMap((sub) => sub.lines)) {
      const listing = listings.get(offerId)
      if (!listing) continue // the order's own check says so
      this.#prices.saw(complaintOf(`order ${placed.id}`, priceComplaint(listing.prices, { offerId, price: unitPrice, from, to }, 0)))
      const removedAt = listing.removal?.answeredAt ?? Infinity
      this.#stock.saw(removedAt < from ? `order ${placed.id} holds ${offerId}, which was removed ${Math.round(from - removedAt)} ms before it was sent` : null)
    }
  }

  refused(wanted: readonly Wanted[], cart: readonly CartLine[]): void {
    this.#refusals++
    this.#checkout.saw(refusalComplaint(wanted.map(({ listing: { offerId }, quantity }) => ({ offerId, quantity })), cart))
  }

  cartSeen(listings: ReadonlyMap<string, Listing>, lines: readonly CartLine[], from: number, to: number): void {
    this.#slowestMs = Math.max(this.#slowestMs, to - from)
    for (const { offerId, unitPrice } of lines) {
      const listing = listings.get(offerId)
      if (!listing || listing.removal) continue // what is not sold any more is shown at its last price
      const stale = listing.prices.staleness(unitPrice.amount, from, to) ?? 0
      if (stale > 0) this.#updatesSeen++
      this.#stalestMs = Math.max(this.#stalestMs, stale)
      this.#prices.saw(complaintOf('a cart', priceComplaint(listing.prices, { offerId, price: unitPrice, from, to }, CART_STALE_MS + this.#slowestMs)))
    }
  }

  replaced(listing: Listing): void {
    this.#replaced.add(listing)
  }

  dashboard({ id }: Seller, view: DashboardView, from: number, to: number): void {
    this.#dashboards.saw(complaintOf(`seller ${id}`, dashboardComplaint(view)))
    for (const complaint of this.#parts.look(id, view, from, to)) this.#events.saw(complaint)
  }

  /** What is looked at when all transactions have been answered. */
  async checks(world: World, customers: Customers): Promise<Check[]> {
    const threads = await this.#lookAtServices()
    const pairs = await this.#lookAtRoles()
    const probes = await this.#probe(world, customers)
    const shelves = await this.#lookAtShelves(world)
    const histories = await this.#lookAtHistories(world)
    const count = (n: number): string => n.toLocaleString('en')
    return [
      this.#decomposition.result(`${Object.keys(FUNCTIONS).length} functions, on threads ${threads}`),
      this.#isolation.result(`${count(pairs)} pairs of role and foreign table; the relay alone reaches into others’ outboxes`),
      this.#checkout.result(`${count(this.acknowledged.added)} orders accepted, ${count(this.#refusals)} refused, ${probes} of them on purpose`),
      this.#prices.result(`carts were behind ${count(this.#updatesSeen)} times, by ${Math.round(this.#stalestMs)} ms at most; orders never may be`),
      this.#stock.result(`${count(this.#replaced.added)} products replaced; ${count(shelves)} shelves counted`),
      this.#dashboards.result('each answer against itself'),
      this.#events.result(`parts in dashboards, and ${count(histories)} orders with their parcels from first to last`)
    ]
  }

  async #lookAtServices(): Promise<string> {
    const broker = await this.#inside.broker()
    const list: (ServiceItem & { actions?: object })[] = broker.registry.getServiceList({ onlyAvailable: true, withActions: true }) // the types forget the actions
    const services = list.map(({ name, nodeID = '', actions = {} }): Provided => ({ name, nodeID, actions: Object.keys(actions) }))
    for (const complaint of decompositionComplaints(services)) this.#decomposition.saw(complaint)
    const owners = new Set(Object.values(FUNCTIONS).flat())
    return [...new Set(services.filter(({ name }) => owners.has(name)).map(({ nodeID }) => nodeID))].sort().join(', ')
  }

  async #lookAtRoles(): Promise<number> {
    let looked = 0
    for (const pool of this.#inside.everyPool()) {
      const { pairs, open } = await reachOf(pool)
      looked += pairs
      const wrong = reachComplaints(open)
      for (let i = 0; i < pairs; i++) this.#isolation.saw(wrong[i] ?? null)
    }
    return looked
  }

  /** Orders of which one line asks for more than there is. */
  async #probe({ places }: World, customers: Customers): Promise<number> {
    const listings = places.flatMap(({ listing }) => listing ?? [])
    const shelfOf = ({ offerId, seller }: Listing): Promise<Stock> => stockOf(this.#api, seller.person.authorization, offerId)
    let made = 0
    for (let n = 0; n < PROBES && listings.length >= 2; n++) {
      const [good, scarce] = [listings[(2 * n) % listings.length]!, listings[(2 * n + 1) % listings.length]!]
      const before = await this.#settled(good)
      const units = (await this.#settled(scarce)).onHand
      await this.#putOnShelf(scarce, MORE_THAN_THERE_IS - 1)
      await customers.serveAnew(this.#api, async (customer) => {
        const wanted = [{ offerId: good.offerId, quantity: 1 }, { offerId: scarce.offerId, quantity: MORE_THAN_THERE_IS }]
        for (const body of wanted) await this.#api.ask({ kind: 'cart add', method: 'POST', path: '/cart/lines', authorization: customer.authorization, body }, 200)
        const placed = await order(this.#api, customer)
        const after = await shelfOf(good)
        if (!('refused' in placed)) return this.#checkout.saw(`order ${placed.order.id} was accepted, and there was less than it holds of ${scarce.offerId}`)
        this.#refusals++
        made++
        const { lines } = json<{ lines: CartLine[] }>(await this.#api.get('cart', '/cart', customer.authorization))
        const shelf = after.onHand === before.onHand && after.reserved === before.reserved ? null : `after a refusal ${after.reserved} of ${good.offerId} are reserved and ${after.onHand} on hand, before ${before.reserved} and ${before.onHand}`
        this.#checkout.saw(refusalComplaint(wanted, lines) ?? shelf)
        await this.#api.ask({ kind: 'cart clear', method: 'DELETE', path: '/cart', authorization: customer.authorization }, 200)
      })
      await this.#putOnShelf(scarce, units)
    }
    return made
  }

  #putOnShelf({ offerId, seller }: Listing, onHand: number): Promise<HttpAnswer> {
    return this.#api.ask({ kind: 'stock', method: 'PUT', path: `/offers/${offerId}/stock`, authorization: seller.person.authorization, body: { onHand } }, 200)
  }

  /** The shelf once nothing on it is reserved any more; as it is after a minute. */
  async #settled({ offerId, seller }: Listing): Promise<Stock> {
    let last: Stock | undefined
    await until('nothing is reserved', async () => (last = await stockOf(this.#api, seller.person.authorization, offerId)).reserved === 0, PATIENCE_MS).catch(() => {})
    if (!last) throw new Error(`${offerId}: its stock cannot be read`)
    return last
  }

  async #lookAtShelves({ places, units }: World): Promise<number> {
    const live = places.flatMap(({ listing }) => listing ?? []).slice(0, LIVE_LOOKED)
    const all = [...live, ...this.#replaced.items]
    await eachOf(all, AT_ONCE, async (listing) => {
      const shelf = await this.#settled(listing)
      this.#stock.saw(stockComplaint(listing, units, shelf))
      if (!listing.removal) return
      const { status } = await this.#api.ask({ kind: 'product', method: 'GET', path: `/products/${listing.productId}` }, 200, 404)
      this.#stock.saw(status === 200 ? `${listing.productId} was removed, and is there` : null)
    })
    return all.length
  }

  async #lookAtHistories({ carrier }: World): Promise<number> {
    await eachOf(this.#orders.items, AT_ONCE, async ({ orderId, customer }) => {
      // The order is read first: its parcels are never behind it.
      const look = json<Order & Record<string, unknown>>(await this.#api.get('order look', `/orders/${orderId}`, customer.authorization))
      const parcels = await this.#api.ask({ kind: 'parcels', method: 'GET', path: `/orders/${orderId}/shipments`, authorization: carrier.authorization }, 200, 404)
      this.#events.saw(historyComplaint(look, parcels.status === 404 ? [] : json<{ items: Parcel[] }>(parcels).items))
    })
    return this.#orders.items.length
  }
}

const complaintOf = (where: string, complaint: string | null): string | null => complaint && `${where}: ${complaint}`
