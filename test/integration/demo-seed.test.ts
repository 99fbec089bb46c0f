import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { call } from '../../mixins/runtime/calls.ts'
import { demoProduct } from '../../services/demo/catalogue/products.ts'
import { SELLERS } from '../../services/demo/catalogue/sellers.ts'
import { seedDemo } from '../../services/demo/demo.ts'
import { startShop, type Shop } from '../support/shop.ts'

let shop: Shop
const dir = mkdtempSync(join(tmpdir(), 'souk-demo-'))
beforeAll(async () => {
  process.env['SOUK_DATA_DIR'] = dir
  shop = await startShop(['product.worker', 'inventory.worker', 'seller.worker', 'auth.worker', 'pricing.worker'])
})
afterAll(async () => {
  await shop.stop()
  rmSync(dir, { recursive: true })
})

const count = async (table: string): Promise<number> => (await shop.databases.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]!.n
const counts = () => Promise.all(['product.product', 'product.offer', 'product.outbox', 'inventory.stock', 'inventory.movement', 'seller.seller', 'product.category'].map(count))
const seed = (products: number, onProgress: (share: number) => void = () => {}) => seedDemo({ broker: shop.broker, products, onProgress })

test('a run that was cut off is completed by the next one, and a third changes nothing', async () => {
  const cut = new Error('the power went')
  await expect(
    seed(460, (share) => {
      if (share > 0.4 && share < 0.8) throw cut
    })
  ).rejects.toBe(cut)
  expect(await count('product.product')).toBe(200)
  await shop.databases.query(`DELETE FROM inventory.stock WHERE offer_id IN (SELECT offer_id FROM inventory.stock LIMIT 5)`) // as if it had been cut off before the stock
  const shares: number[] = []
  await seed(460, (share) => void shares.push(share))
  expect(shares.at(-1)).toBe(1)
  const after = await counts()
  expect(after.slice(0, 1)).toEqual([460])
  expect(after[1]).toBe(after[3])
  await seed(460)
  expect(await counts()).toEqual(after)
}, 120_000)

test('what the catalogue says of availability is what lies in the warehouses', async () => {
  const offerIds = Array.from({ length: 60 }, (_, i) => demoProduct(i).product.offers.map((o) => o.id)).flat()
  const [{ items: offers }, { items: stock }] = await Promise.all([call(shop.broker, 'product.worker.offers', { offerIds }), call(shop.broker, 'inventory.worker.stock', { offerIds })])
  expect(offers.map((o) => [o.offerId, o.availability])).toEqual(stock.map((s) => [s.offerId, s.availability]))
  expect(await count('inventory.outbox')).toBe(0)
})

test('the demo seller owns a shop, and every product has its picture', async () => {
  const [account] = await shop.databases.query<{ id: string }>(`SELECT id FROM auth.person WHERE email = 'seller@souk.example'`)
  const { seller } = await call(shop.broker, 'seller.worker.ofUser', { userId: account!.id })
  expect(seller).toMatchObject({ id: SELLERS[0]!.id, status: 'verified' })
  expect(await count(`product.product WHERE jsonb_array_length(images) <> 1`)).toBe(0)
})
