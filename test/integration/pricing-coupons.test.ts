import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { money } from '../../mixins/primitives/money.ts'
import { problemType } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { startShop, type Shop } from '../support/shop.ts'

describe('coupons', () => {
  let shop: Shop
  let made = 0

  beforeAll(async () => {
    shop = await startShop(['pricing.worker'])
  })
  afterAll(async () => {
    await shop.stop()
  })

  const create = async (fields: object): Promise<string> => (await call(shop.broker, 'pricing.worker.createCoupon', { code: `code-${++made}`, percent: 10, ...fields })).code
  const take = (code: string, orderId: string, buyerId: string) => call(shop.broker, 'pricing.worker.takeCoupon', { code, orderId, buyerId })
  const undo = (orderId: string) => call(shop.broker, 'pricing.worker.undoCoupon', { orderId })
  const usesOf = async (code: string): Promise<number> => (await shop.databases.query<{ uses: number }>('SELECT uses FROM pricing.coupon WHERE code = $1', [code]))[0]!.uses
  const quoted = (buyerId: string, coupon: string) =>
    call(shop.broker, 'pricing.worker.quote', {
      buyerId, coupon, prime: false, shippingMethod: 'standard', address: { country: 'US', region: 'OR', postalCode: '97201' },
      lines: [{ offerId: 'o1', productId: 'p1', sellerId: 's1', category: 'lamps', quantity: 2, unitPrice: money(1_000) }]
    })
  const refusal = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, (error: unknown) => error)

  test('fifty takes at once never pass a total of seven', async () => {
    const code = await create({ usesTotal: 7 })
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => take(code, `total-${i}`, `buyer-${i}`)))
    expect(outcomes.filter((o) => o.outcome === 'taken')).toHaveLength(7)
    expect(outcomes.filter((o) => o.reason === 'exhausted')).toHaveLength(43)
    expect(await usesOf(code)).toBe(7)
  })

  test('fifty takes of one buyer at once give one use', async () => {
    const code = await create({ usesPerBuyer: 1 })
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => take(code, `once-${i}`, 'greedy')))
    expect(outcomes.filter((o) => o.outcome === 'taken')).toHaveLength(1)
    expect((await take(code, 'once-other', 'modest')).outcome).toBe('taken')
  })

  test('an order uses a coupon once however often it asks', async () => {
    const code = await create({ usesTotal: 5 })
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => take(code, 'same-order', 'b1')))
    expect(outcomes.every((o) => o.outcome === 'taken')).toBe(true)
    expect(await usesOf(code)).toBe(1)
  })

  test('an undo gives the use back, and refuses a take that arrives after it', async () => {
    const code = await create({ usesTotal: 1, usesPerBuyer: 1 })
    await take(code, 'undo-1', 'b1')
    expect((await take(code, 'undo-2', 'b2')).reason).toBe('exhausted')
    await Promise.all([undo('undo-1'), undo('undo-1'), undo('undo-1')])
    expect(await usesOf(code)).toBe(0)
    expect((await take(code, 'undo-1', 'b1')).reason).toBe('undone')
    await undo('undo-3')
    expect((await take(code, 'undo-3', 'b3')).reason).toBe('undone')
    expect((await take(code, 'undo-4', 'b1')).outcome).toBe('taken')
  })

  test('a take and its undo at once leave no use behind, and the counter true', async () => {
    const code = await create({})
    const ids = Array.from({ length: 40 }, (_, i) => `race-${i}`)
    await Promise.all(ids.flatMap((id) => [take(code, id, 'b1'), undo(id)]))
    const standing = await shop.databases.query(`SELECT 1 FROM pricing.coupon_use WHERE order_id LIKE 'race-%' AND n IS NOT NULL`)
    expect(standing).toHaveLength(0)
    expect(await usesOf(code)).toBe(0)
  })

  test('the store itself refuses one use too many, whoever writes it', async () => {
    const code = await create({ usesTotal: 1, usesPerBuyer: 1 })
    await take(code, 'guard-1', 'b1')
    const write = (order: string, n: number) => shop.databases.query('INSERT INTO pricing.coupon_use (order_id, code, buyer_id, n, uses_per_buyer) VALUES ($1, $2, $3, $4, 1)', [order, code, 'b1', n])
    const count = () => shop.databases.query('UPDATE pricing.coupon SET uses = uses + 1 WHERE code = $1', [code])
    await expect(write('guard-2', 1)).rejects.toThrow('coupon_use_once')
    await expect(write('guard-2', 2)).rejects.toThrow('coupon_use_within_limit')
    await expect(count()).rejects.toThrow('coupon_within_total')
    // Without the constraints nothing would stop the same writes: they are what holds.
    await shop.databases.query('ALTER TABLE pricing.coupon_use DROP CONSTRAINT coupon_use_within_limit; ALTER TABLE pricing.coupon DROP CONSTRAINT coupon_within_total')
    await write('guard-2', 2)
    await count()
    expect(await usesOf(code)).toBe(2)
  })

  test('a quote says why a coupon does not apply', async () => {
    const code = await create({ usesPerBuyer: 1, minSubtotal: money(1_500) })
    expect((await quoted('q1', code.toLowerCase())).totals.discount).toEqual(money(200))
    await take(code, 'quote-1', 'q1')
    const reason = async (buyerId: string, c: string): Promise<unknown> => ((await refusal(quoted(buyerId, c))) as { data: { errors: { code: string }[] } }).data.errors[0]!.code
    expect(await reason('q1', code)).toBe('used')
    expect(await reason('q2', 'none-such')).toBe('unknown')
    expect(await reason('q2', await create({ validUntil: '2020-01-01T00:00:00Z' }))).toBe('expired')
    expect(await reason('q2', await create({ minSubtotal: money(2_001) }))).toBe('below-minimum')
  })

  test('a code is taken once, and takes off a percentage or an amount', async () => {
    await create({ code: 'Twice' })
    expect(problemType(await refusal(create({ code: 'TWICE' })))).toBe('conflict')
    expect(problemType(await refusal(create({ amount: money(100) })))).toBe('validation-failed')
    expect(problemType(await refusal(create({ validUntil: '2026-13-01T00:00:00Z' })))).toBe('validation-failed')
    const page = await call(shop.broker, 'pricing.worker.listCoupons', { limit: 2 })
    const next = await call(shop.broker, 'pricing.worker.listCoupons', { limit: 2, cursor: page.nextCursor! })
    expect(page.items[1]!.code < next.items[0]!.code).toBe(true)
  })
})
