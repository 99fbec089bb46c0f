import { call } from '../../../mixins/runtime/calls.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import type {} from '../../../services/inventory/inventory.contract.ts'
import type { ImportedProduct } from '../../../services/product/product.contract.ts'
import { defaultWarehouse } from '../../../services/seller/seller.contract.ts'
import { makePeople, type Person } from '../../bench/people.ts'
import type { Inside } from '../../bench/shop.ts'
import { json, type Api } from '../api.ts'
import type { Money } from '../customers.ts'
import type { MixContext } from '../mix.ts'
import { PriceLog } from './prices.ts'

export interface Seller {
  id: string
  person: Person
}

/** A product that is for sale, its one offer, and what its seller knows of both. */
export interface Listing {
  productId: string
  offerId: string
  seller: Seller
  prices: PriceLog
  /** When its removal was sent, and when it was answered (of `performance.now`). */
  removal: { sentAt: number; answeredAt: number } | null
  /** Units that accepted orders took, and units of orders that nobody heard of. */
  sold: number
  unknown: number
}

/** A place in the assortment: its product is replaced by another now and then; null while that is under way or has failed. */
export interface Place {
  seller: Seller
  listing: Listing | null
}

/** A line as a cart shows it. */
export interface CartLine {
  offerId: string
  quantity: number
  unitPrice: Money
}

/** What a customer put into their cart. */
export interface Wanted {
  listing: Listing
  quantity: number
}

export interface World {
  sellers: readonly Seller[]
  carrier: Person
  places: readonly Place[]
  /** Units of each product. */
  units: number
  /** Category of all products. */
  category: string
}

const [SELLERS, PRODUCTS_PER_SELLER, UNITS] = [100, 10, 10_000]
const SELLERS_STEP = 500
const PRODUCTS_STEP = 250
const [PRICE_MIN, PRICE_SPREAD] = [500, 10_000]

export const titleOf = (n: number): string => `Marketplace thing ${n.toLocaleString('en')}`
export const DESCRIPTION = 'Sold by a seller of the load: as good as any other.'
export const newPrice = (): number => PRICE_MIN + Math.floor(Math.random() * PRICE_SPREAD)

export const listingOf = (productId: string, offerId: string, seller: Seller, price: number): Listing => ({ productId, offerId, seller, prices: new PriceLog(price), removal: null, sold: 0, unknown: 0 })

/** A category that products may lie in: one that has none below it. */
async function leafOf(api: Api): Promise<string> {
  const { items } = json<{ items: { id: string; slug: string; parentId: string | null }[] }>(await api.get('categories', '/categories'))
  const parents = new Set(items.map(({ parentId }) => parentId))
  const leaf = items.find(({ id }) => !parents.has(id))
  if (!leaf) throw new Error('the shop has no categories')
  return leaf.slug
}

async function makeSellers(inside: Inside, count: number, onProgress: MixContext['onProgress']): Promise<Seller[]> {
  const broker = await inside.broker()
  const sellers: Seller[] = []
  while (sellers.length < count) {
    onProgress(`${sellers.length.toLocaleString('en')} of ${count.toLocaleString('en')} sellers`)
    const people = await makePeople(inside, Math.min(SELLERS_STEP, count - sellers.length), undefined, ['shopper', 'seller'])
    const made = people.map((person): Seller => ({ id: newId(), person }))
    await call(broker, 'seller.worker.import', { sellers: made.map(({ id, person }, i) => ({ id, name: `Load seller ${sellers.length + i + 1}`, userId: person.id })) })
    sellers.push(...made)
  }
  return sellers
}

function importedOf({ productId, offerId, seller, prices }: Listing, n: number, category: string): ImportedProduct {
  const price = { amount: prices.amount, currency: 'USD' }
  const offer = { id: offerId, sellerId: seller.id, sellerName: `Load seller ${n}`, warehouseId: defaultWarehouse(seller.id), price, condition: 'new' as const, handlingDays: 1, availability: 'in_stock' as const }
  return { id: productId, title: titleOf(n), brand: 'Load', category, description: DESCRIPTION, attributes: {}, images: [], ownerSellerId: seller.id, createdAt: new Date().toISOString(), offers: [offer] }
}

/** Sellers, their products and stock, some at a time, by the shop's own imports; they stay there. */
export async function makeWorld({ api, inside, options, onProgress }: MixContext): Promise<World> {
  const { sellers: sellerCount = null, productsPerSeller = null, units = null } = options
  const broker = await inside!.broker()
  const category = await leafOf(api)
  const sellers = await makeSellers(inside!, sellerCount ?? SELLERS, onProgress)
  const [carrier] = await makePeople(inside!, 1, undefined, ['carrier'])
  const places = sellers.flatMap((seller) => Array.from({ length: productsPerSeller ?? PRODUCTS_PER_SELLER }, (): Place => ({ seller, listing: listingOf(newId(), newId(), seller, newPrice()) })))
  for (let from = 0; from < places.length; from += PRODUCTS_STEP) {
    onProgress(`${from.toLocaleString('en')} of ${places.length.toLocaleString('en')} products`)
    const listings = places.slice(from, from + PRODUCTS_STEP).map(({ listing }) => listing!)
    await call(broker, 'product.worker.import', { products: listings.map((listing, i) => importedOf(listing, from + i, category)) }, { timeout: 60_000 })
    await call(broker, 'inventory.worker.import', { rows: listings.map(({ offerId, seller }) => ({ offerId, warehouseId: defaultWarehouse(seller.id), onHand: units ?? UNITS })), announced: true }, { timeout: 60_000 })
  }
  return { sellers, carrier: carrier!, places, units: units ?? UNITS, category }
}
