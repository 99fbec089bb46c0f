import type { Queryable } from '../../mixins/postgres/database.ts'
import { decodeCursor, pageOf, type Page } from '../../mixins/primitives/page.ts'
import { invalidField } from '../../mixins/primitives/problem.ts'
import type { PRODUCT_SORTS } from './product.contract.ts'
import type { CardRow, OfferRow, ProductRow } from './product.ts'

// The catalogue's reads. Each asks for all ids at once.

const card = (p: string): string => `${p}.id, ${p}.version, ${p}.title, ${p}.slug, ${p}.brand, ${p}.category, ${p}.images, ${p}.rating_average AS "ratingAverage", ${p}.rating_count AS "ratingCount",
  ${p}.offer_id AS "offerId", ${p}.seller_id AS "sellerId", ${p}.price, ${p}.currency, ${p}.availability`

/** Columns of a product's row, `p` being its table. */
export const productColumns = (p: string): string => `${card(p)}, ${p}.status, ${p}.owner_seller_id AS "ownerSellerId", ${p}.description, ${p}.attributes, ${p}.created_at AS "createdAt"`

/** Columns of an offer's row, `o` being its table. */
export const offerColumns = (o: string): string => `${o}.id, ${o}.product_id AS "productId", ${o}.seller_id AS "sellerId", ${o}.seller_name AS "sellerName", ${o}.warehouse_id AS "warehouseId",
  ${o}.price, ${o}.currency, ${o}.condition, ${o}.handling_days AS "handlingDays", ${o}.availability, ${o}.active, ${o}.version`

export type Sort = (typeof PRODUCT_SORTS)[number]

/** Rows of active products, in no order. */
export const cardRows = (db: Queryable, ids: readonly string[]): Promise<CardRow[]> =>
  db.query<CardRow>(`SELECT ${card('p')} FROM product.product p WHERE p.id = ANY($1::text[]) AND p.status = 'active'`, [ids])

/** Active products with their active offers, in no order; both from one snapshot. */
export async function productRows(db: Queryable, ids: readonly string[]): Promise<{ row: ProductRow; offers: OfferRow[] }[]> {
  const rows = await db.query<ProductRow & { offers: OfferRow[] }>(
    `SELECT ${productColumns('p')}, (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM (SELECT ${offerColumns('o')} FROM product.offer o WHERE o.product_id = p.id AND o.active) f) AS offers
     FROM product.product p WHERE p.id = ANY($1::text[]) AND p.status = 'active'`,
    [ids]
  )
  return rows.map(({ offers, ...row }) => ({ row, offers }))
}

/** Offers with what carts and orders show of their products, in no order. */
export const sellableRows = (db: Queryable, offerIds: readonly string[]): Promise<(OfferRow & { title: string; category: string })[]> =>
  db.query(`SELECT ${offerColumns('o')}, p.title, p.category FROM product.offer o JOIN product.product p ON p.id = o.product_id WHERE o.id = ANY($1::text[])`, [offerIds])

/** Products by id ascending, removed ones too, with the sellers of their active offers. */
export const scanRows = (db: Queryable, after: string, limit: number): Promise<(ProductRow & { sellerIds: string[] })[]> =>
  db.query(
    `SELECT ${productColumns('p')}, ARRAY(SELECT DISTINCT o.seller_id FROM product.offer o WHERE o.product_id = p.id AND o.active) AS "sellerIds"
     FROM product.product p WHERE p.id > $1 ORDER BY p.id LIMIT $2`,
    [after, limit]
  )

interface Order {
  column: string
  descending: boolean
  value: (row: CardRow) => number | string
}

const ORDERS: Record<Sort, Order> = {
  newest: { column: 'id', descending: true, value: (row) => row.id },
  price: { column: 'price', descending: false, value: (row) => row.price },
  '-price': { column: 'price', descending: true, value: (row) => row.price },
  rating: { column: 'rating_average', descending: true, value: (row) => row.ratingAverage }
}

export interface ListQuery {
  /** Leaves to list; null for the whole catalogue. */
  leaves: readonly string[] | null
  seller: string | undefined
  sort: Sort
  limit: number
  cursor: string | undefined
}

/** The place after which a page begins, checked against the sort's own types: a cursor is whatever a client sends. */
function positionOf(cursor: string | undefined, sort: Sort): (string | number)[] | null {
  const position = decodeCursor(cursor, sort === 'newest' ? 1 : 2)
  if (!position) return null
  const id = position.at(-1)
  const key = position[0]
  if (typeof id !== 'string' || id.includes('\0') || (sort !== 'newest' && typeof key !== 'number')) throw invalidField('cursor', 'cursor', 'not a cursor of this list')
  if (typeof key === 'number' && sort !== 'rating' && !Number.isSafeInteger(key)) throw invalidField('cursor', 'cursor', 'not a cursor of this list')
  return position as (string | number)[]
}

/**
 * One page of cards by keyset. Shows what is sold; a seller's list, which is their shelf, also has the products they own that nobody
 * sells yet. Leaf by leaf, so that each takes its first rows from an index, whatever the size of the catalogue.
 */
export async function listRows(db: Queryable, { leaves, seller, sort, limit, cursor }: ListQuery): Promise<Page<CardRow>> {
  const { column, descending, value } = ORDERS[sort]
  const position = positionOf(cursor, sort)
  const values: unknown[] = [limit + 1]
  const bind = (v: unknown, type: string): string => `$${values.push(v)}::${type}`
  const key = (p: string): string => (column === 'id' ? `${p}.id` : `${p}.${column}, ${p}.id`)
  const direction = descending ? 'DESC' : 'ASC'
  const order = (p: string): string => key(p).split(', ').map((k) => `${k} ${direction}`).join(', ')
  const conditions = seller === undefined ? [`p.status = 'active'`, 'p.offer_id IS NOT NULL'] : [`p.seller_id = ${bind(seller, 'text')}`]
  if (position) {
    const types = column === 'id' ? ['text'] : [column === 'price' ? 'bigint' : 'double precision', 'text']
    conditions.push(`(${key('p')}) ${descending ? '<' : '>'} (${position.map((v, i) => bind(v, types[i]!)).join(', ')})`)
  }
  const [columns, table] = seller === undefined ? [`${card('p')}, p.rating_average`, 'product.product'] : ['p.id, p.price, p.rating_average', 'product.shelf']
  const rows = (condition: string): string => `SELECT ${columns} FROM ${table} p WHERE ${condition} ORDER BY ${order('p')} LIMIT $1`
  const where = conditions.join(' AND ')
  const listed =
    leaves === null
      ? rows(where)
      : `SELECT p.* FROM unnest(${bind(leaves, 'text[]')}) AS leaf (slug) CROSS JOIN LATERAL (${rows(`p.category = leaf.slug AND ${where}`)}) p ORDER BY ${order('p')} LIMIT $1`
  const text = seller === undefined ? listed : `SELECT ${card('p')} FROM (${listed}) listed JOIN product.product p USING (id) ORDER BY ${order('p')}`
  const found = await db.query<CardRow>(text, values)
  return pageOf(found, limit, (row) => row, (row) => (column === 'id' ? [row.id] : [value(row), row.id]))
}
