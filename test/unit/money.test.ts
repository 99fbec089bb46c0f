import { describe, expect, test } from '@jest/globals'
import { money, portion, prorate, sum } from '../../mixins/primitives/money.ts'

describe('money', () => {
  test('adds one currency only', () => {
    expect(sum([money(1), money(2)])).toEqual(money(3))
    expect(() => sum([money(1, 'USD'), money(1, 'EUR')])).toThrow(RangeError)
  })

  test('rounds a portion half up', () => {
    expect(portion(999, 1_000)).toBe(100)
    expect(portion(5, 1_000)).toBe(1)
    expect(portion(4, 1_000)).toBe(0)
  })

  test('prorates exactly, whatever the weights', () => {
    for (const [amount, weights] of [[100, [1, 1, 1]], [1, [5, 5]], [7, [0, 0]], [1_000, [333, 333, 334]], [10, [1, 0, 2]]] as const) {
      const parts = prorate(amount, weights)
      expect(parts.reduce((a, b) => a + b, 0)).toBe(amount)
      parts.forEach((p, i) => expect(Math.abs(p - (amount * (weights[i] ?? 0)) / (weights.reduce<number>((a, b) => a + b, 0) || 1))).toBeLessThanOrEqual(weights.some(Boolean) ? 1 : amount))
    }
  })

  test('stays exact where products leave the safe integers', () => {
    expect(portion(99_900_000_000_001, 10_000)).toBe(99_900_000_000_001)
    for (let round = 0; round < 100; round++) {
      const weights = Array.from({ length: 1 + Math.floor(Math.random() * 100) }, () => Math.floor(Math.random() * 1e12))
      const total = weights.reduce((a, b) => a + b, 0)
      const amount = Math.floor(Math.random() * total)
      const parts = prorate(amount, weights)
      expect(parts.reduce((a, b) => a + b, 0)).toBe(amount)
      parts.forEach((part, i) => {
        const floor = total === 0 ? 0 : Number((BigInt(amount) * BigInt(weights[i]!)) / BigInt(total))
        expect(part - floor === 0 || part - floor === 1).toBe(true)
      })
    }
  })
})
