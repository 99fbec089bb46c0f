import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClickHouseStore } from '../../mixins/analytics/clickhouse-store.ts'
import { chdbIsMissing } from '../support/chdb.ts'
import { startClickHouse, type TestClickHouse } from '../support/clickhouse.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { analyticsContract, TEST_SCHEMA } from './analytics.contract.ts'

const serverUrl = process.env['SOUK_TEST_CLICKHOUSE_URL']
const missing = serverUrl ? null : await chdbIsMissing()
const rows = (name: string, count: number) => Array.from({ length: count }, (_, i) => ({ event_id: `${name} ${i}`, at: '2026-11-24T10:00:00Z', name, amount: 1 }))

if (missing) test.skip(`ClickHouse: ${missing}`, () => {})
else {
  let dir: string
  let server: TestClickHouse | null = null
  let url: string
  const fast = { queryMs: 1_000, requestMs: 1_500 }
  const open = (to = url, patience = {}): ClickHouseStore => new ClickHouseStore({ url: to, schema: TEST_SCHEMA, patience })

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'souk-clickhouse-'))
    if (!serverUrl) server = await startClickHouse(dir)
    url = serverUrl ?? server!.url
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  analyticsContract('ClickHouse', async () => ({ store: open(), again: async () => open(), stop: async () => {} }))

  describe('ClickHouse, on a bad way', () => {
    let proxy: FaultProxy
    let store: ClickHouseStore
    let direct: ClickHouseStore
    beforeAll(async () => {
      direct = open()
      proxy = await FaultProxy.beforeUrl(url)
      store = open(proxy.through(url), fast)
    })
    afterAll(async () => {
      await proxy.heal()
      await Promise.all([store.close(), direct.close()])
      await proxy.close()
    })
    const sum = async (name: string): Promise<number> => (await direct.query<{ n: number }>('sum', { name }))[0]!.n

    test('a server that is down is unavailable, says why, and is used again by itself', async () => {
      await proxy.refuse()
      await expect(store.insert('souk_test.thing', rows('down', 5))).rejects.toMatchObject({ type: 'unavailable', code: 503 })
      expect(await store.available()).toMatch(/ClickHouse does not answer/)
      await proxy.heal()
      expect(await store.available()).toBe(true)
      await store.insert('souk_test.thing', rows('down', 5))
      expect(await sum('down')).toBe(5)
    })

    test('a server that hangs is unavailable after a bounded wait', async () => {
      await store.insert('souk_test.thing', rows('hangs', 1))
      proxy.pause()
      const started = performance.now()
      await expect(store.query('sum', { name: 'hangs' })).rejects.toMatchObject({ type: 'unavailable' })
      await expect(store.insert('souk_test.thing', rows('hangs', 2))).rejects.toMatchObject({ type: 'unavailable' })
      expect(performance.now() - started).toBeLessThan(6_000)
      await proxy.heal()
      await store.insert('souk_test.thing', rows('hangs', 2))
      expect(await store.query('sum', { name: 'hangs' })).toEqual([{ n: 2, amount: 2 }])
    })

    test('an answer that is lost or cut off is unavailable or made good, and what is inserted again counts once', async () => {
      proxy.muteAnswers()
      await expect(store.insert('souk_test.thing', rows('lost', 10))).rejects.toMatchObject({ type: 'unavailable' })
      await proxy.heal()
      proxy.cutAfter(20)
      await store.insert('souk_test.thing', rows('lost', 10)).catch((error: unknown) => expect(error).toMatchObject({ type: 'unavailable' }))
      await store.insert('souk_test.thing', rows('lost', 10))
      expect(await sum('lost')).toBe(10)
    })

    test('a connection that the server closed while it was idle is no fault', async () => {
      await store.insert('souk_test.thing', rows('idle', 1))
      proxy.cut()
      await store.insert('souk_test.thing', rows('idle', 2))
      expect(await sum('idle')).toBe(2)
    })

    test('a wrong password is unavailable and said', async () => {
      const wrong = new URL(url)
      wrong.password = 'wrong'
      const stranger = open(wrong.href)
      expect(await stranger.available()).toMatch(/AUTHENTICATION_FAILED/)
      await expect(stranger.insert('souk_test.thing', rows('stranger', 1))).rejects.toMatchObject({ type: 'unavailable' })
      await stranger.close()
    })
  })
}
