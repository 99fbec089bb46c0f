import { afterAll, describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { CHDB_PACKAGE_DIR } from '../../mixins/analytics/analytics.ts'
import { ChdbStore } from '../../mixins/analytics/chdb-store.ts'
import { chdbIsMissing } from '../support/chdb.ts'
import { until } from '../support/until.ts'
import { analyticsContract, TEST_SCHEMA } from './analytics.contract.ts'

const missing = await chdbIsMissing()
const dir = mkdtempSync(join(tmpdir(), 'souk-chdb-'))
const open = (name: string, idleMs = 60_000): ChdbStore => new ChdbStore({ packageDir: CHDB_PACKAGE_DIR, dataDir: join(dir, name), schema: TEST_SCHEMA, idleMs })
const rows = (name: string, count: number) => Array.from({ length: count }, (_, i) => ({ event_id: `${name} ${i}`, at: '2026-11-24T10:00:00Z', name, amount: 1 }))

/** Processes that own this data folder. */
function engines(name: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n')
  return lines.filter((line) => line.includes('chdb-engine.ts') && line.includes(join(dir, name))).map((line) => Number.parseInt(line, 10))
}

afterAll(() => rmSync(dir, { recursive: true, force: true }))

if (missing) test.skip(`ClickHouse in the process: ${missing}`, () => {})
else {
  analyticsContract('the embedded ClickHouse', async () => ({ store: open('contract'), again: async () => open('contract'), stop: async () => {} }))

  describe('the embedded ClickHouse, inside', () => {
    test('starts at the first need, ends when idle, and starts again', async () => {
      const store = open('idle', 50)
      expect(await store.available()).toBe(true)
      expect(engines('idle')).toEqual([])
      await store.insert('souk_test.thing', rows('a', 5))
      await until('it has ended', () => engines('idle').length === 0)
      expect(await store.query('sum', { name: 'a' })).toEqual([{ n: 5, amount: 5 }])
      await store.close()
    })

    test('an engine that is killed is unavailable for a moment, and has kept what it acknowledged', async () => {
      const store = open('killed')
      await store.insert('souk_test.thing', rows('b', 20))
      process.kill(engines('killed')[0]!, 'SIGKILL')
      let stored = 0
      await until('another insert has been acknowledged', () =>
        store.insert('souk_test.thing', rows('b', 40)).then(
          () => ++stored,
          (error) => void expect(error).toMatchObject({ type: 'unavailable', code: 503 })
        )
      )
      expect(await store.query('sum', { name: 'b' })).toEqual([{ n: 40, amount: 40 }])
      await store.close()
      expect(engines('killed')).toEqual([])
    })

    test('ends with the thread that started it', async () => {
      const worker = new Worker(new URL('../support/chdb-owner.ts', import.meta.url), { workerData: { packageDir: CHDB_PACKAGE_DIR, dataDir: join(dir, 'orphan'), schema: TEST_SCHEMA } })
      await new Promise((resolve) => worker.once('message', resolve))
      expect(engines('orphan')).toHaveLength(1)
      await worker.terminate()
      await until('the engine has ended', () => engines('orphan').length === 0)
    })

    test('takes no more when it is closed', async () => {
      const store = open('closed')
      await store.close()
      await expect(store.query('sum', { name: 'x' })).rejects.toMatchObject({ type: 'unavailable' })
    })
  })
}

describe('a ClickHouse engine that cannot be had', () => {
  test('is unavailable, and says why', async () => {
    const before = process.env['npm_execpath']
    process.env['npm_execpath'] = join(dir, 'no-such-npm.js')
    const store = new ChdbStore({ packageDir: join(dir, 'nowhere'), dataDir: join(dir, 'none'), schema: TEST_SCHEMA })
    try {
      expect(await store.available()).not.toBe(true)
      await store.install()
      expect(await store.available()).not.toBe(true)
      await expect(store.insert('souk_test.thing', rows('c', 1))).rejects.toMatchObject({ type: 'unavailable', code: 503 })
    } finally {
      await store.close()
      process.env['npm_execpath'] = before ?? ''
    }
  })
})
