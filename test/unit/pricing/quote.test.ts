import { describe, expect, test } from '@jest/globals'
import { money } from '../../../mixins/primitives/money.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import type { Quote, QuotedLine } from '../../../services/pricing/pricing.contract.ts'
import { quote, worthRefusal, type Coupon, type QuoteRequest } from '../../../services/pricing/pricing.ts'

const coupon = (reduction: Partial<Coupon>): Coupon => ({
  code: 'SOUK10', percent: null, amount: null, minSubtotal: null, usesPerBuyer: null, usesTotal: null, validUntil: null, uses: 0, createdAt: '2026-01-01T00:00:00Z', ...reduction
})
const line = (fields: Partial<QuotedLine> = {}): QuotedLine => ({ offerId: 'o1', productId: 'p1', sellerId: 's1', category: 'lamps', quantity: 1, unitPrice: money(1_000), ...fields })
const request = (fields: Partial<QuoteRequest> = {}): QuoteRequest => ({
  lines: [line()], destination: { country: 'US', region: 'WA', postalCode: '98101' }, shippingMethod: 'standard', prime: false, coupon: null, ...fields
})

const whole = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
const KINDS = ['subtotal', 'discount', 'shipping', 'tax', 'total'] as const

/** Everything a quote promises of its numbers. */
function expectExact(q: Quote): void {
  for (const t of [q.totals, ...q.sellers]) {
    expect(t.total.amount).toBe(t.subtotal.amount - t.discount.amount + t.shipping.amount + t.tax.amount)
    for (const kind of KINDS) expect(whole(t[kind].amount)).toBe(true)
  }
  for (const kind of KINDS) expect(q.totals[kind].amount).toBe(q.sellers.reduce((sum, s) => sum + s[kind].amount, 0))
  for (const seller of q.sellers) {
    const lines = q.lines.filter((l) => l.sellerId === seller.sellerId)
    expect(seller.subtotal.amount).toBe(lines.reduce((sum, l) => sum + l.lineTotal.amount, 0))
    expect(seller.discount.amount).toBe(lines.reduce((sum, l) => sum + l.discount.amount, 0))
    expect(seller.tax.amount).toBe(lines.reduce((sum, l) => sum + l.tax.amount, 0))
  }
  for (const l of q.lines) {
    expect(l.lineTotal.amount).toBe(l.unitPrice.amount * l.quantity)
    expect(l.discount.amount).toBeLessThanOrEqual(l.lineTotal.amount)
  }
}

const random = (max: number): number => Math.floor(Math.random() * max)

describe('a quote', () => {
  test('is exact to the unit, whatever is bought', async () => {
    for (let round = 0; round < 300; round++) {
      const lines = Array.from({ length: 1 + random(20) }, (_, i) =>
        line({ offerId: `o${i}`, sellerId: `s${random(4)}`, quantity: 1 + random(999), unitPrice: money(1 + random(10 ** (1 + random(9)))) })
      )
      const reduction = [null, coupon({ percent: 1 + random(100) }), coupon({ amount: money(1 + random(1_000_000)) })][random(3)]!
      const q = await quote(request({ lines, coupon: reduction, prime: random(2) === 1, shippingMethod: ['standard', 'express'][random(2)]!, destination: { country: ['US', 'DE'][random(2)]!, region: ['WA', 'New York', 'Bavaria'][random(3)]!, postalCode: '' } }))
      expectExact(q)
      expect(q.lines.map((l) => l.offerId)).toEqual(lines.map((l) => l.offerId))
    }
  })

  test('a percentage is taken of the whole and spread over the lines', async () => {
    const q = await quote(request({ lines: [line({ unitPrice: money(333) }), line({ offerId: 'o2', unitPrice: money(333) }), line({ offerId: 'o3', unitPrice: money(334) })], coupon: coupon({ percent: 10 }) }))
    expect(q.totals.discount).toEqual(money(100))
    expect(q.lines.map((l) => l.discount.amount)).toEqual([33, 33, 34])
  })

  test('an amount never takes off more than the goods are worth', async () => {
    const q = await quote(request({ coupon: coupon({ amount: money(5_000) }) }))
    expect(q.totals.discount).toEqual(money(1_000))
    expect(q.totals.tax).toEqual(money(0))
    expect(q.totals.total).toEqual(q.totals.shipping)
  })

  test('tax is of the destination, on what is paid for the goods', async () => {
    const taxIn = async (country: string, region: string, c: Coupon | null = null): Promise<number> => (await quote(request({ coupon: c, destination: { country, region, postalCode: '' } }))).totals.tax.amount
    expect(await taxIn('US', 'WA')).toBe(65)
    expect(await taxIn('us', 'washington ')).toBe(65)
    expect(await taxIn('US', 'OR')).toBe(0)
    expect(await taxIn('US', 'nowhere')).toBe(73)
    expect(await taxIn('DE', 'Bavaria')).toBe(200)
    expect(await taxIn('US', 'WA', coupon({ percent: 50 }))).toBe(33)
  })

  test('each seller sends a parcel; standard is free with Prime and for a parcel worth 35 dollars', async () => {
    const lines = [line(), line({ offerId: 'o2', quantity: 2 }), line({ offerId: 'o3', sellerId: 's2', unitPrice: money(3_500), handlingDays: 3 })]
    const q = await quote(request({ lines }))
    expect(q.sellers.map((s) => [s.sellerId, s.shipping.amount, s.estimatedDays])).toEqual([['s1', 599, 6], ['s2', 0, 8]])
    expect(q.shippingOptions).toEqual([{ method: 'standard', price: money(599), estimatedDays: 8 }, { method: 'express', price: money(1_699 + 1_499), estimatedDays: 5 }])
    const prime = await quote(request({ lines, prime: true }))
    expect(prime.totals.shipping).toEqual(money(0))
    expect((await quote(request({ lines, prime: true, shippingMethod: 'express' }))).totals.shipping).toEqual(money(3_198))
  })

  test('refuses an unknown method, and lines of two currencies', async () => {
    const refusal = async (fields: Partial<QuoteRequest>): Promise<unknown> => quote(request(fields)).then(() => null, (e: unknown) => e)
    const unknown = await refusal({ shippingMethod: 'owl' })
    expect(problemType(unknown)).toBe('validation-failed')
    expect(unknown).toMatchObject({ data: { errors: [{ field: 'shippingMethod' }] } })
    expect(await refusal({ lines: [line(), line({ unitPrice: money(1, 'EUR') })] })).toMatchObject({ data: { errors: [{ field: 'lines[1].unitPrice', code: 'currency' }] } })
    expect(problemType(await refusal({ lines: [line({ unitPrice: money(1, 'EUR') })] }))).toBe('validation-failed')
  })

  test('a coupon may ask for goods of a worth, in its own currency', () => {
    const ten = coupon({ percent: 10, minSubtotal: money(1_000) })
    expect(worthRefusal(ten, money(999))).toBe('below-minimum')
    expect(worthRefusal(ten, money(1_000))).toBe(null)
    expect(worthRefusal(coupon({ amount: money(5) }), money(1_000, 'EUR'))).toBe('currency')
  })
})
