import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpAnswer } from '../load/http-client.ts'
import type { Buyers, Goods } from './world.ts'

/** One operation of the purchase path, as it is measured at both sizes. */
export interface GrowthOperation {
  name: string
  /** Times a round, or once for each buyer. */
  times: number | 'buyers'
  /** Before the clock starts. */
  prepare?(buyers: Buyers, round: number): Promise<unknown>
  /** The `n`th of the round. */
  run(buyers: Buyers, n: number, round: number): Promise<HttpAnswer>
  /** What its answer tells of, where that is not its bytes: a search counts and facets all that match. */
  tells?(answer: HttpAnswer): number
  /** Seconds after the answers in which work behind them is still counted. */
  behind?: number
}

/** Seconds in which events are handled, money is captured and parcels are announced. */
const BEHIND_ORDERS = 2
const BEHIND_CARTS = 0.5

const at = <T>(list: readonly T[], n: number): T => list[n % list.length]!
const person = ({ people }: Buyers, n: number) => at(people, n)
/** Goods from the whole catalogue, each once before any comes again: not what a cache holds already. */
const spread = ({ world: { sample } }: Buyers, n: number): Goods => at(sample, n * 7_919 + 13)
const prefix = ({ title }: Goods, n: number): string => at(title.toLowerCase().split(/[^a-z]+/).filter((word) => word.length > 3), n).slice(0, 4)

const READS = 200
const SEARCHES = 100
const BROAD_SEARCHES = 24
const CART_ADDS = 60
const QUOTES = 30

/** What every buyer needs for an order: the cart and a proof of who they are. */
async function prepareOrders(buyers: Buyers): Promise<void> {
  await buyers.fill()
  bodies.set(buyers, await Promise.all(buyers.people.map((one) => buyers.orderOf(one))))
}

async function placeOrder(buyers: Buyers, n: number): Promise<HttpAnswer> {
  const answer = await buyers.world.post('/orders', person(buyers, n), bodies.get(buyers)![n]!)
  buyers.placed[n] = (answer.json() as { id: string }).id
  return answer
}

const fill = (buyers: Buyers): Promise<void> => buyers.fill()
const bodies = new WeakMap<Buyers, object[]>()

export const OPERATIONS: readonly GrowthOperation[] = [
  { name: 'detail', times: READS, run: (b, n, round) => b.world.get(`/products/${spread(b, round * READS + n).id}`) },
  { name: 'list of a category', times: SEARCHES, run: (b, n, round) => b.world.get(`/products?limit=20&category=${spread(b, round * SEARCHES + n).category}`) },
  { name: 'list of a category by price', times: SEARCHES, run: (b, n, round) => b.world.get(`/products?limit=20&sort=price&category=${spread(b, round * SEARCHES + n).category}`) },
  { name: 'list of a seller', times: BROAD_SEARCHES, run: (b, n) => b.world.get(`/products?limit=${20 - (n % 10)}&seller=trader-${n % 10}`) },
  { name: 'search, one product', times: SEARCHES, run: (b, n, round) => b.world.get(`/search?limit=20&q=${spread(b, round * SEARCHES + n).code}`) },
  {
    name: 'search, all that match counted', times: BROAD_SEARCHES,
    run: (b, n, round) => b.world.get(`/search?limit=20&q=${encodeURIComponent(prefix(spread(b, round * BROAD_SEARCHES + n), n))}&category=${spread(b, round * BROAD_SEARCHES + n).category}`),
    tells: (answer) => 20 + (answer.json() as { total: number }).total
  },
  { name: 'suggest', times: SEARCHES, run: (b, n, round) => b.world.get(`/search/suggest?q=${prefix(spread(b, round * SEARCHES + n), n)}`) },
  { name: 'cart get', times: READS, prepare: fill, run: (b, n) => b.world.get('/cart', person(b, n)) },
  { name: 'cart add', times: CART_ADDS, prepare: fill, run: (b, n) => b.world.post('/cart/lines', person(b, n), { offerId: at(b.lines, n).offerId, quantity: 1 }), behind: BEHIND_CARTS },
  { name: 'quote', times: QUOTES, prepare: fill, run: (b, n) => b.world.post('/checkout/quote', person(b, n), { addressId: person(b, n).addressId, shippingMethod: 'standard' }) },
  { name: 'order', times: 'buyers', prepare: prepareOrders, run: placeOrder, behind: BEHIND_ORDERS },
  { name: 'order get', times: SEARCHES, run: (b, n) => b.world.get(`/orders/${at(b.placed, n)}`, person(b, n)) },
  { name: 'orders', times: SEARCHES, run: (b, n) => b.world.get('/orders?limit=10', person(b, n)) },
  {
    name: 'cancel', times: 'buyers',
    async prepare(b) {
      await prepareOrders(b)
      for (const n of b.people.keys()) await placeOrder(b, n)
      await sleep(BEHIND_ORDERS * 1_000)
    },
    run: (b, n) => b.world.post(`/orders/${b.placed[n]}/cancel`, person(b, n), {}), behind: BEHIND_ORDERS
  },
  { name: 'sales', times: SEARCHES, run: (b) => b.world.get('/sellers/me/orders?limit=10', at(b.world.sellers, b.seller)) },
  { name: 'sales, one status', times: SEARCHES, run: (b) => b.world.get('/sellers/me/orders?limit=10&status=packed', at(b.world.sellers, b.seller)) }
]
