import { describe, expect, test } from '@jest/globals'
import { money } from '../../../mixins/primitives/money.ts'
import { balances, entriesOf, less, partsOf, shareOfGoods, take, takeFrom, total, type Part } from '../../../services/payment/ledger.ts'
import type { Split } from '../../../services/payment/payment.contract.ts'

const split = (sellerId: string, subtotal: number, discount: number, shipping: number, tax: number): Split => ({
  sellerId,
  subtotal: money(subtotal),
  discount: money(discount),
  shipping: money(shipping),
  tax: money(tax),
  total: money(subtotal - discount + shipping + tax)
})
/** A small generator of repeatable numbers (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('a payment split into sellers, fees and held tax', () => {
  test('the commission is a tenth of the goods after discount; shipping is the seller’s, tax is held', () => {
    expect(partsOf([split('a', 10_000, 1_000, 500, 800)])).toEqual([{ sellerId: 'a', seller: 8_600, fee: 900, held: 800 }])
    expect(partsOf([split('a', 5, 0, 0, 0)])[0]).toMatchObject({ seller: 4, fee: 1 }) // half up
    expect(partsOf([split('a', 999, 0, 0, 0)], shareOfGoods(250))[0]).toMatchObject({ seller: 974, fee: 25 })
  })

  test('parts are the total, to the cent, whatever the amounts', () => {
    const next = numbers(1)
    for (let i = 0; i < 500; i++) {
      const splits = Array.from({ length: 1 + Math.floor(next() * 5) }, (_, n) => {
        const subtotal = Math.floor(next() * 100_000)
        return split(`s${n}`, subtotal, Math.floor(next() * subtotal), Math.floor(next() * 2_000), Math.floor(next() * 9_000))
      })
      const parts = partsOf(splits)
      expect(total(parts)).toBe(splits.reduce((n, s) => n + s.total.amount, 0))
      expect(parts.every((p) => p.seller >= 0 && p.fee >= 0 && p.held >= 0)).toBe(true)
    }
  })
})

describe('taking a refund out of the parts', () => {
  const parts: Part[] = [
    { sellerId: 'a', seller: 8_601, fee: 900, held: 801 },
    { sellerId: 'b', seller: 100, fee: 10, held: 0 }
  ]

  test('any sequence of refunds leaves exactly nothing, and never less than nothing on the way', () => {
    const next = numbers(7)
    for (let round = 0; round < 200; round++) {
      let left: readonly Part[] = parts
      while (total(left) > 0) {
        const amount = Math.min(total(left), 1 + Math.floor(next() * 3_000))
        const taken = take(left, amount)!
        expect(total(taken)).toBe(amount)
        left = less(left, taken)
        expect(left.every((p) => p.seller >= 0 && p.fee >= 0 && p.held >= 0)).toBe(true)
      }
      expect(left.every((p) => p.seller === 0 && p.fee === 0 && p.held === 0)).toBe(true)
    }
  })

  test('more than is left is not taken', () => {
    expect(take(parts, total(parts) + 1)).toBeNull()
    expect(take(parts, total(parts))).toEqual(parts)
  })

  test('a seller’s refund comes out of that seller’s part alone', () => {
    expect(takeFrom(parts, [{ sellerId: 'b', amount: 110 }])).toEqual([parts[1]])
    expect(takeFrom(parts, [{ sellerId: 'b', amount: 111 }])).toBeNull()
    expect(takeFrom(parts, [{ sellerId: 'b', amount: 100 }, { sellerId: 'b', amount: 11 }])).toBeNull()
    expect(takeFrom(parts, [{ sellerId: 'nobody', amount: 1 }])).toBeNull()
  })

  test('the ledger is the sum of what came in and went back', () => {
    const back = take(parts, 5_000)!
    const ledger = [...entriesOf('capture', parts, 1), ...entriesOf('refund', back, -1)]
    const { sellers, fees, held } = balances(ledger)
    expect(sellers + fees + held).toBe(total(parts) - 5_000)
    expect(ledger.every((e) => e.amount !== 0)).toBe(true)
  })
})
