import { describe, expect, test } from '@jest/globals'
import { money } from '../../../mixins/primitives/money.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { CART_LINES_MAX, LINE_MAX, type CartLine } from '../../../services/cart/cart.contract.ts'
import { addLine, changesBetween, claimLines, clearLines, giveBackLines, holdingsOf, mergeLines, removeLine, setLine, takeLines } from '../../../services/cart/cart.ts'

const line = (offerId: string, quantity = 1, price = 1_000): CartLine => ({ offerId, productId: `p-${offerId}`, quantity, unitPrice: money(price) })
const quantities = (lines: readonly CartLine[]): Record<string, number> => Object.fromEntries(lines.map((l) => [l.offerId, l.quantity]))
const refusal = (run: () => unknown): unknown => {
  try {
    run()
    return null
  } catch (error) {
    return { type: problemType(error), field: (error as { data?: { errors?: { field: string }[] } }).data?.errors?.[0]?.field }
  }
}
const full = Array.from({ length: CART_LINES_MAX }, (_, i) => line(`o${i}`))
const random = (max: number): number => Math.floor(Math.random() * max)
const anyCart = (offers = 12): CartLine[] => Array.from({ length: offers }, (_, i) => line(`o${i}`, 1 + random(LINE_MAX))).filter(() => random(2) === 1)

describe('adding to a cart', () => {
  test('makes a line, or lets it grow at the price seen now', () => {
    expect(addLine([line('a', 2)], line('b', 3))).toEqual([line('a', 2), line('b', 3)])
    expect(addLine([line('a', 2, 900), line('b')], line('a', 3, 1_100))).toEqual([line('a', 5, 1_100), line('b')])
  })

  test('refuses more than a line or a cart holds, and clamps nothing', () => {
    expect(quantities(addLine([line('a', LINE_MAX - 1)], line('a')))).toEqual({ a: LINE_MAX })
    expect(refusal(() => addLine([line('a', LINE_MAX)], line('a')))).toEqual({ type: 'validation-failed', field: 'quantity' })
    expect(refusal(() => addLine(full, line('one more')))).toEqual({ type: 'validation-failed', field: 'offerId' })
    expect(addLine(full, line('o0'))).toHaveLength(CART_LINES_MAX)
  })

  test('refuses another currency', () => {
    expect(refusal(() => addLine([line('a')], { ...line('b'), unitPrice: money(1, 'EUR') }))).toEqual({ type: 'validation-failed', field: 'offerId' })
  })
})

describe('changing a cart', () => {
  test('a line that is not there is not found', () => {
    expect(quantities(setLine([line('a')], 'a', 7))).toEqual({ a: 7 })
    expect(refusal(() => setLine([line('a')], 'b', 7))).toMatchObject({ type: 'not-found' })
    expect(refusal(() => setLine([line('a')], 'a', LINE_MAX + 1))).toEqual({ type: 'validation-failed', field: 'quantity' })
    expect(removeLine([line('a'), line('b')], 'a')).toEqual([line('b')])
    expect(refusal(() => removeLine([line('b')], 'a'))).toMatchObject({ type: 'not-found' })
    expect(clearLines([line('a')])).toEqual([])
    expect(refusal(() => clearLines([]))).toMatchObject({ type: 'not-found' })
  })

  test('what changed is told with the quantity it has now', () => {
    expect(changesBetween([line('a'), line('b', 2), line('c')], [line('a'), line('b', 5), line('d')])).toEqual([
      { offerId: 'b', productId: 'p-b', quantity: 5 }, { offerId: 'd', productId: 'p-d', quantity: 1 }, { offerId: 'c', productId: 'p-c', quantity: 0 }
    ])
  })
})

