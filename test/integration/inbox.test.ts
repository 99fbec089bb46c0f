import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import type { EventRecord } from '../../mixins/events/port.ts'
import { takeFresh } from '../../mixins/inbox/inbox.ts'
import { Database, type Queryable } from '../../mixins/postgres/database.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

type Take = typeof takeFresh

const event = (number: number, aggregate = 'order/1', topic = 'order_confirmed'): EventRecord => ({ id: `${topic} ${aggregate} ${number}`, topic, aggregate, number, at: '2026-11-24T10:00:00.000Z', body: {} })

/** What takeFresh must not be: it looks for the row, locks what it finds, and writes afterwards. A row that is not there cannot be locked. */
const looksFirst: Take = async (tx, schema, consumer, batch) => {
  const known = await tx.query<{ number: number }>(`SELECT number FROM ${schema}.inbox WHERE consumer = $1 AND topic = $2 AND aggregate = $3 FOR UPDATE`, [consumer, batch[0]!.topic, batch[0]!.aggregate])
  await tx.query(
    `INSERT INTO ${schema}.inbox AS i VALUES ($1, $2, $3, $4) ON CONFLICT (consumer, topic, aggregate) DO UPDATE SET number = greatest(i.number, excluded.number)`,
    [consumer, batch[0]!.topic, batch[0]!.aggregate, batch[0]!.number]
  )
  return batch.filter((e) => e.number > (known[0]?.number ?? 0))
}

describe('takeFresh', () => {
  let databases: TestDatabases
  let db: Database
  beforeAll(async () => {
    databases = await createDatabases()
    await databases.query(`CREATE ROLE souk_inbox_test`).catch(() => {})
    await databases.query(`CREATE SCHEMA inbox_test AUTHORIZATION souk_inbox_test; GRANT souk_inbox_test TO CURRENT_USER`)
    const tables = readFileSync(new URL('../../mixins/inbox/tables.sql', import.meta.url), 'utf8').replaceAll('{schema}', 'inbox_test')
    await databases.query(`SET ROLE souk_inbox_test; ${tables}; CREATE TABLE inbox_test.effect (event_id text)`)
    db = new Database(databases.main, 'inbox_test')
  })
  beforeEach(() => db.query('TRUNCATE inbox_test.inbox, inbox_test.effect').then(() => {}))
  afterAll(async () => {
    await db.close()
    await databases.drop()
  })

  const takes = (batch: EventRecord[]): Promise<number[]> => db.tx(async (tx) => (await takeFresh(tx, 'inbox_test', 'c', batch)).map((e) => e.number))

  test('takes each event once, in whatever batches it comes', async () => {
    expect(await takes([event(1), event(2)])).toEqual([1, 2])
    expect(await takes([event(1), event(2), event(3)])).toEqual([3])
    expect(await takes([event(2), event(3)])).toEqual([])
    expect(await takes([event(4), event(4), event(5)])).toEqual([4, 5])
    expect(await takes([])).toEqual([])
  })

  test('an event of one topic is no reason to skip an earlier one of another', async () => {
    expect(await takes([event(2, 'order/1', 'order_cancelled')])).toEqual([2])
    expect(await takes([event(1, 'order/1', 'order_created'), event(3, 'order/1', 'order_created')])).toEqual([1, 3])
    expect(await takes([event(2, 'order/1', 'order_cancelled')])).toEqual([])
  })

  test('consumers and aggregates do not know of each other', async () => {
    expect(await takes([event(7, 'order/a'), event(1, 'order/b')])).toEqual([7, 1])
    expect(await db.tx((tx) => takeFresh(tx, 'inbox_test', 'other', [event(7, 'order/a')]))).toHaveLength(1)
  })

  test('what is rolled back was not taken', async () => {
    const failing = db.tx(async (tx) => {
      await takeFresh(tx, 'inbox_test', 'c', [event(1)])
      throw new Error('effect failed')
    })
    await expect(failing).rejects.toThrow('effect failed')
    expect(await takes([event(1)])).toEqual([1])
  })

  /** Two deliveries of one event at once, interleaved at their worst: the first has marked and not committed when the second starts. */
  async function effectsOfTwoDeliveries(take: Take, known: boolean): Promise<number> {
    if (known) await db.tx((tx) => take(tx, 'inbox_test', 'c', [event(1)]))
    const deliver = (tx: Queryable): Promise<unknown> =>
      take(tx, 'inbox_test', 'c', [event(2)]).then((fresh) => Promise.all(fresh.map((e) => tx.query('INSERT INTO inbox_test.effect VALUES ($1)', [e.id]))))
    let second: Promise<unknown> = Promise.resolve()
    await db.tx(async (tx) => {
      await deliver(tx)
      second = db.tx(deliver)
      await until('the second waits for the first', async () => (await databases.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`)).length > 0)
    })
    await second
    return (await db.query('SELECT 1 FROM inbox_test.effect')).length
  }

  test('two transactions that race for an aggregate have one effect', async () => {
    expect(await effectsOfTwoDeliveries(takeFresh, true)).toBe(1)
  })

  test('… also when the aggregate is new to both', async () => {
    expect(await effectsOfTwoDeliveries(takeFresh, false)).toBe(1)
  })

  test('the race is one that a look beforehand loses: this test would see it', async () => {
    expect(await effectsOfTwoDeliveries(looksFirst, false)).toBe(2)
  })

  test('many racing deliveries of overlapping batches have each effect once', async () => {
    const aggregates = Array.from({ length: 6 }, (_, i) => `order/${i}`)
    await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        db.tx(async (tx) => {
          const batch = aggregates.flatMap((a) => Array.from({ length: (n % 4) + 1 }, (_, i) => event(i + 1, a)))
          for (const e of await takeFresh(tx, 'inbox_test', 'c', n % 2 ? batch : batch.toReversed().toSorted((x, y) => x.number - y.number))) {
            await tx.query('INSERT INTO inbox_test.effect VALUES ($1)', [e.id])
          }
        })
      )
    )
    const effects = (await db.query<{ event_id: string }>('SELECT event_id FROM inbox_test.effect')).map((r) => r.event_id)
    expect(effects).toHaveLength(24)
    expect(new Set(effects).size).toBe(24)
  })
})
