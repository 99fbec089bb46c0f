import { actions, events, type ActionsOf, type EventsOf } from '../../mixins/runtime/calls.ts'
import {
  anything, bool, decimal, id, int, list, moneyRule, nullable, object, oneOf, optional, pageQuery, pageRule, priceRule, record, text, timestamp, type Infer
} from '../../mixins/primitives/schema.ts'
import { uploadFields } from '../../mixins/primitives/upload.ts'

export const AVAILABILITIES = ['in_stock', 'low_stock', 'out_of_stock'] as const
/** What a shopper is told of an offer's stock; inventory decides it. */
export type Availability = (typeof AVAILABILITIES)[number]

export const CONDITIONS = ['new', 'used', 'refurbished'] as const
export const PRODUCT_SORTS = ['newest', 'price', '-price', 'rating'] as const

const availability = oneOf(AVAILABILITIES)
const condition = oneOf(CONDITIONS)
const slug = text({ max: 80, pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/ })
const title = text({ max: 200, trim: true })
const brand = text({ max: 80, trim: true })
const description = text({ max: 10_000, trim: true })
const attributes = record(text({ max: 200 }))
const handlingDays = int({ min: 0, max: 30 })
const version = int({ min: 1 })
const ids = list(id(), { max: 500 })

/** A category: a node of the tree. Products lie in leaves only. */
export const categoryRule = object({ id: id(), slug, name: text({ max: 80 }), parentId: nullable(id()) })
export type Category = Infer<typeof categoryRule>

/** A picture in three sizes, all WebP; the URLs are below the API's base path, never change and may be cached for ever. */
export const imageRule = object({ id: id(), small: text(), medium: text(), large: text() })
export type Image = Infer<typeof imageRule>

const rating = object({ average: decimal({ min: 0, max: 5 }), count: int({ min: 0 }) })

/** A product with its buy box's offer. Without an offer: no price, no seller, `out_of_stock`. */
const cardFields = {
  id: id(),
  title,
  slug: text(),
  brand,
  category: slug,
  images: list(imageRule, { max: 10 }),
  rating,
  price: nullable(moneyRule),
  offerId: nullable(id()),
  sellerId: nullable(id()),
  availability
}
export const cardRule = object(cardFields)
export type Card = Infer<typeof cardRule>

export const offerRule = object({ id: id(), sellerId: id(), sellerName: text(), price: moneyRule, condition, availability, handlingDays, version })
export type Offer = Infer<typeof offerRule>

/** A product whole. `version` grows with every change of anything shown here: it is the ETag. */
export const productRule = object({ ...cardFields, version, description, attributes, offers: list(offerRule), createdAt: timestamp() })
export type Product = Infer<typeof productRule>

/** An offer as carts and orders need it. */
export const sellableRule = object({
  offerId: id(),
  productId: id(),
  title,
  category: slug,
  sellerId: id(),
  sellerName: text(),
  warehouseId: id(),
  price: moneyRule,
  condition,
  handlingDays,
  availability,
  /** False: the offer or its product was taken back; it must not be sold. */
  active: bool()
})
export type Sellable = Infer<typeof sellableRule>

/** What a search index holds of a product. `version` orders writes; a removed product keeps its last fields. */
export const productDocumentRule = object({
  id: id(),
  version,
  removed: bool(),
  title,
  slug: text(),
  brand,
  /** From the department to the leaf. */
  categoryPath: list(object({ slug, name: text() })),
  description,
  attributes,
  /** Sellers with an active offer. */
  sellerIds: list(id()),
  price: nullable(moneyRule),
  offerId: nullable(id()),
  sellerId: nullable(id()),
  availability,
  rating,
  images: list(imageRule, { max: 10 }),
  createdAt: timestamp()
})
export type ProductDocument = Infer<typeof productDocumentRule>

/** Who changes the catalogue, as the face found it: the seller they act for, and whether they administer. */
const editor = object({ userId: id(), sellerId: nullable(id()), admin: bool() })
export type Editor = Infer<typeof editor>

const productBody = { title, brand, category: slug, description, attributes: optional(attributes) }
const productPatch = { title: optional(title), brand: optional(brand), category: optional(slug), description: optional(description), attributes: optional(attributes) }
const offerBody = { price: priceRule, condition, handlingDays }
const offerPatch = { price: optional(priceRule), condition: optional(condition), handlingDays: optional(handlingDays) }
const listQuery = { category: optional(slug), seller: optional(id()), sort: optional(oneOf(PRODUCT_SORTS)), ...pageQuery }
/** If-Match: the version that the editor saw. */
const ifMatch = optional(text({ max: 100 }))
const done = object({ done: bool() })

