import { expect, test } from '@jest/globals'
import { findTaken, remember, type CallTag } from '../../../mixins/actor/operations.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import type { TakenOperation } from '../../../mixins/actor/types.ts'

const tag = (by: string, n: number, low = n): CallTag => ({ by, n, low, deadline: 0 })
const NOW = 1_700_000_000_000

test('a call that was taken is found with its answer, a new one is not', () => {
  const ring = remember([], tag('a', 7, 5), 0, { total: 3 }, NOW)
  expect(findTaken(ring, tag('a', 7, 5), 0)).toMatchObject({ answer: { total: 3 } })
  expect(findTaken(ring, tag('a', 6, 5), 0)).toBeNull()
  expect(findTaken(ring, tag('a', 8), 0)).toBeNull()
  expect(findTaken(ring, tag('b', 7), 0)).toBeNull()
})

test('turns of one call are told apart', () => {
  const ring = remember(remember([], tag('a', 1), 0, 'first', NOW), tag('a', 1), 1, 'second', NOW)
  expect([0, 1, 2].map((turn) => findTaken(ring, tag('a', 1), turn))).toMatchObject([{ answer: 'first' }, { answer: 'second' }, null])
})

test('a caller that waits for nothing older leaves one entry, and a late copy of an older call is known as settled', () => {
  let ring: TakenOperation[] = []
  for (let n = 1; n <= 50; n++) ring = remember(ring, tag('a', n), 0, n, NOW + n)
  expect(ring).toHaveLength(1)
  expect(findTaken(ring, tag('a', 49), 0)).toBe('settled')
  expect(findTaken(ring, tag('a', 12, 3), 0)).toBe('settled')
})

test('a call that is still open keeps its entry, whatever its caller does beside it', () => {
  let ring = remember([], tag('a', 1), 0, 'one', NOW)
  for (let n = 2; n <= 9; n++) ring = remember(ring, tag('a', n, 1), 0, n, NOW)
  expect(findTaken(ring, tag('a', 1), 0)).toMatchObject({ answer: 'one' })
  expect(remember(ring, tag('a', 10), 0, 10, NOW)).toHaveLength(1)
})

test('entries go after ten minutes', () => {
  const ring = remember([], tag('old', 1), 0, 1, NOW - 10 * 60_000)
  expect(remember(ring, tag('new', 1), 0, 1, NOW).map((t) => t.by)).toEqual(['new'])
  expect(remember(ring, tag('new', 1), 0, 1, NOW - 1).map((t) => t.by)).toEqual(['old', 'new'])
})

test('a full ring gives up what is older than any deadline, and else refuses rather than forget', () => {
  let ring: TakenOperation[] = []
  for (let i = 0; i < 256; i++) ring = remember(ring, tag(`caller-${i}`, 1), 0, i, i < 10 ? NOW - 4 * 60_000 : NOW)
  ring = remember(ring, tag('one more', 1), 0, 1, NOW)
  expect(ring).toHaveLength(247)
  for (let i = 0; i < 9; i++) ring = remember(ring, tag(`further-${i}`, 1), 0, i, NOW)
  let refusal: unknown
  try {
    remember(ring, tag('too many', 1), 0, 1, NOW)
  } catch (error) {
    refusal = error
  }
  expect(problemType(refusal)).toBe('overloaded')
})
