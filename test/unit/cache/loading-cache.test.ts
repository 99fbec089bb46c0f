import { describe, expect, jest, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { LoadingCache } from '../../../mixins/cache/loading-cache.ts'

interface Value {
  n: number
}

/** A slower place whose answers are given by hand. */
function source() {
  const loads: { keys: string[]; answer: (n: number) => void; fail: () => void }[] = []
  const load = (keys: string[]): Promise<Map<string, Value>> =>
    new Promise((resolve, reject) => loads.push({ keys, answer: (n) => resolve(new Map(keys.filter((k) => k !== 'absent').map((k) => [k, { n }]))), fail: () => reject(new Error('down')) }))
  return { loads, cache: new LoadingCache<Value>(load, { ttlMs: 5_000, max: 3, maxWaiting: 10, full: () => new Error('full') }) }
}

describe('a loading cache', () => {
  test('keys of one turn are loaded together, each once however many ask', async () => {
    const { loads, cache } = source()
    const asked = Promise.all(['a', 'b', 'a', 'a'].map(async (key) => cache.get(key)))
    await turn()
    await turn()
    const late = Promise.resolve(cache.get('a'))
    loads[0]!.answer(1)
    expect((await asked).map((v) => v?.n)).toEqual([1, 1, 1, 1])
    expect(await late).toEqual({ n: 1 })
    expect(await cache.get('a')).toEqual({ n: 1 })
    expect(loads.map((l) => l.keys)).toEqual([['a', 'b']])
  })

  test('what was read before a drop answers those who waited, and nobody after', async () => {
    const { loads, cache } = source()
    const before = Promise.resolve(cache.get('a'))
    await turn()
    await turn()
    cache.drop(['a'])
    const after = Promise.resolve(cache.get('a'))
    await turn()
    await turn()
    loads[0]!.answer(1)
    expect(await before).toEqual({ n: 1 })
    loads[1]!.answer(2)
    expect(await after).toEqual({ n: 2 })
    expect(await cache.get('a')).toEqual({ n: 2 })
    cache.clear()
    void cache.get('a')
    await turn()
    await turn()
    expect(loads).toHaveLength(3)
  })

  test('failures and absences are not kept', async () => {
    const { loads, cache } = source()
    const failed = Promise.resolve(cache.get('a'))
    await turn()
    await turn()
    loads[0]!.fail()
    await expect(failed).rejects.toThrow('down')
    for (const n of [1, 2]) {
      const absent = Promise.resolve(cache.get('absent'))
      await turn()
      await turn()
      loads[n]!.answer(n)
      expect(await absent).toBeUndefined()
    }
  })

  test('a value is served for its time, and the oldest goes when there are too many', async () => {
    const { loads, cache } = source()
    const now = jest.spyOn(performance, 'now').mockReturnValue(0)
    const all = Promise.all(['a', 'b', 'c', 'd'].map(async (key) => cache.get(key)))
    await turn()
    await turn()
    loads[0]!.answer(1)
    await all
    expect([...cache.values].map(([key]) => key)).toEqual(['b', 'c', 'd'])
    now.mockReturnValue(4_999)
    expect(await cache.get('d')).toEqual({ n: 1 })
    now.mockReturnValue(5_000)
    void cache.get('d')
    await turn()
    await turn()
    expect(loads).toHaveLength(2)
    now.mockRestore()
  })

  test('it is bounded: who would wait too long a queue is refused', async () => {
    const { cache } = source()
    const outcomes = await Promise.race([Promise.allSettled(Array.from({ length: 12 }, async (_, i) => cache.get(`k${i}`)).slice(10)), turn(null)])
    expect(outcomes).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
  })
})
