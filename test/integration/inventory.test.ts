import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { Database } from '../../mixins/postgres/database.ts'
import { problemType } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import type { DeskMessage } from '../../services/inventory/inventory.ts'
import { InventoryStore } from '../../services/inventory/inventory.store.ts'
import { startShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await startShop(['inventory.worker'])
})
afterAll(() => shop.stop())

const warehouseId = 'wh.s1'
const at = (orderId: string, attempt = 1) => ({ orderId, attempt, warehouseId })
const reserve = (orderId: string, offerId: string, quantity = 1, attempt = 1) => call(shop.broker, 'inventory.worker.reserve', { ...at(orderId, attempt), lines: [{ offerId, quantity }] })
const set = (offerId: string, onHand: number) => call(shop.broker, 'inventory.worker.set', { offerId, warehouseId, onHand })
const stock = async (offerId: string) => (await call(shop.broker, 'inventory.worker.stock', { offerIds: [offerId] })).items[0]!
const told = async (offerId: string) =>
  (await shop.databases.query<{ availability: string }>(`SELECT body->>'availability' AS availability FROM inventory.outbox WHERE aggregate = $1 ORDER BY number`, [`stock/${offerId}`])).map((row) => row.availability)
const refusal = (promise: Promise<unknown>): Promise<string | null> => promise.then(() => null, problemType)

/** The ledger, the reservations and the rows tell one story. */
async function expectBooksToBalance(): Promise<void> {
  const wrong = await shop.databases.query(`
    WITH ledger AS (SELECT offer_id, warehouse_id, sum(on_hand) AS on_hand, sum(reserved) AS reserved FROM inventory.movement GROUP BY 1, 2),
         held AS (SELECT l->>'offerId' AS offer_id, warehouse_id, sum((l->>'quantity')::int) AS reserved FROM inventory.reservation, jsonb_array_elements(lines) l WHERE status = 'held' GROUP BY 1, 2)
    SELECT s.*, ledger.on_hand AS ledger_on_hand, ledger.reserved AS ledger_reserved, held.reserved AS held
    FROM inventory.stock s LEFT JOIN ledger USING (offer_id, warehouse_id) LEFT JOIN held USING (offer_id, warehouse_id)
    WHERE s.on_hand <> coalesce(ledger.on_hand, 0) OR s.reserved <> coalesce(ledger.reserved, 0) OR s.reserved <> coalesce(held.reserved, 0)`)
  expect(wrong).toEqual([])
}

