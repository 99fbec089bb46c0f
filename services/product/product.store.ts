import { columns, type Queryable } from '../../mixins/postgres/database.ts'
import { appendEvents } from '../../mixins/outbox/outbox.ts'
import { DEFAULT_CURRENCY } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { BuyBoxStrategy } from './buy-box.ts'
import { offerColumns, productColumns } from './catalogue.store.ts'
import type { CategoryTrees } from './category.store.ts'
import type { Availability } from './product.contract.ts'
import { documentOf, ranked, type OfferRow, type ProductRow } from './product.ts'
import { shelve } from './shelf.store.ts'

// The catalogue's changes. Each locks its products first (in the order of their ids), then touches their offers, then settles.

/** A product as it stands after a change, with its active offers, best first. */
export interface Settled {
  row: ProductRow
  offers: OfferRow[]
}

export type NewProduct = Pick<ProductRow, 'id' | 'ownerSellerId' | 'title' | 'slug' | 'brand' | 'category' | 'description' | 'attributes'>
export type ProductEdit = Partial<Pick<ProductRow, 'title' | 'slug' | 'brand' | 'category' | 'description' | 'attributes' | 'images' | 'status'>>
export type NewOffer = Pick<OfferRow, 'id' | 'productId' | 'sellerId' | 'sellerName' | 'warehouseId' | 'price' | 'currency' | 'condition' | 'handlingDays'>
export type OfferEdit = Partial<Pick<OfferRow, 'price' | 'currency' | 'condition' | 'handlingDays' | 'active'>>

const noProduct = (): Error => problem('not-found', 'There is no such product.')
const noOffer = (): Error => problem('not-found', 'There is no such offer.')

/** An active product, locked to the end of the transaction. Throws `not-found`. */
export async function lockProduct(tx: Queryable, id: string): Promise<ProductRow> {
  const [row] = await tx.query<ProductRow>(`SELECT ${productColumns('p')} FROM product.product p WHERE p.id = $1 AND p.status = 'active' FOR UPDATE`, [id])
  if (!row) throw noProduct()
  return row
}

/** An active offer whose product is locked to the end of the transaction. Throws `not-found`. */
export async function lockOffer(tx: Queryable, id: string): Promise<OfferRow> {
  const [known] = await tx.query<{ productId: string }>('SELECT product_id AS "productId" FROM product.offer WHERE id = $1', [id])
  if (!known) throw noOffer()
  await lockProduct(tx, known.productId).catch((error: unknown) => {
    throw (error as { type?: unknown }).type === 'not-found' ? noOffer() : error
  })
  const [offer] = await tx.query<OfferRow>(`SELECT ${offerColumns('o')} FROM product.offer o WHERE o.id = $1 AND o.active`, [id])
  if (!offer) throw noOffer()
  return offer
}

export async function insertProduct(tx: Queryable, p: NewProduct): Promise<void> {
  await tx.query(
    `INSERT INTO product.product (id, version, owner_seller_id, title, slug, brand, category, description, attributes) VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8)`,
    [p.id, p.ownerSellerId, p.title, p.slug, p.brand, p.category, p.description, JSON.stringify(p.attributes)]
  )
}

export async function updateProduct(tx: Queryable, id: string, edit: ProductEdit): Promise<void> {
  await tx.query(
    `UPDATE product.product SET title = coalesce($2, title), slug = coalesce($3, slug), brand = coalesce($4, brand), category = coalesce($5, category), description = coalesce($6, description),
       attributes = coalesce($7::jsonb, attributes), images = coalesce($8::jsonb, images), status = coalesce($9, status) WHERE id = $1`,
    [id, edit.title, edit.slug, edit.brand, edit.category, edit.description, edit.attributes && JSON.stringify(edit.attributes), edit.images && JSON.stringify(edit.images), edit.status]
  )
  if (edit.status === 'removed') await tx.query('UPDATE product.offer SET active = false, version = version + 1 WHERE product_id = $1 AND active', [id])
}

