import { isDeepStrictEqual } from 'node:util'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import type { BrokerOptions, ServiceBroker } from 'moleculer'
import { signGrant } from '../../mixins/access/grants.ts'
import { digest, newId } from '../../mixins/primitives/ids.ts'
import { money, type Money } from '../../mixins/primitives/money.ts'
import { problem, problemType } from '../../mixins/primitives/problem.ts'
import { call, type Actions } from '../../mixins/runtime/calls.ts'
import type { OrderView } from '../../services/order/order.ts'
import { newOrderId } from '../../services/order/order.store.ts'
import orderWorker from '../../services/order/order.worker.ts'
import type { RefundView } from '../../services/order/refunds.ts'
import { TIMINGS, type Timings } from '../../services/order/saga.ts'
import { defaultWarehouse } from '../../services/seller/seller.contract.ts'
import { startShop, type Shop } from './shop.ts'
import { until } from './until.ts'

type Schema = Parameters<ServiceBroker['createService']>[0]

/** Proofs of identity as Auth keeps them: confirmation → what it is for, the holder that took it, and whether it is spent. */
type Proofs = Map<string, { purpose: string; holder: string | null; spent: boolean }>

/** A marketplace for buying: every domain of the purchase path is the real one but Auth, which here knows everybody. */
export interface Market {
  shop: Shop
  proofs: Proofs
  /** A product with one offer and this much stock, sold by `sellerId`. */
  offer(options?: { sellerId?: string; price?: number; onHand?: number }): Promise<string>
  buyer(token?: string, benefits?: { prime: boolean }): Promise<Buyer>
  stock(offerId: string): Promise<{ onHand: number; reserved: number }>
  available(offerId: string): Promise<number>
  /** Resolves when nothing of the offer is promised any more, and so many are left. */
  sold(offerId: string, onHand: number): Promise<void>
  coupon(limits: { percent: number; usesTotal?: number; usesPerBuyer?: number }): Promise<string>
  /** What the carrier reports of a sub-order's parcel; waits until the order has heard of it. */
  parcel(order: OrderView, sellerId: string, status: 'picked_up' | 'delivered' | 'lost' | 'returned'): Promise<void>
  /** A refund by an administrator, or by a seller. */
  refund(orderId: string, what: { amount?: Money; lines?: { offerId: string; quantity: number }[]; sellerId?: string }, key?: string): Promise<RefundView>
  /** What the provider's account of an attempt to pay says. */
  account(orderId: string, attempt?: number): Promise<{ state: string; amount: number; captured: number; refunded: number; entries: number } | null>
  /** The record of an Idempotency-Key: its HTTP status, null while it runs; undefined when there is none. */
  record(operationId: string): Promise<number | null | undefined>
}

/** Somebody who buys through the order's worker, as the face would let them. */
export interface Buyer {
  id: string
  add(offerId: string, quantity?: number): Promise<void>
  confirmation(purpose?: string): string
  method(token: string): Promise<string>
  /** Places the cart; `key` is the Idempotency-Key. */
  place(options?: { key?: string; confirmation?: string; expectedTotal?: Money; coupon?: string; method?: string; orderId?: string }): Promise<Placed>
  order(id: string): Promise<OrderView>
  /** Waits until the order is in `status`, or its payment in `payment`. */
  reached(id: string, what: { status?: string; payment?: string }): Promise<OrderView>
  pay(orderId: string, token: string, options?: { key?: string; confirmation?: string }): Promise<Placed>
  cancel(orderId: string, key?: string): Promise<Placed>
  giveBack(orderId: string, lines: { offerId: string; quantity: number }[], key?: string): Promise<Placed>
  cart(): Promise<{ offerId: string; quantity: number }[]>
  operationId(operation: 'place' | 'pay' | 'cancel' | 'return', key: string): string
}

export interface Placed {
  status: number
  order: OrderView
  replayed: boolean
}

export interface MarketOptions {
  extra?: readonly Schema[]
  without?: readonly string[]
  /** More of the house's services. */
  also?: readonly string[]
  /** Of the order's saga: hours and minutes as fractions of a second. */
  timings?: Partial<Timings>
  broker?: (usual: BrokerOptions) => BrokerOptions
}

/** The problem type that a promise is rejected with; null when it is not. A fault is thrown on. */
export const refusal = (promise: Promise<unknown>): Promise<string | null> =>
  promise.then(
    () => null,
    (error: unknown) => problemType(error) ?? Promise.reject(error)
  )

const CATEGORY = 'lamps'
const SERVICES = ['seller.worker', 'seller.orders', 'product.worker', 'inventory.worker', 'pricing.worker', 'cart.worker', 'payment.worker', 'provider', 'logistics.worker', 'relay.worker']