/** A product of a bulk import: its buy box is worked out on the way in. Ids are the caller's, so a repeated import finds its own rows. */
export const importedProductRule = object({
  id: id(),
  title,
  brand,
  category: slug,
  description,
  attributes,
  /** Ids of pictures that `product.worker.storePicture` gave. */
  images: list(id(), { max: 10 }),
  ownerSellerId: nullable(id()),
  createdAt: timestamp(),
  offers: list(object({ id: id(), sellerId: id(), sellerName: text(), warehouseId: id(), ...offerBody, availability }), { max: 50 })
})
export type ImportedProduct = Infer<typeof importedProductRule>

export const productActions = actions({
  'product.categories': { params: {}, returns: object({ items: list(categoryRule, { max: 10_000 }) }) },
  'product.addCategory': { params: { slug, name: text({ max: 80, trim: true }), parentId: optional(id()) }, returns: categoryRule },
  'product.list': { params: listQuery, returns: pageRule(cardRule) },
  'product.get': { params: { id: id() }, returns: productRule },
  'product.create': { params: productBody, returns: productRule },
  'product.update': { params: { id: id(), ...productPatch }, returns: productRule },
  'product.remove': { params: { id: id() }, returns: anything() },
  'product.addOffer': { params: { id: id(), ...offerBody }, returns: offerRule },
  'product.updateOffer': { params: { id: id(), ...offerPatch }, returns: offerRule },
  'product.removeOffer': { params: { id: id() }, returns: anything() },
  'product.addImage': { params: { id: id(), ...uploadFields }, returns: imageRule },
  'product.removeImage': { params: { id: id(), imageId: id() }, returns: anything() },
  'product.image': { params: { key: text({ max: 100, pattern: /^[\w-]+\.webp$/ }) }, returns: anything() },

  /** Cards in the order of `ids`; a missing or removed product is left out. */
  'product.worker.cards': { params: { ids }, returns: object({ items: list(cardRule) }) },
  /** Products whole, in the order of `ids`; a missing or removed one is left out. */
  'product.worker.details': { params: { ids }, returns: object({ items: list(productRule) }) },
  /** Offers in the order of `offerIds`; an unknown one is left out, one taken back is there with `active: false`. Never from a cache. */
  'product.worker.offers': { params: { offerIds: ids }, returns: object({ items: list(sellableRule) }) },
  'product.worker.list': { params: listQuery, returns: pageRule(cardRule) },
  'product.worker.categories': { params: {}, returns: object({ items: list(categoryRule, { max: 10_000 }) }) },
  'product.worker.addCategory': { params: { slug, name: text({ max: 80, trim: true }), parentId: optional(id()) }, returns: categoryRule },
  'product.worker.create': { params: { editor, ...productBody }, returns: productRule },
  'product.worker.update': { params: { editor, id: id(), ifMatch, ...productPatch }, returns: productRule },
  'product.worker.remove': { params: { editor, id: id(), ifMatch }, returns: done },
  'product.worker.addOffer': { params: { editor, id: id(), sellerName: text(), warehouseId: id(), ...offerBody }, returns: offerRule },
  'product.worker.updateOffer': { params: { editor, id: id(), ifMatch, ...offerPatch }, returns: offerRule },
  'product.worker.removeOffer': { params: { editor, id: id(), ifMatch }, returns: done },
  /** The picture's bytes arrive as the call's stream. `unsupported-media-type`, `too-large`, `validation-failed` when it is no picture we take. */
  'product.worker.addImage': { params: { editor, id: id() }, returns: imageRule },
  /** A picture for `product.worker.import`; its bytes arrive as the call's stream. The same bytes give the same id. */
  'product.worker.storePicture': { params: {}, returns: imageRule },
  'product.worker.removeImage': { params: { editor, id: id(), imageId: id() }, returns: done },
  /** Adds categories, parents first; one whose id or slug is there is left as it is. */
  'product.worker.addCategories': { params: { categories: list(categoryRule, { min: 1, max: 1_000 }) }, returns: object({ added: int({ min: 0 }) }) },
  /** Adds many products with their offers in a few statements; one whose id is there is left as it is. */
  'product.worker.import': { params: { products: list(importedProductRule, { min: 1, max: 1_000 }) }, returns: object({ added: int({ min: 0 }) }) },
  /** Documents by product id ascending after `after`, removed products included: for a rebuild of an index and for audits. */
  'product.worker.scan': {
    params: { after: optional(id()), limit: int({ min: 1, max: 1_000 }) },
    returns: object({ items: list(productDocumentRule) })
  }
})

export const productEvents = events({
  /** Anything shown of a product changed. Aggregate `product/<id>`. */
  product_changed: { body: productDocumentRule }
})

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof productActions> {}
  interface Events extends EventsOf<typeof productEvents> {}
  interface Hints {
    /** Caches of these products' cards and offers are stale. */
    'card.changed': { productIds: string[]; offerIds: string[] }
    /** Lists of products (new, removed, moved) or the category tree are stale. */
    'catalogue.changed': Record<string, never>
  }
}
