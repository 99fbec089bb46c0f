import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AnalyticsSchema, AnalyticsStore } from '../../mixins/analytics/port.ts'

export const TEST_SCHEMA: AnalyticsSchema = {
  tables: [
    'CREATE DATABASE IF NOT EXISTS souk_test',
    `CREATE TABLE IF NOT EXISTS souk_test.thing (event_id String, at DateTime64(3, 'UTC'), name String, amount Int64)
     ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(at) ORDER BY event_id SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`
  ],
  queries: {
    sum: 'SELECT count() AS n, sum(amount) AS amount FROM souk_test.thing FINAL WHERE name = {name:String}',
    since: 'SELECT toString(at) AS at, name FROM souk_test.thing FINAL WHERE toDate(at) >= {day:Date} AND amount > {least:Int64} ORDER BY at',
    broken: 'SELECT nothing FROM souk_test.thing'
  }
}

const at = '2026-11-24T10:00:00.123Z'
const things = (name: string, count: number, amount = 1): { event_id: string; at: string; name: string; amount: number }[] =>
  Array.from({ length: count }, (_, i) => ({ event_id: `${name} ${i}`, at, name, amount }))

/** What every analytics engine must keep. `start` opens a store with TEST_SCHEMA; `again` opens it as after a restart. */
export function analyticsContract(engine: string, start: () => Promise<{ store: AnalyticsStore; again: () => Promise<AnalyticsStore>; stop: () => Promise<void> }>): void {
  describe(`analytics in ${engine}`, () => {
    let store: AnalyticsStore
    let again: () => Promise<AnalyticsStore>
    let stop: () => Promise<void>
    beforeAll(async () => ({ store, again, stop } = await start()))
    afterAll(async () => {
      await store.close()
      await stop()
    })

    test('can be used, and says so', async () => {
      expect(await store.available()).toBe(true)
    })

    test('counts each event id once, however often it came', async () => {
      await store.insert('souk_test.thing', things('twice', 1_000, 7))
      await store.insert('souk_test.thing', things('twice', 1_000, 7))
      await store.insert('souk_test.thing', [...things('twice', 10, 7), ...things('twice', 10, 7)])
      await store.insert('souk_test.thing', [])
      expect(await store.query('sum', { name: 'twice' })).toEqual([{ n: 1_000, amount: 7_000 }])
    })

    test('adds whole numbers exactly, up to the safe integers', async () => {
      await store.insert('souk_test.thing', things('large', 3, 3_000_000_000_000_001))
      expect(await store.query('sum', { name: 'large' })).toEqual([{ n: 3, amount: 9_000_000_000_000_003 }])
    })

    test('keeps times to the millisecond and any text, and binds parameters as values', async () => {
      const name = `it's "quoted" \\ {n:String} \n å 😀'; DROP TABLE souk_test.thing; --`
      await store.insert('souk_test.thing', [{ event_id: 'odd', at, name, amount: 500 }])
      expect(await store.query('sum', { name })).toEqual([{ n: 1, amount: 500 }])
      expect(await store.query('since', { day: '2026-11-24', least: 499 })).toContainEqual({ at: '2026-11-24 10:00:00.123', name })
      expect(await store.query('since', { day: '2026-11-25', least: 0 })).toEqual([])
    })

    test('a query or an insert that is wrong rejects and harms nothing', async () => {
      await expect(store.query('broken', {})).rejects.toThrow(/nothing/)
      await expect(store.query('unknown', {})).rejects.toThrow(/unknown/)
      await expect(store.insert('souk_test.thing', [{ event_id: 'bad', at: 'not a time', name: 'bad', amount: 1 }])).rejects.toThrow()
      expect(await store.query('sum', { name: 'bad' })).toEqual([{ n: 0, amount: 0 }])
    })

    test('what it acknowledged is there after a restart', async () => {
      await store.insert('souk_test.thing', things('kept', 50))
      await store.close()
      store = await again()
      expect(await store.query('sum', { name: 'kept' })).toEqual([{ n: 50, amount: 50 }])
    })
  })
}
