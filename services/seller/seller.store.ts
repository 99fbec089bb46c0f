import { columns, type Queryable } from '../../mixins/postgres/database.ts'
import { defaultWarehouse, type Seller } from './seller.contract.ts'

const COLUMNS = 'id, name, status, user_id AS "userId", warehouse_id AS "warehouseId"'

/** Sellers by id, in no order. */
export const sellersById = (db: Queryable, ids: readonly string[]): Promise<Seller[]> => db.query<Seller>(`SELECT ${COLUMNS} FROM seller.seller WHERE id = ANY($1::text[])`, [ids])

export async function sellerOfUser(db: Queryable, userId: string): Promise<Seller | null> {
  const [seller] = await db.query<Seller>(`SELECT ${COLUMNS} FROM seller.seller WHERE user_id = $1`, [userId])
  return seller ?? null
}

/** Adds sellers; one whose id or person has an account already is left as it is. Returns how many were added. */
export async function addSellers(db: Queryable, sellers: readonly Pick<Seller, 'id' | 'name' | 'userId'>[]): Promise<number> {
  const rows = sellers.map((seller) => ({ ...seller, warehouseId: defaultWarehouse(seller.id) }))
  const added = await db.query(
    `INSERT INTO seller.seller (id, name, user_id, warehouse_id) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING RETURNING id`,
    columns(rows, ['id', 'name', 'userId', 'warehouseId'])
  )
  return added.length
}
