import { describe, expect, test } from '@jest/globals'
import { countCart, sumOf } from '../../chaos/cart-count.ts'

const added = (...list: [string, number][]) => list.map(([offerId, at]) => ({ offerId, at }))
const there = (quantities: Record<string, number>) => new Map(Object.entries(quantities))

describe('what is there of what was acknowledged', () => {
  const five = added(['a', 100], ['b', 200], ['a', 300], ['b', 400], ['c', 9_000])

  test('all of it', () => {
    expect(countCart(five, there({ a: 2, b: 2, c: 1 }), 500)).toEqual({ acknowledged: 5, lost: 0, doubled: 0, lostWithinMs: 0, torn: 0 })
  })

  test('all but the last before an engine ended: the cart went back in time and on from there', () => {
    expect(countCart(five, there({ a: 1, b: 1, c: 1 }), 500)).toEqual({ acknowledged: 5, lost: 2, doubled: 0, lostWithinMs: 200, torn: 0 })
  })

  test('an answer that was under way when the engine ended counts as before', () => {
    expect(countCart(added(['a', 100], ['b', 700]), there({ a: 1 }), 500)).toMatchObject({ lost: 1, lostWithinMs: 0, torn: 0 })
  })

  test('something from the middle', () => {
    expect(countCart(five, there({ a: 1, b: 2, c: 1 }), 500)).toMatchObject({ lost: 1, torn: 1 })
  })

  test('something that was acknowledged after the engine had ended', () => {
    expect(countCart(five, there({ a: 2, b: 2 }), 500)).toMatchObject({ lost: 1, torn: 1 })
  })

  test('something though no engine ended', () => {
    expect(countCart(five, there({ a: 2, b: 1, c: 1 }), null)).toMatchObject({ lost: 1, torn: 1 })
  })

  test('something twice, and what nobody added', () => {
    expect(countCart(five, there({ a: 3, b: 2, c: 1, d: 1 }), null)).toMatchObject({ lost: 0, doubled: 2 })
  })

  test('of several carts', () => {
    const sum = sumOf([countCart(five, there({ a: 2, b: 1, c: 1 }), 500), countCart(five, there({ a: 1, b: 1, c: 2 }), 500)])
    expect(sum).toEqual({ acknowledged: 10, lost: 3, doubled: 1, lostWithinMs: 200, torn: 0 })
  })
})
