import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Database } from '../../../mixins/postgres/database.ts'
import { createDatabases, type TestDatabases } from '../../support/databases.ts'

let databases: TestDatabases
let cart: Database
let product: Database
beforeAll(async () => {
  databases = await createDatabases()
  cart = new Database(databases.main, 'cart')
  product = new Database(databases.main, 'product')
})
afterAll(async () => {
  await Promise.all([cart.close(), product.close()])
  await databases.drop()
})

const WHO = 'SELECT current_user AS role, pg_backend_pid() AS backend'
const who = (db: Database) => db.query<{ role: string; backend: number }>(WHO).then(([row]) => row!)

test('every statement runs with its service’s role, however the connections are shared', async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, async (_, i) => [i % 2, (await who(i % 2 ? cart : product)).role] as const))
  for (const [isCart, role] of answers) expect(role).toBe(isCart ? 'souk_cart' : 'souk_product')
  await expect(cart.query('SELECT FROM product.product')).rejects.toThrow('permission denied')
})

test('a transaction has its service’s role, and leaves the connection as it was', async () => {
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const db = i % 2 ? cart : product
      expect(await db.tx(async (tx) => (await tx.query<{ role: string }>(WHO))[0]!.role)).toBe(i % 2 ? 'souk_cart' : 'souk_product')
      expect((await who(i % 3 ? cart : product)).role).toBe(i % 3 ? 'souk_cart' : 'souk_product')
    })
  )
})

test('services that take turns keep connections of their own', async () => {
  await Promise.all(Array.from({ length: 6 }, () => who(cart))) // all connections of the pool are there
  await who(product)
  const backends = { cart: new Set<number>(), product: new Set<number>() }
  for (let i = 0; i < 20; i++) {
    backends.cart.add((await who(cart)).backend)
    backends.product.add((await who(product)).backend)
  }
  expect([backends.cart.size, backends.product.size]).toEqual([1, 1])
  expect([...backends.cart][0]).not.toBe([...backends.product][0])
})
