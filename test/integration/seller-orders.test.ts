import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Database } from '../../mixins/postgres/database.ts'
import { money } from '../../mixins/primitives/money.ts'
import type { Events } from '../../mixins/runtime/calls.ts'
import { applyCancelled, applyChanged, applyConfirmed, dashboardOf, subOrdersOf } from '../../services/seller/seller-orders.store.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'

const totals = { subtotal: money(1), discount: money(0), shipping: money(0), tax: money(0), total: money(1) }
const order = (orderId: string): Events['order_confirmed'] => ({ orderId, buyerId: 'u', placedAt: '2026-01-02T03:04:05.000Z', status: 'confirmed', totals, couponCode: null, subOrders: [{ id: `${orderId}.s1`, sellerId: 's1', totals, lines: [] }] })
const record = <B>(topic: string, orderId: string, number: number, body: B) => ({ id: `${orderId}-${number}`, topic, aggregate: `order/${orderId}`, number, at: '2026-01-02T03:04:05.000Z', body })

describe("a seller's list of what was sold", () => {
  let databases: TestDatabases
  let db: Database
  beforeAll(async () => {
    databases = await createDatabases()
    db = new Database(databases.main, 'seller')
  })
  afterAll(async () => {
    await db.close()
    await databases.drop()
  })

  const confirmed = (id: string) => applyConfirmed(db, [record('order_confirmed', id, 2, order(id))])
  const shipped = (id: string) => applyChanged(db, [record('sub_order_changed', id, 3, { orderId: id, buyerId: 'u', subOrderId: `${id}.s1`, sellerId: 's1', status: 'shipped' as const })])
  const cancelled = (id: string, wasConfirmed: 'yes' | 'no') => applyCancelled(db, [record('order_cancelled', id, 4, { order: order(id), reason: 'x', wasConfirmed })])
  const statuses = async () => (await subOrdersOf(db, 's1', null, null, 10)).map((s) => [s.orderId, s.status])

  test('ends with the latest news whatever comes first, each event once', async () => {
    await confirmed('a')
    await shipped('a')
    await confirmed('a')
    await shipped('b')
    expect(await statuses()).toEqual([['a', 'shipped']])
    await confirmed('b')
    await cancelled('c', 'yes')
    await confirmed('c')
    await cancelled('d', 'no')
    expect(await statuses()).toEqual([['c', 'cancelled'], ['b', 'shipped'], ['a', 'shipped']])
    expect((await subOrdersOf(db, 's1', 'cancelled', null, 10)).map((s) => s.totals.total)).toEqual([money(1)])
    expect(await subOrdersOf(db, 's2', null, null, 10)).toEqual([])
  })

  test('is summed up as of one moment: what is open is counted and listed, what has arrived or was cancelled is not', async () => {
    const line = (quantity: number) => ({ offerId: 'o', productId: 'p', title: 't', category: 'c', quantity, unitPrice: money(5), lineTotal: money(5 * quantity) })
    const sold = (id: string, quantity: number): Events['order_confirmed'] => {
      const total = { ...totals, total: money(5 * quantity) }
      return { ...order(id), subOrders: [{ id: `${id}.s2`, sellerId: 's2', totals: total, lines: [line(quantity)] }] }
    }
    const moved = (id: string, status: 'shipped' | 'delivered') => applyChanged(db, [record('sub_order_changed', id, 3, { orderId: id, buyerId: 'u', subOrderId: `${id}.s2`, sellerId: 's2', status })])
    expect(await dashboardOf(db, 's2')).toMatchObject({ open: { count: 0, units: 0, amount: money(0) }, items: [] })
    for (const [i, id] of ['e', 'f', 'g'].entries()) await applyConfirmed(db, [record('order_confirmed', id, 2, sold(id, i + 1))])
    await moved('f', 'shipped')
    await moved('g', 'delivered')
    await moved('h', 'shipped') // its order is not known yet
    const { open, items, asOf } = await dashboardOf(db, 's2')
    expect(open).toEqual({ count: 2, units: 3, amount: money(15) })
    expect(items.map(({ orderId, status, placedAt, lines }) => [orderId, status, placedAt, lines[0]?.quantity])).toEqual([['e', 'confirmed', '2026-01-02T03:04:05.000Z', 1], ['f', 'shipped', '2026-01-02T03:04:05.000Z', 2]])
    expect(Date.parse(asOf)).not.toBeNaN()
  })

  test('a dashboard counts more than it lists', async () => {
    const many = Array.from({ length: 103 }, (_, i) => `x${String(i).padStart(3, '0')}`)
    for (const id of many) await applyConfirmed(db, [record('order_confirmed', id, 2, { ...order(id), subOrders: [{ ...order(id).subOrders[0]!, id: `${id}.s3`, sellerId: 's3' }] })])
    const { open, items } = await dashboardOf(db, 's3')
    expect([open.count, open.amount, items.length, items[0]!.orderId]).toEqual([103, money(103), 100, 'x000'])
  })
})
