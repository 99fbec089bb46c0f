import { expect, test } from '@jest/globals'
import { Rounds, type RoundOptions } from '../../../mixins/analytics/rounds.ts'

/** Far longer than a test: what does not wait for it has not waited at all. */
const LONG_MS = 600_000

/** Rounds of numbers, each as large as it says, with what was written in each. */
function rounds(options: Partial<RoundOptions<number>> = {}): { rounds: Rounds<number>; written: number[][] } {
  const written: number[][] = []
  const write = async (parts: readonly number[]): Promise<(void | Error)[]> => {
    written.push([...parts])
    return parts.map(() => {})
  }
  return { rounds: new Rounds({ write, sizeOf: (n) => n, pauseMs: LONG_MS, enough: 10, ...options }), written }
}

test('what comes together is one round, the first without a wait', async () => {
  const { rounds: all, written } = rounds()
  await Promise.all([all.add(1), all.add(2)])
  expect(written).toEqual([[1, 2]])
})

test('what comes behind a round waits until enough has come', async () => {
  const { rounds: all, written } = rounds()
  await all.add(1)
  const waiting = [all.add(4), all.add(5)]
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(written).toEqual([[1]])
  await Promise.all([...waiting, all.add(1)])
  expect(written).toEqual([[1], [4, 5, 1]])
})

test('a small round goes when the pause is over', async () => {
  const { rounds: all, written } = rounds({ pauseMs: 5 })
  await all.add(1)
  await all.add(2)
  await all.add(3)
  expect(written).toEqual([[1], [2], [3]])
})

test('enough that comes while a round is written goes at once behind it', async () => {
  const { rounds: all, written } = rounds()
  const first = all.add(1)
  await new Promise((resolve) => setImmediate(resolve))
  await Promise.all([first, all.add(6), all.add(5)])
  expect(written).toEqual([[1], [6, 5]])
})

test('one round at a time', async () => {
  let underWay = 0
  const { rounds: all } = rounds({
    async write(parts) {
      expect(++underWay).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 2))
      underWay--
      return parts.map(() => {})
    }
  })
  const added = Array.from({ length: 5 }, async (_, i) => {
    await new Promise((resolve) => setTimeout(resolve, i))
    await all.add(20)
  })
  await Promise.all(added)
})

test('a part that fails rejects alone; a round that fails rejects all of its parts, and the next goes on', async () => {
  const outcomes: (() => (void | Error)[])[] = [() => [undefined, new Error('this one')], () => { throw new Error('all') }, () => [undefined]]
  const { rounds: all } = rounds({ write: async () => outcomes.shift()!() })
  const settled = async (...sizes: number[]) => (await Promise.allSettled(sizes.map((n) => all.add(n)))).map((r) => (r.status === 'rejected' ? (r.reason as Error).message : 'written'))
  expect(await settled(1, 2)).toEqual(['written', 'this one'])
  expect(await settled(10, 10)).toEqual(['all', 'all'])
  expect(await settled(10)).toEqual(['written'])
})
