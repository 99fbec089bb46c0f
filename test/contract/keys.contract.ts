import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newId } from '../../mixins/primitives/ids.ts'
import type { Json } from '../../mixins/primitives/json.ts'
import type { KeysStore } from '../../mixins/keys/port.ts'
import { until } from '../support/until.ts'

type Closable = KeysStore & { close(): Promise<void> }

/** What every keys engine must keep. `start` gives stores as two nodes would hold them, and the end of both. */
export function keysContract(engine: string, start: () => Promise<{ one: Closable; other: Closable; stop: () => Promise<void> }>): void {
  describe(`keys in ${engine}`, () => {
    let one: Closable
    let other: Closable
    let stop: () => Promise<void>
    beforeAll(async () => ({ one, other, stop } = await start()))
    afterAll(async () => {
      await Promise.all([one.close(), other.close()])
      await stop()
    })
    const fresh = (): string => `test:${newId()}`

    test('answers in the order asked, null where absent, at every node', async () => {
      const [a, b, c] = [fresh(), fresh(), fresh()]
      expect(await one.set(a, { user: 'å', list: [1, null, true] }, 60_000)).toBe(1)
      expect(await other.set(c, 'third', 60_000)).toBe(1)
      expect(await other.get([c, b, a, c])).toEqual([
        { value: 'third', version: 1 },
        null,
        { value: { user: 'å', list: [1, null, true] }, version: 1 },
        { value: 'third', version: 1 }
      ])
      expect(await one.get([])).toEqual([])
    })

    test('keeps any JSON as it is', async () => {
      const values: Json[] = [null, 0, -1.5, '', 'nul \u0000 and \ud800 alone', [], {}, { 'a b': { '': [[]] } }, 'x'.repeat(100_000)]
      for (const value of values) {
        const key = fresh()
        await one.set(key, value, 60_000)
        expect(await one.get([key])).toEqual([{ value, version: 1 }])
      }
    })

    test('a reader that changes a value changes it for nobody else', async () => {
      const key = fresh()
      await one.set(key, { roles: ['shopper'] }, 60_000)
      const [first, second] = (await one.get([key, key])).map((entry) => entry as unknown as { value: { roles: string[] } })
      first!.value.roles.push('admin')
      expect(second!.value.roles).toEqual(['shopper'])
    })

    test('refuses a key that no engine can hold without harm to those beside it', async () => {
      const key = fresh()
      await one.set(key, 1, 60_000)
      const [good, bad] = await Promise.allSettled([one.get([key]), one.get(['a\0b'])])
      expect(good).toMatchObject({ status: 'fulfilled', value: [{ value: 1 }] })
      expect(bad.status).toBe('rejected')
    })

    test('versions of one life grow by one', async () => {
      const key = fresh()
      for (const version of [1, 2, 3]) expect(await one.set(key, version, 60_000)).toBe(version)
      expect(await one.set(key, 'four', 60_000, { ifVersion: 3 })).toBe(4)
      await one.del([key])
      expect(await one.set(key, 'anew', 60_000)).toBe(1)
    })

    test('compare-and-set writes only on the version it was told', async () => {
      const key = fresh()
      expect(await one.set(key, 'x', 60_000, { ifVersion: 1 })).toBeNull()
      expect(await one.get([key])).toEqual([null])
      expect(await one.set(key, 'a', 60_000, { ifVersion: 0 })).toBe(1)
      expect(await other.set(key, 'b', 60_000, { ifVersion: 0 })).toBeNull()
      expect(await other.set(key, 'b', 60_000, { ifVersion: 2 })).toBeNull()
      expect(await one.get([key])).toEqual([{ value: 'a', version: 1 }])
    })

    test('of many who compare-and-set at once exactly one wins each version', async () => {
      const key = fresh()
      for (let version = 0; version < 5; version++) {
        const outcomes = await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 ? one : other).set(key, i, 60_000, { ifVersion: version })))
        expect(outcomes.filter((o) => o !== null)).toEqual([version + 1])
        const winner = outcomes.findIndex((o) => o !== null)
        expect(await one.get([key])).toEqual([{ value: winner, version: version + 1 }])
      }
    })

    test('unconditional writes at once lose no version', async () => {
      const key = fresh()
      const versions = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : other).set(key, i, 60_000)))
      expect(versions.toSorted((a, b) => a! - b!)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    })

    test('an expired entry is absent to reads and writes, and starts a new life', async () => {
      const key = fresh()
      await one.set(key, 'short', 60_000)
      await one.set(key, 'short', 40)
      await until('it has expired', async () => (await other.get([key]))[0] === null)
      expect(await one.set(key, 'late', 60_000, { ifVersion: 2 })).toBeNull()
      expect(await one.set(key, 'new life', 60_000, { ifVersion: 0 })).toBe(1)
      expect(await other.get([key])).toEqual([{ value: 'new life', version: 1 }])
    })

    test('a write prolongs a life', async () => {
      const key = fresh()
      await one.set(key, 1, 30)
      await one.set(key, 2, 60_000)
      const witness = fresh()
      await one.set(witness, 0, 60)
      await until('the first time to live has passed', async () => (await one.get([witness]))[0] === null)
      expect((await one.get([key]))[0]).toMatchObject({ value: 2 })
    })

    test('deletes many, and what is absent without complaint', async () => {
      const keys = [fresh(), fresh(), fresh()]
      await one.set(keys[0]!, 0, 60_000)
      await one.set(keys[1]!, 1, 60_000)
      await other.del(keys)
      await other.del([])
      expect(await one.get(keys)).toEqual([null, null, null])
    })

    test('deletions of the same keys in different orders never wait for each other in a circle', async () => {
      const keys = Array.from({ length: 30 }, fresh)
      for (let round = 0; round < 5; round++) {
        await Promise.all(keys.map((key) => one.set(key, 1, 60_000)))
        await Promise.all([one.del(keys), other.del(keys.toReversed()), one.del(keys.toSorted()), other.del(keys)])
      }
      expect((await one.get(keys)).every((e) => e === null)).toBe(true)
    })

    test('a limit allows exactly its hits, whoever counts', async () => {
      const key = fresh()
      const results = await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 ? one : other).hit(key, 60_000, 25)))
      expect(results.filter((r) => r.allowed)).toHaveLength(25)
      expect(results.filter((r) => r.allowed).map((r) => r.remaining).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, i) => i))
      expect(results.filter((r) => !r.allowed).every((r) => r.remaining === 0)).toBe(true)
      for (const { resetMs } of results) {
        expect(resetMs).toBeGreaterThan(0)
        expect(resetMs).toBeLessThanOrEqual(60_000)
      }
    })

    test('a limit starts anew when its window has ended, and never touches entries', async () => {
      const key = fresh()
      expect((await one.hit(key, 50, 1)).allowed).toBe(true)
      expect(await one.get([key])).toEqual([null])
      await until('the window has ended', async () => (await other.hit(key, 50, 1)).allowed)
      expect((await other.hit(key, 60_000, 2)).remaining).toBe(1)
    })
  })
}
