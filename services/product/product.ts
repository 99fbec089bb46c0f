import { money } from '../../mixins/primitives/money.ts'
import type { BuyBoxStrategy } from './buy-box.ts'
import type { CategoryTree } from './category-tree.ts'
import type { Availability, Card, CONDITIONS, Image, Offer, Product, ProductDocument, Sellable } from './product.contract.ts'

// What the catalogue shows, made from its rows. Pure.

export type Condition = (typeof CONDITIONS)[number]

/** Pictures of one product at most. */
export const IMAGES_MAX = 10
/** Active offers of one seller on one product at most. */
export const OFFERS_OF_SELLER_MAX = 10
/** Offers that a product's page shows: the best ones. */
export const OFFERS_SHOWN = 100

/** Sizes of a picture: the longer side in pixels. */
export const IMAGE_SIZES = { small: 160, medium: 480, large: 1_200 } as const

export interface CardRow {
  id: string
  version: number
  title: string
  slug: string
  brand: string
  category: string
  images: string[]
  ratingAverage: number
  ratingCount: number
  offerId: string | null
  sellerId: string | null
  price: number
  currency: string
  availability: Availability
}

export interface ProductRow extends CardRow {
  status: 'active' | 'removed'
  ownerSellerId: string | null
  description: string
  attributes: Record<string, string>
  createdAt: string
}

export interface OfferRow {
  id: string
  productId: string
  sellerId: string
  sellerName: string
  warehouseId: string
  price: number
  currency: string
  condition: Condition
  handlingDays: number
  availability: Availability
  active: boolean
  version: number
}

/** The readable part of a product's URL. */
export function slugOf(title: string): string {
  const words = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return words.slice(0, 80).replace(/^-+|-+$/g, '') || 'product'
}

/** The key of one size of a picture among the objects, and the last part of its URL. */
export const imageKey = (id: string, size: keyof typeof IMAGE_SIZES): string => `${id}-${IMAGE_SIZES[size]}.webp`

export function imageOf(id: string): Image {
  const url = (size: keyof typeof IMAGE_SIZES): string => `/api/v1/images/${imageKey(id, size)}`
  return { id, small: url('small'), medium: url('medium'), large: url('large') }
}

export const cardOf = (row: CardRow): Card => ({
  id: row.id,
  title: row.title,
  slug: row.slug,
  brand: row.brand,
  category: row.category,
  images: row.images.map(imageOf),
  rating: { average: row.ratingAverage, count: row.ratingCount },
  price: row.offerId ? money(row.price, row.currency) : null,
  offerId: row.offerId,
  sellerId: row.sellerId,
  availability: row.availability
})

export const offerOf = ({ id, sellerId, sellerName, price, currency, condition, availability, handlingDays, version }: OfferRow): Offer => ({
  id,
  sellerId,
  sellerName,
  price: money(price, currency),
  condition,
  availability,
  handlingDays,
  version
})

/** `offers`: the active ones, best first. */
export const productOf = (row: ProductRow, offers: readonly OfferRow[]): Product => ({
  ...cardOf(row),
  version: row.version,
  description: row.description,
  attributes: row.attributes,
  offers: offers.slice(0, OFFERS_SHOWN).map(offerOf),
  createdAt: row.createdAt
})

export const documentOf = (row: ProductRow, sellerIds: readonly string[], tree: CategoryTree): ProductDocument => ({
  id: row.id,
  version: row.version,
  removed: row.status === 'removed',
  title: row.title,
  slug: row.slug,
  brand: row.brand,
  categoryPath: tree.path(row.category),
  description: row.description,
  attributes: row.attributes,
  sellerIds: [...new Set(sellerIds)].sort(),
  price: row.offerId ? money(row.price, row.currency) : null,
  offerId: row.offerId,
  sellerId: row.sellerId,
  availability: row.availability,
  rating: { average: row.ratingAverage, count: row.ratingCount },
  images: row.images.map(imageOf),
  createdAt: row.createdAt
})

export const sellableOf = (row: OfferRow & { title: string; category: string }): Sellable => ({
  offerId: row.id,
  productId: row.productId,
  title: row.title,
  category: row.category,
  sellerId: row.sellerId,
  sellerName: row.sellerName,
  warehouseId: row.warehouseId,
  price: money(row.price, row.currency),
  condition: row.condition,
  handlingDays: row.handlingDays,
  availability: row.availability,
  active: row.active
})

/** What the buy box puts into a product's row. */
export type BuyBox = Pick<CardRow, 'offerId' | 'sellerId' | 'price' | 'currency' | 'availability'>

/** Active offers, best first, and the buy box they make. */
export function ranked<O extends Pick<OfferRow, 'id' | 'sellerId' | 'price' | 'currency' | 'handlingDays' | 'availability'>>(offers: readonly O[], strategy: BuyBoxStrategy, currency: string): { offers: O[]; box: BuyBox } {
  const sorted = offers.toSorted((a, b) => strategy.compare(a, b))
  const [best] = sorted
  return {
    offers: sorted,
    box: best
      ? { offerId: best.id, sellerId: best.sellerId, price: best.price, currency: best.currency, availability: best.availability }
      : { offerId: null, sellerId: null, price: 0, currency, availability: 'out_of_stock' }
  }
}
