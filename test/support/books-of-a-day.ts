import { startMarket } from './buying.ts'
import { settledViolations } from './clean-books.ts'
import type { TestDatabases } from './databases.ts'
import { until } from './until.ts'

/** Orders that came to their various ends. */
export interface BookOrders {
  /** An offer that some of them sold. */
  offer: string
  /** With a coupon, and delivered. */
  delivered: string
  /** Captured, then cancelled; it had a coupon. */
  cancelled: string
  /** Delivered, one of its lines returned. */
  returned: string
  /** In payment_failed. */
  unpaid: string
}

/** The books of a marketplace after a day of business, with nobody at work any more. */
export async function startBooks(): Promise<{ databases: TestDatabases; orders: BookOrders }> {
  const market = await startMarket({ also: ['search.indexer', 'search.worker'] })
  const { databases, broker } = market.shop
  const [offer, other] = await Promise.all([market.offer(), market.offer({ sellerId: 's2' })])
  const coupon = await market.coupon({ percent: 10, usesTotal: 5 })
  const order = async (token: string, withCoupon?: string): Promise<{ buyer: Awaited<ReturnType<typeof market.buyer>>; id: string }> => {
    const buyer = await market.buyer(token)
    await buyer.add(offer)
    await buyer.add(other)
    const placed = await buyer.place(withCoupon === undefined ? {} : { coupon: withCoupon })
    if (token === 'tok_demo_ok') await buyer.reached(placed.order.id, { payment: 'captured' })
    return { buyer, id: placed.order.id }
  }
  const [delivered, cancelled, returned, unpaid] = await Promise.all([order('tok_demo_ok', coupon), order('tok_demo_ok', coupon), order('tok_demo_ok'), order('tok_demo_down')])
  for (const { buyer, id } of [delivered, returned]) for (const seller of ['s1', 's2']) await market.parcel(await buyer.order(id), seller, 'delivered')
  await cancelled.buyer.cancel(cancelled.id)
  await returned.buyer.giveBack(returned.id, [{ offerId: other, quantity: 1 }])
  await unpaid.buyer.reached(unpaid.id, { status: 'payment_failed' })
  await databases.query(`UPDATE product.product SET updated_at = updated_at - interval '1 hour'`) // so that search has no excuse any more
  const moving = `SELECT 1 FROM orders.actor WHERE state->>'phase' NOT IN ('done', 'failed')`
  await until('every order is at rest', async () => (await Promise.all(databases.orders.map((url) => databases.query(moving, [], url)))).flat().length === 0)
  // After that: what an order told last is still to leave its outbox.
  const wrong = await settledViolations(databases)
  if (wrong.length > 0) throw new Error(`the books are not clean to begin with: ${JSON.stringify(wrong)}`)
  await broker.stop()
  await until('nobody is connected any more', async () => (await databases.query<{ n: number }>(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname LIKE $1 || '%' AND pid <> pg_backend_pid()`, [new URL(databases.main).pathname.slice(1)]))[0]!.n === 0)
  return { databases, orders: { offer, delivered: delivered.id, cancelled: cancelled.id, returned: returned.id, unpaid: unpaid.id } }
}
