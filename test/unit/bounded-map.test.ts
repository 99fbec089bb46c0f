import { expect, test } from '@jest/globals'
import { BoundedMap } from '../../mixins/primitives/bounded-map.ts'

const keysOf = <K>(map: BoundedMap<K, unknown>): K[] => [...map.entries()].map(([key]) => key)

test('the entry that was set longest ago gives way', () => {
  const map = new BoundedMap<string, number>(3)
  for (const [i, key] of ['a', 'b', 'c', 'a', 'd'].entries()) map.set(key, i)
  expect(keysOf(map)).toEqual(['c', 'a', 'd'])
  expect([map.get('a'), map.get('b')]).toEqual([3, undefined])
})

test('whatever was set, deleted and cleared before, it holds the newest', () => {
  const map = new BoundedMap<number, number>(50)
  let kept: number[] = []
  for (let i = 0; i < 20_000; i++) {
    const key = (i * 7_919) % 331
    kept = kept.filter((other) => other !== key)
    if (i % 5 === 0) map.delete(key)
    else {
      map.set(key, i)
      kept = [...kept, key].slice(-50)
    }
    if (i % 4_999 === 0) {
      map.clear()
      kept = []
    }
  }
  expect(keysOf(map)).toEqual(kept)
})
