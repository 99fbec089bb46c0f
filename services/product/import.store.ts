import { columns, type Queryable } from '../../mixins/postgres/database.ts'
import { appendEvents } from '../../mixins/outbox/outbox.ts'
import { DEFAULT_CURRENCY } from '../../mixins/primitives/money.ts'
import type { BuyBoxStrategy } from './buy-box.ts'
import type { CategoryTrees } from './category.store.ts'
import type { ImportedProduct } from './product.contract.ts'
import { documentOf, ranked, slugOf, type ProductRow } from './product.ts'
import { shelve } from './shelf.store.ts'

const offersOf = (product: ImportedProduct) => product.offers.map(({ price, ...offer }) => ({ ...offer, productId: product.id, price: price.amount, currency: price.currency, createdAt: product.createdAt }))

function rowOf({ offers: _, ownerSellerId, ...product }: ImportedProduct, offers: ReturnType<typeof offersOf>, strategy: BuyBoxStrategy): ProductRow {
  return { ...product, version: 1, status: 'active', ownerSellerId, slug: slugOf(product.title), ratingAverage: 0, ratingCount: 0, ...ranked(offers, strategy, DEFAULT_CURRENCY).box }
}

const PRODUCT_COLUMNS = ['id', 'ownerSellerId', 'title', 'slug', 'brand', 'category', 'description', 'attributes', 'images', 'offerId', 'sellerId', 'price', 'currency', 'availability', 'createdAt'] as const
const OFFER_COLUMNS = ['id', 'productId', 'sellerId', 'sellerName', 'warehouseId', 'price', 'currency', 'condition', 'handlingDays', 'availability', 'createdAt'] as const

/**
 * Adds products with their offers and tells of them, four statements for all; those whose id is there are left as they are.
 * Returns the ids that were added. The caller answers for leaves and texts: nothing is checked but what the tables check.
 */
export async function importProducts(tx: Queryable, products: readonly ImportedProduct[], strategy: BuyBoxStrategy, trees: CategoryTrees): Promise<string[]> {
  const offers = new Map(products.map((product) => [product.id, offersOf(product)]))
  const rows = products.map((product) => rowOf(product, offers.get(product.id)!, strategy))
  const encoded = rows.map((row) => ({ ...row, attributes: JSON.stringify(row.attributes), images: JSON.stringify(row.images) }))
  const added = await tx.query<{ id: string }>(
    `INSERT INTO product.product (id, owner_seller_id, title, slug, brand, category, description, attributes, images, offer_id, seller_id, price, currency, availability, created_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::jsonb[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::text[], $15::timestamptz[])
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    columns(encoded, PRODUCT_COLUMNS)
  )
  const fresh = new Set(added.map((row) => row.id))
  await tx.query(
    `INSERT INTO product.offer (id, product_id, seller_id, seller_name, warehouse_id, price, currency, condition, handling_days, availability, created_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::smallint[], $10::text[], $11::timestamptz[])`,
    columns([...fresh].flatMap((id) => offers.get(id)!), OFFER_COLUMNS)
  )
  await shelve(tx, [...fresh])
  const tree = await trees.get(tx, rows.map((row) => row.category))
  const documents = rows.filter((row) => fresh.has(row.id)).map((row) => documentOf(row, offers.get(row.id)!.map((o) => o.sellerId), tree))
  await appendEvents(tx, 'product', documents.map((body) => ({ topic: 'product_changed', aggregate: `product/${body.id}`, body })))
  return [...fresh]
}
