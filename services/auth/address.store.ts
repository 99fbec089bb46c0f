import type { Queryable } from '../../mixins/postgres/database.ts'
import type { Address, Subscription } from './auth.contract.ts'
import { shownSubscription } from './person.store.ts'

interface Row {
  id: string
  person_id: string
  name: string
  line1: string
  line2: string | null
  city: string
  region: string
  postal_code: string
  country: string
  phone: string | null
}

const COLUMNS = 'id, person_id, name, line1, line2, city, region, postal_code, country, phone'

const toAddress = ({ id, name, line1, line2, city, region, postal_code, country, phone }: Row): Address => ({
  id,
  name,
  line1,
  ...(line2 === null ? {} : { line2 }),
  city,
  region,
  postalCode: postal_code,
  country,
  ...(phone === null ? {} : { phone })
})

const values = ({ name, line1, line2, city, region, postalCode, country, phone }: Omit<Address, 'id'>): unknown[] => [name, line1, line2 ?? null, city, region, postalCode, country, phone ?? null]

/** Inserts an address; null when the person has `max` already. The person's row must be locked, or two at once could pass the bound. */
export async function insertAddress(tx: Queryable, id: string, personId: string, address: Omit<Address, 'id'>, max: number): Promise<Address | null> {
  const rows = await tx.query<Row>(
    `INSERT INTO auth.address (${COLUMNS}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
     WHERE (SELECT count(*) FROM auth.address WHERE person_id = $2) < $11 RETURNING ${COLUMNS}`,
    [id, personId, ...values(address), max]
  )
  return rows[0] ? toAddress(rows[0]) : null
}

/** One of the person's own addresses, kept as it is until the transaction ends; null when it is not theirs. */
export async function lockAddress(tx: Queryable, id: string, personId: string): Promise<Address | null> {
  const rows = await tx.query<Row>(`SELECT ${COLUMNS} FROM auth.address WHERE id = $1 AND person_id = $2 FOR UPDATE`, [id, personId])
  return rows[0] ? toAddress(rows[0]) : null
}

/** Replaces one of the person's own addresses; null when it is not theirs. */
export async function updateAddress(tx: Queryable, id: string, personId: string, address: Omit<Address, 'id'>): Promise<Address | null> {
  const rows = await tx.query<Row>(
    `UPDATE auth.address SET name = $3, line1 = $4, line2 = $5, city = $6, region = $7, postal_code = $8, country = $9, phone = $10 WHERE id = $1 AND person_id = $2 RETURNING ${COLUMNS}`,
    [id, personId, ...values(address)]
  )
  return rows[0] ? toAddress(rows[0]) : null
}

export async function deleteAddress(db: Queryable, id: string, personId: string): Promise<boolean> {
  const rows = await db.query('DELETE FROM auth.address WHERE id = $1 AND person_id = $2 RETURNING id', [id, personId])
  return rows.length > 0
}

/** An address, whose it is, and what Prime they have. */
export interface OwnedAddress {
  personId: string
  address: Address
  subscription: Subscription | null
}

/** Addresses by id. */
export async function addressesById(db: Queryable, ids: readonly string[]): Promise<Map<string, OwnedAddress>> {
  const rows = await db.query<Row & { subscription: Subscription | null }>(
    `SELECT a.*, p.subscription FROM (SELECT ${COLUMNS} FROM auth.address WHERE id = ANY($1)) a JOIN auth.person p ON p.id = a.person_id`,
    [ids]
  )
  return new Map(rows.map((row) => [row.id, { personId: row.person_id, address: toAddress(row), subscription: shownSubscription(row.subscription) }]))
}

/** A person's addresses, oldest first, from after `after`. */
export async function listAddresses(db: Queryable, personId: string, after: string | null, limit: number): Promise<Address[]> {
  const rows = await db.query<Row>(`SELECT ${COLUMNS} FROM auth.address WHERE person_id = $1 AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $3`, [personId, after, limit])
  return rows.map(toAddress)
}
