import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { PostgresLog } from '../../mixins/events/postgres-log.ts'
import type { EventRecord } from '../../mixins/events/port.ts'
import { KEPT_DAYS } from '../../mixins/events/rules.ts'
import { Database, databaseUrl } from '../../mixins/postgres/database.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'
import { eventLogContract, record } from './event-log.contract.ts'

const hurry = { pollMs: 25, balanceMs: 50 }
const open = (): PostgresLog => new PostgresLog(new Database(databaseUrl('log'), 'log'), hurry)

eventLogContract('PostgreSQL', async () => {
  const databases = await createDatabases()
  return { open, stop: databases.drop }
})

describe('event log in PostgreSQL, inside', () => {
  let databases: TestDatabases
  beforeAll(async () => {
    databases = await createDatabases()
  })
  afterAll(() => databases.drop())

  test('an offset is not seen before the smaller ones are', async () => {
    const log = open()
    const received: EventRecord[] = []
    log.consume(['late'], 'late', async (batch) => void received.push(...batch))
    await log.publish([record('late', 'thing/1', 1)])
    await until('the first has come', () => received.length === 1)
    const [{ partition }] = (await databases.query(`SELECT partition FROM log.partition WHERE topic = 'late'`)) as [{ partition: number }]
    // A publisher that takes its offset and commits late: whoever comes next waits for it.
    const slow = databases.query(
      `DO $$ DECLARE o bigint; BEGIN
         UPDATE log.partition SET next = next + 1 WHERE topic = 'late' AND partition = ${partition} RETURNING next - 1 INTO o;
         PERFORM pg_sleep(0.3);
         INSERT INTO log.event VALUES ('late', ${partition}, o, 'slow', 'thing/1', 2, now(), '{}');
       END $$`
    )
    await until('it holds the counter', async () => (await databases.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`)).length === 1)
    await log.publish([record('late', 'thing/1', 3)])
    await slow
    await until('all have come', () => received.length === 3)
    expect(received.map((e) => e.number)).toEqual([1, 2, 3])
    await log.close()
  })

  test('a connection that is killed costs repeats, never events, and is made anew', async () => {
    const log = open()
    const received = new Set<string>()
    log.consume(['cut'], 'cut', async (batch) => batch.forEach((e) => received.add(e.id)), { maxBatch: 10 })
    for (let round = 1; round <= 10; round++) {
      const events = Array.from({ length: 40 }, (_, i) => record('cut', `thing/${i}`, round))
      await until('they are stored', () => log.publish(events).then(() => true, () => false))
      await databases.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'souk%' AND datname = current_database() AND pid <> pg_backend_pid()`)
    }
    await until('all have come', () => received.size === 400)
    await log.close()
  })

  test('keeps events for days, then sweeps them; a group that missed them goes on with what is left', async () => {
    const log = open()
    await log.publish(Array.from({ length: 30 }, (_, i) => record('aged', `thing/${i}`, 1)))
    await databases.query(`UPDATE log.event SET stored_at = now() - interval '${KEPT_DAYS} days 1 minute' WHERE topic = 'aged' AND number = 1`)
    await log.publish([record('aged', 'thing/1', 2), record('aged', 'thing/2', 2)])
    await log.sweep()
    const received: EventRecord[] = []
    log.consume(['aged'], 'aged', async (batch) => void received.push(...batch))
    await until('what is left has come', () => received.length === 2)
    expect(received.map((e) => e.number)).toEqual([2, 2])
    await until('the group is not behind', async () => (await log.lag('aged')) === 0)
    await log.close()
  })

  test('topics of one aggregate come as they happened while nothing fails, and do not wait for each other then', async () => {
    const log = open()
    const received: EventRecord[] = []
    const broken = { yes: false }
    const pairs = (prefix: string): EventRecord[] => Array.from({ length: 30 }, (_, i) => [record('zz_first', `${prefix}/${i}`, 1), record('aa_second', `${prefix}/${i}`, 2)]).flat()
    log.consume(['aa_second', 'zz_first'], 'pairs', async (batch) => {
      if (broken.yes && batch[0]!.topic === 'zz_first') throw new Error('not now')
      received.push(...batch)
    })
    for (const e of pairs('one')) await log.publish([{ ...e, at: new Date().toISOString() }])
    await until('all have come', () => received.length === 60)
    for (const second of received.filter((e) => e.topic === 'aa_second')) {
      const first = received.find((e) => e.topic === 'zz_first' && e.aggregate === second.aggregate)!
      expect(received.indexOf(first)).toBeLessThan(received.indexOf(second))
    }
    broken.yes = true
    await log.publish(pairs('two'))
    await until('the other topic goes on', () => received.filter((e) => e.topic === 'aa_second').length === 60)
    await log.close()
  })

  test('a member that was overtaken moves no position', async () => {
    const log = open()
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    let calls = 0
    log.consume(['overtaken'], 'overtaken', async () => void (++calls === 1 && (await held)), { maxBatch: 2 })
    await log.publish(Array.from({ length: 6 }, (_, i) => record('overtaken', 'thing/1', i + 1)))
    await until('the first batch is in hand', () => calls === 1)
    await databases.query(`UPDATE log.position SET next = 6 WHERE "group" = 'overtaken' AND next = 1 AND partition = (SELECT partition FROM log.event WHERE topic = 'overtaken' LIMIT 1)`)
    release()
    await until('the rest is handled', async () => (await log.lag('overtaken')) === 0)
    expect(calls).toBe(2)
    await log.close()
  })
})