describe('inventory', () => {
  test('stock is reserved, taken and comes back', async () => {
    expect(await set('plain', 3)).toEqual({ onHand: 3, reserved: 0, available: 3 })
    expect(await reserve('o1', 'plain', 2)).toEqual({ outcome: 'reserved', lines: [] })
    expect(await reserve('o2', 'plain', 2)).toEqual({ outcome: 'refused', lines: [{ offerId: 'plain', requested: 2, available: 1 }] })
    await call(shop.broker, 'inventory.worker.take', at('o1'))
    await call(shop.broker, 'inventory.worker.take', at('o1'))
    expect(await stock('plain')).toMatchObject({ onHand: 1, reserved: 0, available: 1, availability: 'low_stock' })
    const restock = () => call(shop.broker, 'inventory.worker.restock', { orderId: 'o1', warehouseId, operationId: 'cancel-o1' })
    expect(await restock()).toEqual(await restock())
    expect(await stock('plain')).toMatchObject({ onHand: 3, available: 3 })
    await expectBooksToBalance()
  })

  test('an offer that never had stock is at zero', async () => {
    expect(await stock('unknown')).toEqual({ offerId: 'unknown', onHand: 0, reserved: 0, available: 0, availability: 'out_of_stock' })
    expect(await reserve('o3', 'unknown')).toMatchObject({ outcome: 'refused' })
  })

  test('a reserve that comes after the release of its attempt is refused; the next attempt is not', async () => {
    await set('late', 5)
    expect(await call(shop.broker, 'inventory.worker.release', at('o4'))).toEqual({ outcome: 'released' })
    expect(await reserve('o4', 'late')).toEqual({ outcome: 'refused', lines: [] })
    expect(await stock('late')).toMatchObject({ reserved: 0 })
    expect(await reserve('o4', 'late', 1, 2)).toMatchObject({ outcome: 'reserved' })
    await call(shop.broker, 'inventory.worker.release', at('o4', 2))
    expect(await stock('late')).toMatchObject({ onHand: 5, reserved: 0 })
  })

  test('release and reserve of one attempt at once leave nothing held', async () => {
    await set('race', 100)
    const stores = [0, 1].map(() => new Database(shop.databases.main, 'inventory')).map((db) => ({ db, store: new InventoryStore(db) }))
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => [
        stores[0]!.store.run([{ message: { kind: 'reserve', ...at(`race-${i}`), lines: [{ offerId: 'race', quantity: 1 }] } }]),
        stores[1]!.store.run([{ message: { kind: 'release', ...at(`race-${i}`) } }])
      ]).flat()
    )
    expect(await stock('race')).toMatchObject({ onHand: 100, reserved: 0 })
    await Promise.all(stores.map(({ db }) => db.close()))
    await expectBooksToBalance()
  })

  test('two desks, concurrent orders and counts never oversell, and sell out exactly', async () => {
    await set('hot', 150)
    const stores = [0, 1].map(() => new Database(shop.databases.main, 'inventory')).map((db) => ({ db, store: new InventoryStore(db) }))
    let held = 0
    const buyer = async (n: number): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        const requests = Array.from({ length: 5 }, (_, k) => ({ message: { kind: 'reserve', ...at(`hot-${n}-${i}-${k}`), lines: [{ offerId: 'hot', quantity: 1 }] } satisfies DeskMessage }))
        const replies = await stores[n % 2]!.store.run(requests)
        held += replies.filter((r) => !(r instanceof Error) && 'answer' in r && 'outcome' in r.answer && r.answer.outcome === 'reserved').length
      }
    }
    const counter = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) await call(shop.broker, 'inventory.worker.set', { offerId: 'hot', warehouseId, delta: 5 })
    }
    await Promise.all([...Array.from({ length: 6 }, (_, n) => buyer(n)), counter()])
    expect(held).toBe(200)
    expect(await stock('hot')).toMatchObject({ onHand: 200, reserved: 200, available: 0 })
    await Promise.all(stores.map(({ db }) => db.close()))
    await expectBooksToBalance()
  })

  test('what a desk remembers is never trusted: another may have written meanwhile', async () => {
    await set('shared', 100)
    const desks = [0, 1].map(() => new Database(shop.databases.main, 'inventory')).map((db) => ({ db, store: new InventoryStore(db) }))
    const ask = async (desk: number, message: DeskMessage) => {
      const [reply] = await desks[desk]!.store.run([{ message }])
      return reply instanceof Error ? problemType(reply) : 'answer' in reply! && 'outcome' in reply.answer ? reply.answer.outcome : null
    }
    const order = (n: string, quantity: number): DeskMessage => ({ kind: 'reserve', ...at(n), lines: [{ offerId: 'shared', quantity }] })
    expect(await ask(0, order('m1', 10))).toBe('reserved')
    expect(await ask(1, order('m2', 80))).toBe('reserved')
    expect(await ask(0, order('m3', 20))).toBe('refused') // it remembers 90
    expect(await ask(1, { kind: 'release', ...at('m2') })).toBe('released')
    expect(await ask(0, order('m4', 60))).toBe('reserved') // it remembers 10
    expect(await ask(1, { kind: 'release', ...at('m4') })).toBe('released')
    expect(await ask(0, { kind: 'take', ...at('m4') })).toBe('invalid-transition') // it remembers m4 as held
    expect(await ask(1, { kind: 'take', ...at('m1') })).toBe('taken')
    expect(await ask(0, { kind: 'release', ...at('m1') })).toBe('taken') // it remembers m1 as held
    expect(await ask(1, order('m5', 90))).toBe('reserved')
    expect(await ask(0, { kind: 'release', ...at('m5') })).toBe('released') // it has never heard of m5
    expect(await ask(1, { kind: 'reserve', ...at('m5'), lines: [{ offerId: 'shared', quantity: 1 }] })).toBe('refused')
    expect(await stock('shared')).toMatchObject({ onHand: 90, reserved: 0 })
    expect(await ask(0, order('m6', 10))).toBe('reserved')
    expect(await ask(1, { kind: 'take', ...at('m6') })).toBe('taken')
    expect(await ask(1, { kind: 'set', offerId: 'shared', warehouseId, onHand: 90, operationId: 'count' })).toBe(null)
    expect(await ask(1, order('m7', 10))).toBe('reserved')
    expect(await ask(0, { kind: 'release', ...at('m6') })).toBe('taken') // the row is as it remembers, m6 is not
    expect(await ask(1, order('m8', 70))).toBe('reserved')
    expect(await ask(0, order('m9', 6))).toBe('reserved') // it remembers 80: that few are left must be told all the same
    expect(await told('shared')).toEqual(['in_stock', 'out_of_stock', 'in_stock', 'low_stock'])
    await Promise.all(desks.map(({ db }) => db.close()))
    await expectBooksToBalance()
  })

  test('counts by two desks at once end at one of the counts', async () => {
    const stores = [0, 1].map(() => new Database(shop.databases.main, 'inventory')).map((db) => ({ db, store: new InventoryStore(db) }))
    for (let round = 0; round < 15; round++) {
      await set('counted', 0)
      const count = (onHand: number) => stores[onHand % 2]!.store.run([{ message: { kind: 'set', offerId: 'counted', warehouseId, onHand, operationId: `c${onHand}` } }])
      await Promise.all([11, 12, 13, 14].map(count))
      expect([11, 12, 13, 14]).toContain((await stock('counted')).onHand)
    }
    await Promise.all(stores.map(({ db }) => db.close()))
    await expectBooksToBalance()
  })

  test('the store refuses to promise what is not there, whoever writes', async () => {
    await set('guard', 1)
    await expect(shop.databases.query(`UPDATE inventory.stock SET reserved = 2 WHERE offer_id = 'guard'`)).rejects.toMatchObject({ constraint: 'stock_never_oversold' })
    await expect(shop.databases.query(`DELETE FROM inventory.movement`)).rejects.toThrow('append-only')
  })

  test('one request that the store refuses does not harm the others of its turn', async () => {
    await set('mixed', 2)
    const replies = await Promise.allSettled([
      call(shop.broker, 'inventory.worker.take', at('never-reserved')),
      reserve('o5', 'mixed'),
      call(shop.broker, 'inventory.worker.set', { offerId: 'mixed', warehouseId, delta: -5 }),
      reserve('o6', 'mixed')
    ])
    expect(replies.map((r) => (r.status === 'fulfilled' ? 'done' : problemType(r.reason)))).toEqual(['invalid-transition', 'done', 'validation-failed', 'done'])
    await expectBooksToBalance()
  })

  test('only crossings of availability are told, in order', async () => {
    await set('told', 7)
    for (const order of ['t1', 't2', 't3']) await reserve(order, 'told')
    await call(shop.broker, 'inventory.worker.take', at('t1'))
    await set('told', 2)
    await set('told', 20)
    expect(await told('told')).toEqual(['in_stock', 'low_stock', 'out_of_stock', 'in_stock'])
  })

  test('a repeated Idempotency-Key corrects the stock once', async () => {
    await set('keyed', 10)
    const operation = { id: randomUUID(), bodyHash: 'h' }
    const correct = (bodyHash = 'h') => call(shop.broker, 'inventory.worker.set', { offerId: 'keyed', warehouseId, delta: -3 }, { meta: { operation: { ...operation, bodyHash } } })
    const answers = await Promise.all([correct(), correct()])
    expect(answers[0]).toEqual(answers[1])
    expect(await correct()).toEqual({ onHand: 7, reserved: 0, available: 7 })
    expect(await refusal(correct('other'))).toBe('idempotency-key-reused')
    expect(await stock('keyed')).toMatchObject({ onHand: 7 })
  })

  test('exactly one of count and correction is given', async () => {
    expect(await refusal(call(shop.broker, 'inventory.worker.set', { offerId: 'x', warehouseId }))).toBe('validation-failed')
    expect(await refusal(call(shop.broker, 'inventory.worker.set', { offerId: 'x', warehouseId, onHand: 1, delta: 1 }))).toBe('validation-failed')
  })

  test('a bulk import fills what is empty and leaves the rest', async () => {
    await set('known', 4)
    const rows = [{ offerId: 'known', warehouseId, onHand: 50 }, { offerId: 'fresh', warehouseId, onHand: 50 }, { offerId: 'empty', warehouseId, onHand: 0 }]
    expect(await call(shop.broker, 'inventory.worker.import', { rows, announced: true })).toEqual({ added: 2 })
    expect(await call(shop.broker, 'inventory.worker.import', { rows, announced: true })).toEqual({ added: 0 })
    expect(await stock('known')).toMatchObject({ onHand: 4 })
    expect(await stock('fresh')).toMatchObject({ onHand: 50 })
    expect(await told('fresh')).toEqual([])
    await expectBooksToBalance()
  })
})
