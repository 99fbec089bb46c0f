import type { Queryable } from '../../mixins/postgres/database.ts'

/** Brings the sellers' lists up to what locked products and their offers are now. */
export async function shelve(tx: Queryable, productIds: readonly string[]): Promise<void> {
  await tx.query(
    `WITH wanted AS MATERIALIZED (
       SELECT o.seller_id, p.id, p.category, p.price, p.rating_average
       FROM product.product p JOIN product.offer o ON o.product_id = p.id AND o.active WHERE p.id = ANY($1::text[]) AND p.status = 'active'
       UNION
       SELECT owner_seller_id, id, category, price, rating_average
       FROM product.product WHERE id = ANY($1::text[]) AND status = 'active' AND offer_id IS NULL AND owner_seller_id IS NOT NULL
     ), gone AS (
       DELETE FROM product.shelf s WHERE s.id = ANY($1::text[]) AND NOT EXISTS (SELECT FROM wanted w WHERE w.seller_id = s.seller_id AND w.id = s.id)
     )
     INSERT INTO product.shelf (seller_id, id, category, price, rating_average)
     SELECT * FROM wanted EXCEPT SELECT seller_id, id, category, price, rating_average FROM product.shelf WHERE id = ANY($1::text[])
     ON CONFLICT (seller_id, id) DO UPDATE SET category = excluded.category, price = excluded.price, rating_average = excluded.rating_average`,
    [productIds]
  )
}
