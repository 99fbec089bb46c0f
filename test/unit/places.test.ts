import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { Places } from '../../mixins/primitives/places.ts'

/** Work that ends when told, and notes when it began. */
function works(count: number) {
  const begun: number[] = []
  const ends = Array.from({ length: count }, () => Promise.withResolvers<void>())
  const work = (i: number) => (): Promise<void> => {
    begun.push(i)
    return ends[i]!.promise
  }
  return { begun, ends, work }
}

test('so many run at once, the others in the order they came; one that fails makes room too', async () => {
  const places = new Places(2)
  const { begun, ends, work } = works(4)
  const runs = [0, 1, 2, 3].map((i) => places.run(work(i)))
  expect(begun).toEqual([0, 1])
  ends[1]!.reject(new Error('broken'))
  await expect(runs[1]).rejects.toThrow('broken')
  expect(begun).toEqual([0, 1, 2])
  for (const i of [0, 2, 3]) ends[i]!.resolve()
  await Promise.all([runs[0], runs[2], runs[3]])
  expect(begun).toEqual([0, 1, 2, 3])
})

test('one too many to wait is refused, and takes nobody\'s place', async () => {
  const places = new Places(1, { waitingMax: 1, full: () => new Error('full') })
  const { begun, ends, work } = works(3)
  const runs = [0, 1].map((i) => places.run(work(i)))
  await expect(places.run(work(2))).rejects.toThrow('full')
  for (const end of ends) end.resolve()
  await Promise.all(runs)
  expect(begun).toEqual([0, 1])
})

test('who has waited too long is refused when the turn comes, and the next one has it', async () => {
  const places = new Places(1, { patienceMs: 50, full: () => new Error('full') })
  const { begun, ends, work } = works(3)
  const runs = [0, 1].map((i) => places.run(work(i)))
  await sleep(80)
  runs.push(places.run(work(2)))
  ends[0]!.resolve()
  await expect(runs[1]).rejects.toThrow('full')
  ends[2]!.resolve()
  await Promise.all([runs[0], runs[2]])
  expect(begun).toEqual([0, 2])
})
