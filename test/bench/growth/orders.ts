import pg from 'pg'
import type { Buyers, World } from './world.ts'

/** Ids of copies begin with it: older than every order that was ever placed, and told from them. */
const COPY = '01000000-'

const copyId = (n: string, b: string): string => `'${COPY}' || lpad(to_hex(${b}::int), 4, '0') || '-7000-8000-' || lpad(to_hex(${n}), 12, '0') || $3`

async function inAll<T>(world: World, run: (client: pg.Client) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (const connectionString of world.inside.databases.orders) {
    const client = new pg.Client({ connectionString, application_name: 'souk bench' })
    await client.connect()
    try {
      results.push(await run(client))
    } finally {
      await client.end()
    }
  }
  return results
}

/**
 * Gives every buyer so many orders more: copies of one that they placed and that is over, in the tables where orders and their
 * sellers' lists lie. What else an order leaves (payments, stock, events) lists do not look at; take the copies away before an audit.
 */
export async function copyOrders(buyers: Buyers, count: number): Promise<void> {
  const { world, people, placed } = buyers
  for (const [n, person] of people.entries()) {
    const b = buyers.seller * people.length + n
    const original = placed[n]!
    const suffix = original.slice(original.indexOf('.'))
    await inAll(world, async (client) => {
      const values = [original, count, suffix, b]
      await client.query(
        `INSERT INTO orders.actor (type, key, version, events, state, operations)
         SELECT type, copy, version, events, replace(state::text, $1, copy)::json, '[]' FROM orders.actor, generate_series(1, $2::int) n, LATERAL (SELECT ${copyId('n', '$4')} AS copy) c WHERE type = 'order' AND key = $1`,
        values
      )
      await client.query(`INSERT INTO orders.buyer_order (order_id, buyer_id) SELECT key, $2 FROM orders.actor WHERE key LIKE '${COPY}' || lpad(to_hex($1::int), 4, '0') || '%'`, [b, person.id])
    })
    await world.inside.main.query(
      `INSERT INTO seller.sub_order (id, order_id, seller_id, status, number, placed_at, lines, totals)
       SELECT replace(id, $1, copy), copy, seller_id, 'delivered', number, placed_at, lines, totals FROM seller.sub_order, generate_series(1, $2::int) n, LATERAL (SELECT ${copyId('n', '$4')} AS copy) c WHERE order_id = $1`,
      [original, count, suffix, b]
    )
  }
  await world.inside.main.query('VACUUM ANALYZE seller.sub_order')
  await inAll(world, (client) => client.query('VACUUM ANALYZE orders.actor, orders.buyer_order'))
}

/** Takes all copies away. */
export async function removeCopies(world: World): Promise<void> {
  await inAll(world, async (client) => {
    await client.query(`DELETE FROM orders.actor WHERE key LIKE '${COPY}%'`)
    await client.query(`DELETE FROM orders.buyer_order WHERE order_id LIKE '${COPY}%'`)
  })
  await world.inside.main.query(`DELETE FROM seller.sub_order WHERE order_id LIKE '${COPY}%'`)
}