/** Active offers of a seller on a product. */
export async function countOffers(tx: Queryable, productId: string, sellerId: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>('SELECT count(*)::int AS count FROM product.offer WHERE product_id = $1 AND seller_id = $2 AND active', [productId, sellerId])
  return row!.count
}

export async function insertOffer(tx: Queryable, o: NewOffer): Promise<void> {
  await tx.query(
    `INSERT INTO product.offer (id, product_id, seller_id, seller_name, warehouse_id, price, currency, condition, handling_days) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [o.id, o.productId, o.sellerId, o.sellerName, o.warehouseId, o.price, o.currency, o.condition, o.handlingDays]
  )
}

export async function updateOffer(tx: Queryable, id: string, edit: OfferEdit): Promise<void> {
  await tx.query(
    `UPDATE product.offer SET price = coalesce($2, price), currency = coalesce($3, currency), condition = coalesce($4, condition), handling_days = coalesce($5, handling_days),
       active = coalesce($6, active), version = version + 1 WHERE id = $1`,
    [id, edit.price, edit.currency, edit.condition, edit.handlingDays, edit.active]
  )
}

/**
 * Takes over what stock says of offers; returns the products that it changed. Availability of an offer that was taken back, or that
 * ships from elsewhere, is nobody's concern.
 */
export async function updateAvailability(tx: Queryable, news: readonly { offerId: string; warehouseId: string; availability: Availability }[]): Promise<string[]> {
  const offerIds = news.map((n) => n.offerId)
  await tx.query(
    `SELECT 1 FROM product.product p WHERE p.id IN (SELECT product_id FROM product.offer WHERE id = ANY($1::text[])) ORDER BY p.id FOR UPDATE`,
    [offerIds]
  )
  const changed = await tx.query<{ productId: string }>(
    `UPDATE product.offer o SET availability = n.availability FROM unnest($1::text[], $2::text[], $3::text[]) AS n (id, warehouse_id, availability)
     WHERE o.id = n.id AND o.warehouse_id = n.warehouse_id AND o.active AND o.availability <> n.availability RETURNING o.product_id AS "productId"`,
    columns(news, ['offerId', 'warehouseId', 'availability'])
  )
  return [...new Set(changed.map((row) => row.productId))]
}

/**
 * Ends a change of locked products: works out their buy boxes, gives them a new version, brings sellers' lists up to date and tells
 * of it, all in the change's transaction. Returns them by id.
 */
export async function settle(tx: Queryable, ids: readonly string[], strategy: BuyBoxStrategy, trees: CategoryTrees): Promise<Map<string, Settled>> {
  if (ids.length === 0) return new Map()
  const offers = await tx.query<OfferRow>(`SELECT ${offerColumns('o')} FROM product.offer o WHERE o.product_id = ANY($1::text[]) AND o.active`, [ids])
  const byProduct = Map.groupBy(offers, (offer) => offer.productId)
  const results = new Map(ids.map((id) => [id, ranked(byProduct.get(id) ?? [], strategy, DEFAULT_CURRENCY)]))
  const boxes = [...results].map(([id, { box }]) => ({ id, ...box }))
  const rows = await tx.query<ProductRow>(
    `UPDATE product.product p SET version = p.version + 1, updated_at = now(), offer_id = b.offer_id, seller_id = b.seller_id, price = b.price, currency = b.currency, availability = b.availability
     FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[]) AS b (id, offer_id, seller_id, price, currency, availability) WHERE p.id = b.id RETURNING ${productColumns('p')}`,
    columns(boxes, ['id', 'offerId', 'sellerId', 'price', 'currency', 'availability'])
  )
  await shelve(tx, ids)
  const tree = await trees.get(tx, rows.map((row) => row.category))
  const settled = new Map(rows.map((row) => [row.id, { row, offers: results.get(row.id)!.offers }]))
  const events = rows.map((row) => ({ topic: 'product_changed' as const, aggregate: `product/${row.id}`, body: documentOf(row, settled.get(row.id)!.offers.map((o) => o.sellerId), tree) }))
  await appendEvents(tx, 'product', events)
  return settled
}
