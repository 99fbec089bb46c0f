import { generateKeyPairSync, randomUUID } from 'node:crypto'
import type { ServiceBroker } from 'moleculer'
import { signGrant } from '../../mixins/access/grants.ts'
import { digest, newId } from '../../mixins/primitives/ids.ts'
import { money, type Money } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import type { OrderView } from '../../services/order/order.ts'
import { newOrderId } from '../../services/order/order.store.ts'
import { defaultWarehouse } from '../../services/seller/seller.contract.ts'
import { startShop, type Shop } from './shop.ts'

type Schema = Parameters<ServiceBroker['createService']>[0]

/** Proofs of identity as Auth keeps them: confirmation → the holder that took it, and whether it is spent. */
type Proofs = Map<string, { holder: string | null; spent: boolean }>

/** A marketplace for buying: every domain of the purchase path is the real one but Auth, which here knows everybody. */
export interface Market {
  shop: Shop
  proofs: Proofs
  /** A product with one offer and this much stock, sold by `sellerId`. */
  offer(options?: { sellerId?: string; price?: number; onHand?: number }): Promise<string>
  buyer(token?: string): Promise<Buyer>
  stock(offerId: string): Promise<{ onHand: number; reserved: number }>
}

/** Somebody who buys through the order's worker, as the face would let them. */
export interface Buyer {
  id: string
  add(offerId: string, quantity?: number): Promise<void>
  confirmation(): string
  /** Places the cart; `key` is the Idempotency-Key. */
  place(options?: { key?: string; confirmation?: string; expectedTotal?: Money; coupon?: string; method?: string }): Promise<Placed>
  order(id: string): Promise<OrderView>
  pay(orderId: string, token: string, key?: string): Promise<Placed>
  cancel(orderId: string, key?: string): Promise<Placed>
  cart(): Promise<{ offerId: string; quantity: number }[]>
  meta(operation: string, key: string, body: unknown): { operation: { id: string; bodyHash: string } }
}

export interface Placed {
  status: number
  order: OrderView
  replayed: boolean
}

const CATEGORY = 'lamps'

function auth(proofs: Proofs): Schema {
  const held = (holder: string): [string, { holder: string | null; spent: boolean }] | undefined => [...proofs].find(([, p]) => p.holder === holder)
  type Handler = (ctx: { params: { confirmation?: string; userId: string; addressId: string; holder: string; amount: Money } }) => unknown
  const actions: Record<string, Handler> = {
    address: ({ params: { addressId } }) => {
      if (addressId !== 'home') throw problem('not-found', 'There is no such address.')
      return { id: 'home', name: 'Ada', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' }
    },
    user: ({ params: { userId } }) => ({ id: userId, email: 'ada@example.com', name: 'Ada', roles: ['shopper'], subscription: null }),
    holdProof: async ({ params: { confirmation, userId, holder, amount } }) => {
      const proof = proofs.get(held(holder)?.[0] ?? confirmation ?? '')
      if (!proof || proof.spent || (proof.holder !== null && proof.holder !== holder)) throw problem('identity-confirmation-required', 'Confirm again.')
      proof.holder = holder
      return { grant: await signGrant({ userId, holder, amount }) }
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

/** Starts the purchase path in this process on fresh databases. */
export async function startMarket(extra: readonly Schema[] = [], without: readonly string[] = []): Promise<Market> {
  process.env['SOUK_JWT_KEY'] ??= generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  process.env['SOUK_WEBHOOK_SECRET'] ??= randomUUID()
  const proofs: Proofs = new Map()
  const services = ['seller.worker', 'seller.orders', 'product.worker', 'inventory.worker', 'pricing.worker', 'cart.worker', 'payment.worker', 'provider', 'logistics.worker', 'order.worker', 'relay.worker']
  const shop = await startShop(services.filter((s) => !without.includes(s)), [auth(proofs), ...extra])
  const { broker } = shop
  await broker.waitForServices(['order.worker'])
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
    buyer: (token = 'tok_demo_ok') => makeBuyer(market, token)
  }
  return market
}

async function makeBuyer({ shop: { broker }, proofs }: Market, token: string): Promise<Buyer> {
  const id = newId()
  const method = async (t: string): Promise<string> => (await call(broker, 'payment.worker.addMethod', { userId: id, token: t, label: 'Demo card' })).id
  const standard = await method(token)
  /** Calls as the face does, and reads what came back in meta. */
  const asked = async (name: 'order.worker.place' | 'order.worker.pay' | 'order.worker.cancel', params: object, meta: object): Promise<Placed> => {
    const parent = { ...meta } as { $statusCode?: number; replayed?: boolean }
    const order = (await broker.call(name, params, { meta: parent })) as OrderView
    return { status: parent.$statusCode ?? 200, order, replayed: parent.replayed ?? false }
  }
  const buyer: Buyer = {
    id,
    async add(offerId, quantity = 1) {
      const { items } = await call(broker, 'product.worker.offers', { offerIds: [offerId] })
      await call(broker, 'cart.worker.add', { cartId: id, create: true, line: { offerId, productId: items[0]!.productId, quantity, unitPrice: items[0]!.price } })
    },
    confirmation() {
      const token = randomUUID()
      proofs.set(token, { holder: null, spent: false })
      return token
    },
    async place({ key = randomUUID(), method: methodId = standard, ...rest } = {}) {
      const body = { addressId: 'home', shippingMethod: 'standard', paymentMethodId: methodId, confirmation: rest.confirmation ?? buyer.confirmation(), ...rest }
      return asked('order.worker.place', { orderId: newOrderId(id), buyerId: id, sessionId: 'session', ...body }, buyer.meta('order.place', key, { ...body, confirmation: null }))
    },
    order: (orderId) => call(broker, 'order.worker.get', { orderId, buyerId: id }),
    async pay(orderId, t, key = randomUUID()) {
      const paymentMethodId = await method(t)
      return asked('order.worker.pay', { orderId, buyerId: id, sessionId: 'session', paymentMethodId, confirmation: buyer.confirmation() }, buyer.meta('order.pay', key, { orderId }))
    },
    cancel: (orderId, key = randomUUID()) => asked('order.worker.cancel', { orderId, buyerId: id }, buyer.meta('order.cancel', key, { orderId })),
    async cart() {
      const { lines } = await call(broker, 'cart.worker.contents', { cartId: id })
      return lines.map(({ offerId, quantity }) => ({ offerId, quantity }))
    },
    meta: (operation, key, body) => ({ operation: { id: digest(`${id} ${operation} ${key}`), bodyHash: digest(JSON.stringify(body)) } })
  }
  return buyer
}