function auth(proofs: Proofs, primes: ReadonlySet<string>): Schema {
  const held = (holder: string): [string, { holder: string | null; spent: boolean }] | undefined => [...proofs].find(([, p]) => p.holder === holder)
  type Handler = (ctx: { params: { confirmation?: string; userId: string; addressId: string; holder: string; amount: Money; purpose: string } }) => unknown
  const actions: Record<string, Handler> = {
    buyer: ({ params: { userId, addressId } }) => {
      if (addressId !== 'home') throw problem('not-found', 'There is no such address.')
      const address = { id: 'home', name: 'Ada', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' }
      return { address, subscription: primes.has(userId) ? { id: 'sub', plan: 'prime-monthly', status: 'active', renewsAt: '2099-01-01T00:00:00Z' } : null }
    },
    holdProof: async ({ params: { confirmation, userId, holder, amount, purpose } }) => {
      const mine = held(holder)
      const proof = proofs.get(mine?.[0] ?? confirmation ?? '')
      if (!proof || proof.purpose !== purpose || (!mine && (proof.spent || proof.holder !== null))) throw problem('identity-confirmation-required', 'Confirm again.')
      proof.holder = holder
      return { grant: signGrant({ userId, holder, amount }) }
    },
    spendProof: ({ params: { holder } }) => {
      const proof = held(holder)
      if (proof) proof[1].spent = true
    },
    freeProof: ({ params: { holder } }) => {
      const proof = held(holder)
      if (proof && !proof[1].spent) proof[1].holder = null
    },
    setSubscription: () => null
  }
  return { name: 'auth.worker', actions } as unknown as Schema
}

/** The order's worker in more of a hurry than the real one. */
export const hurriedOrders = (timings: Partial<Timings>): Schema => ({ ...orderWorker, settings: { ...TIMINGS, ...timings } }) as unknown as Schema

/** A saga's times for tests: what a crash left is taken up again within a second, and a payment that nobody can settle is given up soon. */
export const HURRIED: Partial<Timings> = {
  stepWithinMs: 1_500,
  giveUpAfterMs: 800,
  resumeAfterMs: { placing: 600, refusing: 400, pending: 400, abandoning: 400, paid: 400, cancelling: 400, refund: 400 }
}

/** Starts the purchase path in this process on fresh databases. */
export async function startMarket({ extra = [], without = [], also = [], timings = HURRIED, broker: change }: MarketOptions = {}): Promise<Market> {
  process.env['SOUK_JWT_KEY'] ??= generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  process.env['SOUK_WEBHOOK_SECRET'] ??= randomUUID()
  const proofs: Proofs = new Map()
  const primes = new Set<string>()
  const orders = without.includes('order.worker') ? [] : [hurriedOrders(timings)]
  const shop = await startShop([...SERVICES.filter((s) => !without.includes(s)), ...also], [auth(proofs, primes), ...orders, ...extra], change)
  const { broker, databases } = shop
  if (orders.length > 0) await broker.waitForServices(['order.worker'])
  await call(broker, 'product.worker.addCategories', { categories: [{ id: 'c1', slug: CATEGORY, name: 'Lamps', parentId: null }] })

  const market: Market = {
    shop,
    proofs,
    async offer({ sellerId = 's1', price = 2_500, onHand = 10 } = {}) {
      const offerId = newId()
      const warehouseId = defaultWarehouse(sellerId)
      await call(broker, 'product.worker.import', {
        products: [
          {
            id: newId(), title: `Lantern ${offerId.slice(-4)}`, brand: 'Zephyrine', category: CATEGORY, description: 'A lantern for windy nights.', attributes: {}, images: [], ownerSellerId: sellerId, createdAt: new Date().toISOString(),
            offers: [{ id: offerId, sellerId, sellerName: `Seller ${sellerId}`, warehouseId, price: money(price), condition: 'new', handlingDays: 1, availability: 'in_stock' }]
          }
        ]
      })
      await call(broker, 'inventory.worker.import', { rows: [{ offerId, warehouseId, onHand }], announced: true })
      return offerId
    },
    async stock(offerId) {
      const { items } = await call(broker, 'inventory.worker.stock', { offerIds: [offerId] })
      return { onHand: items[0]!.onHand, reserved: items[0]!.reserved }
    },
    async available(offerId) {
      const { onHand, reserved } = await this.stock(offerId)
      return onHand - reserved
    },
    async sold(offerId, left) {
      await until(`all of ${offerId} that was promised is sold`, async () => isDeepStrictEqual(await this.stock(offerId), { onHand: left, reserved: 0 }))
    },
    async coupon(limits) {
      const { code } = await call(broker, 'pricing.worker.createCoupon', { code: `C${newId().slice(-8).toUpperCase()}`, ...limits })
      return code
    },
    async parcel({ id, buyerId }: OrderView & { buyerId?: string }, sellerId, status) {
      const current = (): Promise<OrderView> => call(broker, 'order.worker.get', { orderId: id, buyerId: buyerId ?? null })
      const shipment = await until('the seller’s parcel is known', async () => (await current()).subOrders.find((s) => s.sellerId === sellerId)?.shipments[0])
      await call(broker, 'logistics.worker.event', { shipmentId: shipment.id, status, at: new Date().toISOString() })
      await until(`the order knows its parcel ${status}`, async () => (await current()).subOrders.some((s) => s.shipments.some((x) => x.id === shipment.id && x.status === status)))
    },
    refund: async (orderId, { sellerId = null, ...what }: { amount?: Money; lines?: { offerId: string; quantity: number }[]; sellerId?: string | null }, key = randomUUID()) =>
      broker.call('order.worker.refund', { orderId, sellerId, ...what, reason: 'goodwill' }, { meta: operation(sellerId ?? 'admin', 'refund', key, { orderId, ...what }) }),
    async account(orderId, attempt = 1) {
      const [row] = await databases.query<{ state: string; amount: number; captured: number; refunded: number; entries: number }>(
        'SELECT state, amount::int, captured::int, refunded::int, (SELECT count(*)::int FROM provider.entry e WHERE e.key = a.key) AS entries FROM provider.account a WHERE key = $1',
        [`${orderId}.${attempt}`]
      )
      return row ?? null
    },
    async record(operationId) {
      for (const url of databases.orders) {
        const [row] = await databases.query<{ status: number | null }>('SELECT status FROM orders.idempotency WHERE id = $1', [operationId], url)
        if (row) return row.status
      }
      return undefined
    },
    async buyer(token = 'tok_demo_ok', { prime } = { prime: false }) {
      const buyer = await makeBuyer(market, token)
      if (prime) primes.add(buyer.id)
      return buyer
    }
  }
  return market
}

const operationIdOf = (who: string, what: string, key: string): string => digest(`${who} ${what} ${key}`)
const operation = (who: string, what: string, key: string, body: unknown): { operation: { id: string; bodyHash: string } } => ({ operation: { id: operationIdOf(who, what, key), bodyHash: digest(JSON.stringify(body)) } })

type OrderAction = keyof Actions & `order.worker.${'place' | 'pay' | 'cancel' | 'return'}`

async function makeBuyer({ shop: { broker }, proofs }: Market, token: string): Promise<Buyer> {
  const id = newId()
  const method = async (t: string): Promise<string> => (await call(broker, 'payment.worker.addMethod', { userId: id, token: t, label: 'Demo card' })).id
  const standard = await method(token)
  /** Calls as the face does, and reads what came back in meta. */
  const asked = async (name: OrderAction, params: object, meta: object): Promise<Placed> => {
    const parent = { ...meta } as { $statusCode?: number; replayed?: boolean }
    const order = (await broker.call(name, params, { meta: parent })) as OrderView
    return { status: parent.$statusCode ?? 200, order, replayed: parent.replayed ?? false }
  }
  const buyer: Buyer = {
    id,
    method,
    async add(offerId, quantity = 1) {
      const { items } = await call(broker, 'product.worker.offers', { offerIds: [offerId] })
      await call(broker, 'cart.worker.add', { cartId: id, create: true, line: { offerId, productId: items[0]!.productId, quantity, unitPrice: items[0]!.price } })
    },
    confirmation(purpose = 'checkout') {
      const confirmation = randomUUID()
      proofs.set(confirmation, { purpose, holder: null, spent: false })
      return confirmation
    },
    async place({ key = randomUUID(), method: methodId = standard, orderId = newOrderId(id), confirmation = buyer.confirmation(), ...rest } = {}) {
      const body = { addressId: 'home', shippingMethod: 'standard', paymentMethodId: methodId, ...rest }
      return asked('order.worker.place', { orderId, buyerId: id, sessionId: 'session', confirmation, ...body }, operation(id, 'place', key, body))
    },
    order: (orderId) => call(broker, 'order.worker.get', { orderId, buyerId: id }),
    reached: (orderId, { status, payment }) =>
      until(`the order is ${status ?? ''} ${payment ?? ''}`, async () => {
        const order = await buyer.order(orderId)
        return (status === undefined || order.status === status) && (payment === undefined || order.payment.status === payment) ? order : null
      }),
    async pay(orderId, t, { key = randomUUID(), confirmation = buyer.confirmation('payment') } = {}) {
      const paymentMethodId = await method(t)
      return asked('order.worker.pay', { orderId, buyerId: id, sessionId: 'session', paymentMethodId, confirmation }, operation(id, 'pay', key, { orderId }))
    },
    cancel: (orderId, key = randomUUID()) => asked('order.worker.cancel', { orderId, buyerId: id }, operation(id, 'cancel', key, { orderId })),
    giveBack: (orderId, lines, key = randomUUID()) => asked('order.worker.return', { orderId, buyerId: id, lines, reason: 'too bright' }, operation(id, 'return', key, { orderId, lines })),
    async cart() {
      const { lines } = await call(broker, 'cart.worker.contents', { cartId: id })
      return lines.map(({ offerId, quantity }) => ({ offerId, quantity }))
    },
    operationId: (what, key) => operationIdOf(id, what, key)
  }
  return buyer
}
