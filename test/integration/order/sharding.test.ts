import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { call } from '../../../mixins/runtime/calls.ts'
import { databaseIndexOfOrder } from '../../../services/order/order.store.ts'
import { refusal, startMarket, type Market } from '../../support/buying.ts'
import { settledViolations } from '../../support/clean-books.ts'

describe('orders over two databases', () => {
  let market: Market
  beforeAll(async () => {
    market = await startMarket()
  })
  afterAll(async () => {
    const wrong = await settledViolations(market.shop.databases)
    await market.shop.stop()
    expect(wrong).toEqual([])
  }, 40_000)

  const idsIn = async (database: number): Promise<string[]> =>
    (await market.shop.databases.query<{ key: string }>(`SELECT key FROM orders.actor WHERE state IS NOT NULL`, [], market.shop.databases.orders[database])).map((r) => r.key)

  test('lie with their buyer, over both, where their ids say', async () => {
    const offer = await market.offer({ onHand: 1_000 })
    const placed = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const buyer = await market.buyer()
        const ids: string[] = []
        for (let n = 0; n < 2; n++) {
          await buyer.add(offer)
          ids.push((await buyer.place()).order.id)
        }
        expect((await call(market.shop.broker, 'order.worker.list', { buyerId: buyer.id })).items.map((o) => o.id)).toEqual(ids.toReversed())
        return ids
      })
    )
    const homes = placed.map(([first, second]) => {
      expect(databaseIndexOfOrder(first!)).toBe(databaseIndexOfOrder(second!))
      return databaseIndexOfOrder(first!)
    })
    expect(new Set(homes)).toEqual(new Set([0, 1]))
    for (const database of [0, 1]) expect((await idsIn(database)).sort()).toEqual(placed.filter((_, i) => homes[i] === database).flat().sort())
  })

  test('are read by their id alone: no directory is asked', async () => {
    const buyer = await market.buyer()
    await buyer.add(await market.offer())
    const { order } = await buyer.place()
    await buyer.reached(order.id, { payment: 'captured' })
    const url = market.shop.databases.orders[databaseIndexOfOrder(order.id)]!
    const [row] = await market.shop.databases.query('DELETE FROM orders.buyer_order WHERE order_id = $1 RETURNING order_id, buyer_id', [order.id], url)
    expect((await buyer.order(order.id)).id).toBe(order.id)
    await market.shop.databases.query('INSERT INTO orders.buyer_order (order_id, buyer_id) VALUES ($1, $2)', Object.values(row!), url)
    expect(await refusal(call(market.shop.broker, 'order.worker.get', { orderId: 'nothing-like-an-order', buyerId: null }))).toBe('not-found')
  })

  test('of one buyer are paged newest first, each once', async () => {
    const offer = await market.offer({ onHand: 100 })
    const buyer = await market.buyer()
    const ids: string[] = []
    for (let n = 0; n < 5; n++) {
      await buyer.add(offer)
      ids.unshift((await buyer.place()).order.id)
    }
    const seen: string[] = []
    for (let cursor: string | null = null; ; ) {
      const page: { items: { id: string }[]; nextCursor: string | null } = await call(market.shop.broker, 'order.worker.list', { buyerId: buyer.id, limit: 2, ...(cursor === null ? {} : { cursor }) })
      seen.push(...page.items.map((o) => o.id))
      cursor = page.nextCursor
      if (cursor === null) break
    }
    expect(seen).toEqual(ids)
  })
})
