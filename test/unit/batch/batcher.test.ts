import { expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { Batcher } from '../../../mixins/batch/batcher.ts'

/** A batcher whose batches end when they are told to. */
function held(options: { inFlight: number; beside?: number }) {
  const batches: { size: number; end: () => void }[] = []
  const batcher = new Batcher<number, number>(
    (items) => new Promise((resolve) => batches.push({ size: items.length, end: () => resolve(items) })),
    { max: 64, ...options }
  )
  const add = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) void batcher.add(i)
    await turn()
    await turn()
  }
  return { batches, add, sizes: () => batches.map(({ size }) => size) }
}

test('what comes while all batches are under way goes as one', async () => {
  const { batches, add, sizes } = held({ inFlight: 2, beside: 1 })
  for (const count of [1, 2, 3, 4]) await add(count)
  expect(sizes()).toEqual([1, 2])
  batches[0]!.end()
  await add(0)
  expect(sizes()).toEqual([1, 2, 7])
})

test('a batch goes beside another only when enough wait, and at once when it is alone', async () => {
  const { batches, add, sizes } = held({ inFlight: 2, beside: 5 })
  await add(1)
  await add(4)
  expect(sizes()).toEqual([1])
  await add(1)
  expect(sizes()).toEqual([1, 5])
  await add(3)
  batches[0]!.end()
  await add(0)
  expect(sizes()).toEqual([1, 5])
  batches[1]!.end()
  await add(0)
  expect(sizes()).toEqual([1, 5, 3])
})
