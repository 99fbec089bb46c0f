import { describe, expect, test } from '@jest/globals'
import { decideTakes, type Take } from '../../../services/pricing/coupon-takes.ts'
import type { CouponUse } from '../../../services/pricing/pricing.store.ts'
import type { Coupon } from '../../../services/pricing/pricing.ts'

const coupon = (fields: Partial<Coupon> = {}): Coupon => ({
  code: 'TEN', percent: 10, amount: null, minSubtotal: null, usesPerBuyer: null, usesTotal: null, validUntil: null, uses: 0, createdAt: '2026-01-01T00:00:00Z', ...fields
})
const take = (orderId: string, buyerId = 'b1', code = 'TEN'): Take => ({ orderId, buyerId, code })
const decide = (takes: Take[], c: Coupon, uses: CouponUse[] = [], now = 0) => decideTakes(takes, new Map([[c.code, c]]), uses, now)
const reasons = (d: ReturnType<typeof decide>): string[] => d.outcomes.map((o) => (o.outcome === 'taken' ? 'taken' : o.reason))

describe('takes of a coupon', () => {
  test('stop at its total, in the order in which they came', () => {
    expect(reasons(decide([take('1'), take('2', 'b2'), take('3', 'b3')], coupon({ usesTotal: 5, uses: 3 })))).toEqual(['taken', 'taken', 'exhausted'])
  })

  test('stop at a buyer\'s limit, others go on', () => {
    const d = decide([take('1'), take('2'), take('3', 'b2')], coupon({ usesPerBuyer: 1 }))
    expect(reasons(d)).toEqual(['taken', 'used', 'taken'])
    expect(d.uses.map((u) => [u.orderId, u.n])).toEqual([['1', 1], ['3', 1]])
  })

  test('an order keeps its use, and one that was undone gets none', () => {
    const uses: CouponUse[] = [{ orderId: '1', code: 'TEN', buyerId: 'b1', n: 1 }, { orderId: '2', code: null, buyerId: null, n: null }]
    const d = decide([take('1'), take('2'), take('9'), take('9')], coupon({ usesPerBuyer: 2 }), uses)
    expect(reasons(d)).toEqual(['taken', 'undone', 'taken', 'taken'])
    expect(d.uses).toHaveLength(1)
  })

  test('a number that an undo freed is used again', () => {
    const uses: CouponUse[] = [{ orderId: '1', code: 'TEN', buyerId: 'b1', n: null }, { orderId: '2', code: 'TEN', buyerId: 'b1', n: 2 }]
    expect(decide([take('3')], coupon({ usesPerBuyer: 2 }), uses).uses[0]).toMatchObject({ n: 1 })
  })

  test('an unknown or expired coupon is refused', () => {
    expect(reasons(decide([take('1', 'b1', 'NONE')], coupon()))).toEqual(['unknown'])
    expect(reasons(decide([take('1')], coupon({ validUntil: '2026-01-01T00:00:00Z' }), [], Date.parse('2026-01-01T00:00:00Z')))).toEqual(['expired'])
  })
})