describe('merging a guest\'s cart', () => {
  test('adds quantities up, capped at the bound, and loses nothing that fits', () => {
    for (let round = 0; round < 300; round++) {
      const [mine, guest] = [anyCart(), anyCart()]
      const merged = quantities(mergeLines(mine, guest))
      const [m, g] = [quantities(mine), quantities(guest)]
      expect(new Set(Object.keys(merged))).toEqual(new Set([...Object.keys(m), ...Object.keys(g)]))
      for (const [offer, quantity] of Object.entries(merged)) expect(quantity).toBe(Math.min(LINE_MAX, (m[offer] ?? 0) + (g[offer] ?? 0)))
    }
  })

  test('gives the same quantities whichever of two guests comes first', () => {
    for (let round = 0; round < 300; round++) {
      const [mine, one, two] = [anyCart(), anyCart(), anyCart()]
      expect(quantities(mergeLines(mergeLines(mine, one), two))).toEqual(quantities(mergeLines(mergeLines(mine, two), one)))
    }
  })

  test('keeps the owner\'s lines and prices, and fills up to a hundred', () => {
    const merged = mergeLines(full.slice(1), [line('x', 1), line('y', 1), line('o1', 4, 5)])
    expect(merged).toHaveLength(CART_LINES_MAX)
    expect(merged.at(-1)!.offerId).toBe('x')
    expect(merged[0]).toEqual(line('o1', 5))
    expect(mergeLines([line('a')], [{ ...line('b'), unitPrice: money(1, 'EUR') }])).toEqual([line('a')])
  })

  test('nothing into something, and something into nothing, changes nothing', () => {
    const cart = anyCart()
    expect(mergeLines(cart, [])).toEqual(cart)
    expect(mergeLines([], cart)).toEqual(cart)
  })
})

describe('taking what was ordered', () => {
  test('leaves exactly what was added since', () => {
    for (let round = 0; round < 300; round++) {
      const ordered = anyCart()
      const added = anyCart().map((l) => ({ ...l, quantity: 1 + random(5) }))
      const since = added.reduce<CartLine[]>((cart, l) => (quantities(cart)[l.offerId] ?? 0) + l.quantity > LINE_MAX ? cart : addLine(cart, l), ordered)
      const left = quantities(takeLines(since, ordered))
      const before = quantities(ordered)
      for (const l of since) expect(left[l.offerId] ?? 0).toBe(l.quantity - (before[l.offerId] ?? 0))
    }
  })

  test('a removal, or a smaller quantity, made since stays so', () => {
    expect(takeLines([line('b', 2)], [line('a', 3), line('b', 5)])).toEqual([])
    expect(takeLines([], [line('a')])).toEqual([])
  })
})

describe('a claim', () => {
  const cart = { lines: [line('a', 3), line('b')], claims: [] }
  const wanted = [{ offerId: 'a', quantity: 2 }, { offerId: 'b', quantity: 1 }]
  const claimed = claimLines(cart, 'o1', wanted, 1_000)
  const until = claimed.claims[0]!.until

  test('gives lines to one order: another gets only what is left', () => {
    expect(quantities(claimed.lines)).toEqual({ a: 1 })
    expect(claimLines(claimed, 'o1', wanted, 2_000)).toEqual(claimed)
    expect(refusal(() => claimLines(claimed, 'o2', wanted, 2_000))).toMatchObject({ type: 'conflict' })
    const both = claimLines(claimed, 'o2', [{ offerId: 'a', quantity: 1 }], 2_000)
    expect(both.lines).toEqual([])
    expect(refusal(() => claimLines(both, 'o3', wanted, 2_000))).toMatchObject({ type: 'cart-empty' })
  })

  test('puts them back when it ends without an order, or has lasted too long', () => {
    expect(quantities(giveBackLines(claimed, 'o1').lines)).toEqual({ a: 3, b: 1 })
    expect(giveBackLines(claimed, 'o1').claims).toEqual([])
    expect(giveBackLines(claimed, 'o2')).toEqual(claimed)
    expect(holdingsOf(claimed, until - 1)).toEqual(claimed)
    expect(quantities(holdingsOf(claimed, until).lines)).toEqual({ a: 3, b: 1 })
    expect(quantities(giveBackLines({ ...claimed, lines: addLine(claimed.lines, line('c', 5)) }, 'o1').lines)).toEqual({ a: 3, b: 1, c: 5 })
  })

  test('wants the lines to be there, and has an end', () => {
    expect(refusal(() => claimLines({ lines: [], claims: [] }, 'o1', wanted, 0))).toMatchObject({ type: 'cart-empty' })
    expect(refusal(() => claimLines(cart, 'o1', [{ offerId: 'a', quantity: 4 }], 0))).toMatchObject({ type: 'conflict' })
    expect(refusal(() => claimLines(cart, 'o1', [{ offerId: 'x', quantity: 1 }], 0))).toMatchObject({ type: 'conflict' })
    let many: ReturnType<typeof claimLines> = { lines: [line('a', 50)], claims: [] }
    expect(refusal(() => Array.from({ length: 50 }, (_, i) => (many = claimLines(many, `o${i}`, [{ offerId: 'a', quantity: 1 }], 0))))).toMatchObject({ type: 'conflict' })
  })
})
