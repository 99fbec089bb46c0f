import { columns, type Database, type Queryable } from '../../mixins/postgres/database.ts'
import type { Money } from '../../mixins/primitives/money.ts'
import type { Coupon } from './pricing.ts'

interface CouponRow {
  code: string
  percent: number | null
  amount: number | null
  amount_currency: string | null
  min_subtotal: number | null
  min_subtotal_currency: string | null
  uses_per_buyer: number | null
  uses_total: number | null
  valid_until: string | null
  uses: number
  created_at: string
}

const moneyOf = (amount: number | null, currency: string | null): Money | null => (amount === null || currency === null ? null : { amount, currency })

const toCoupon = (row: CouponRow): Coupon => ({
  code: row.code,
  percent: row.percent,
  amount: moneyOf(row.amount, row.amount_currency),
  minSubtotal: moneyOf(row.min_subtotal, row.min_subtotal_currency),
  usesPerBuyer: row.uses_per_buyer,
  usesTotal: row.uses_total,
  validUntil: row.valid_until,
  uses: row.uses,
  createdAt: row.created_at
})

/** A coupon's use by an order; `n` is null once it was given back, `code` null when it was given back before it was taken. */
export interface CouponUse {
  orderId: string
  code: string | null
  buyerId: string | null
  n: number | null
}

/** A use about to be written: the `n`th of its buyer. */
export interface NewUse {
  orderId: string
  code: string
  buyerId: string
  n: number
  usesPerBuyer: number | null
}

/** Stores a coupon; null when its code is taken. */
export async function insertCoupon(tx: Queryable, coupon: Omit<Coupon, 'uses' | 'createdAt'>): Promise<Coupon | null> {
  const [row] = await tx.query<CouponRow>(
    `INSERT INTO pricing.coupon (code, percent, amount, amount_currency, min_subtotal, min_subtotal_currency, uses_per_buyer, uses_total, valid_until)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (code) DO NOTHING RETURNING *`,
    [
      coupon.code, coupon.percent, coupon.amount?.amount ?? null, coupon.amount?.currency ?? null, coupon.minSubtotal?.amount ?? null,
      coupon.minSubtotal?.currency ?? null, coupon.usesPerBuyer, coupon.usesTotal, coupon.validUntil
    ]
  )
  return row ? toCoupon(row) : null
}

/** Coupons by code, after the code `after`. */
export async function listCoupons(db: Queryable, after: string, limit: number): Promise<Coupon[]> {
  const rows = await db.query<CouponRow>('SELECT * FROM pricing.coupon WHERE code > $1 ORDER BY code LIMIT $2', [after, limit])
  return rows.map(toCoupon)
}

/** For each (code, buyer): the coupon, or null, and how often the buyer has used it. One statement for all. */
export async function findCoupons(db: Queryable, wanted: readonly { code: string; buyerId: string }[]): Promise<{ coupon: Coupon | null; buyerUses: number }[]> {
  const rows = await db.query<CouponRow & { i: number; buyer_uses: number }>(
    `SELECT w.i, c.*, (SELECT count(*) FROM pricing.coupon_use u WHERE u.code = c.code AND u.buyer_id = w.buyer_id AND u.n IS NOT NULL) AS buyer_uses
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (code, buyer_id, i) JOIN pricing.coupon c USING (code)`,
    columns(wanted, ['code', 'buyerId'])
  )
  const found = new Map(rows.map((row) => [row.i - 1, row]))
  return wanted.map((_, i) => {
    const row = found.get(i)
    return { coupon: row ? toCoupon(row) : null, buyerUses: row?.buyer_uses ?? 0 }
  })
}

/** Locks coupons for their next uses, in the order of their codes so that two batches never wait for each other. */
export async function lockCoupons(tx: Queryable, codes: readonly string[]): Promise<Map<string, Coupon>> {
  const rows = await tx.query<CouponRow>('SELECT * FROM pricing.coupon WHERE code = ANY($1::text[]) ORDER BY code FOR UPDATE', [codes])
  return new Map(rows.map((row) => [row.code, toCoupon(row)]))
}

/** The rows of these orders, and the standing uses of these buyers. */
export async function findUses(tx: Queryable, orderIds: readonly string[], buyers: readonly { code: string; buyerId: string }[]): Promise<CouponUse[]> {
  return tx.query<CouponUse>(
    `SELECT order_id AS "orderId", code, buyer_id AS "buyerId", n FROM pricing.coupon_use WHERE order_id = ANY($1::text[])
     UNION
     SELECT u.order_id, u.code, u.buyer_id, u.n FROM pricing.coupon_use u JOIN unnest($2::text[], $3::text[]) AS b (code, buyer_id) USING (code, buyer_id) WHERE u.n IS NOT NULL`,
    [orderIds, ...columns(buyers, ['code', 'buyerId'])]
  )
}

/** Writes uses of locked coupons and counts them; returns the orders whose use was written, the others were undone meanwhile. */
export async function insertUses(tx: Queryable, uses: readonly NewUse[]): Promise<Set<string>> {
  const sorted = uses.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1))
  const rows = await tx.query<{ order_id: string }>(
    `WITH written AS (
       INSERT INTO pricing.coupon_use (order_id, code, buyer_id, n, uses_per_buyer)
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[]) ON CONFLICT (order_id) DO NOTHING RETURNING order_id, code),
     counted AS (
       UPDATE pricing.coupon c SET uses = c.uses + w.uses FROM (SELECT code, count(*) AS uses FROM written GROUP BY code) w WHERE c.code = w.code)
     SELECT order_id FROM written`,
    columns(sorted, ['orderId', 'code', 'buyerId', 'n', 'usesPerBuyer'])
  )
  return new Set(rows.map((row) => row.order_id))
}

/** Gives an order's use back, or leaves the mark that refuses one to come. */
export async function undoUse(db: Database, orderId: string): Promise<void> {
  // The mark first, in a commit of its own: from here on no take of this order can begin a use.
  await db.query('INSERT INTO pricing.coupon_use (order_id) VALUES ($1) ON CONFLICT (order_id) DO NOTHING', [orderId])
  await db.tx(async (tx) => {
    const [use] = await tx.query<{ code: string | null }>('SELECT code FROM pricing.coupon_use WHERE order_id = $1 AND n IS NOT NULL', [orderId])
    if (!use) return
    await tx.query('SELECT 1 FROM pricing.coupon WHERE code = $1 FOR UPDATE', [use.code]) // coupon before use, as takes lock them
    await tx.query(
      `WITH undone AS (UPDATE pricing.coupon_use SET n = NULL WHERE order_id = $1 AND n IS NOT NULL RETURNING code)
       UPDATE pricing.coupon c SET uses = c.uses - 1 FROM undone WHERE c.code = undone.code`,
      [orderId]
    )
  })
}
