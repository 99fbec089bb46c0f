import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { commitStatement, partsOf } from '../../mixins/actor/commit-statement.ts'
import { PostgresActors } from '../../mixins/actor/postgres-actors.ts'
import type { Turn } from '../../mixins/actor/types.ts'
import { Database, databaseUrl } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { createActorSchema } from '../support/actor-schema.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'
import { actorStoreContract, turnOf } from './actor-store.contract.ts'

const SCHEMA = 'actor_test'

/** Rows that turns write beside their state: a table with a rule of its own. */
const EXTRA = 'CREATE TABLE {schema}.sold (key text PRIMARY KEY, quantity int NOT NULL CHECK (quantity > 0));'
const SELL = `INSERT INTO ${SCHEMA}.sold (key, quantity) SELECT key, quantity FROM jsonb_to_recordset($1::jsonb) AS r (key text, quantity int)`

let databases: TestDatabases
const start = async (): Promise<TestDatabases> => {
  databases = await createDatabases()
  await createActorSchema(databases.main, SCHEMA, EXTRA)
  return databases
}
const eventsOf = (aggregate: string) =>
  databases.query<{ aggregate: string; number: number; topic: string; body: unknown }>(`SELECT aggregate, number::int, topic, body FROM ${SCHEMA}.outbox WHERE aggregate = $1 ORDER BY id`, [aggregate])

actorStoreContract('PostgreSQL', async () => {
  await start()
  const dbs = [new Database(databaseUrl(SCHEMA), SCHEMA), new Database(databaseUrl(SCHEMA), SCHEMA)] as const
  return {
    one: new PostgresActors(dbs[0]),
    other: new PostgresActors(dbs[1]),
    eventsOf,
    async stop() {
      await Promise.all(dbs.map((db) => db.close()))
      await databases.drop()
    }
  }
})

describe('actors in PostgreSQL, inside', () => {
  let db: Database
  let store: PostgresActors
  beforeAll(async () => {
    await start()
    db = new Database(databaseUrl(SCHEMA), SCHEMA)
    store = new PostgresActors(db)
  })
  afterAll(async () => {
    await db.close()
    await databases.drop()
  })
  const sell = (key: string, loaded: number, quantity: number, more: Partial<Turn> = {}): Turn => turnOf(key, loaded, { quantity }, { writes: [{ statement: SELL, rows: [{ key, quantity }] }], ...more })
  const sold = async (keys: string[]): Promise<string[]> => (await databases.query<{ key: string }>(`SELECT key FROM ${SCHEMA}.sold WHERE key = ANY($1) ORDER BY key`, [keys])).map((r) => r.key)

  test('writes of the turns that succeed lie in their commit; stale and repeated ones write nothing', async () => {
    const [a, b, c, d] = [newId(), newId(), newId(), newId()]
    const operation = { id: newId(), bodyHash: 'h' }
    await store.commit([turnOf(b, 0, 'there'), turnOf(d, 0, 'recorded', { record: { operation, status: 200, answer: '1' } })])
    const outcomes = await store.commit([sell(a, 0, 1), sell(b, 0, 1), sell(c, 0, 2), sell(d, 1, 1, { record: { operation, status: 200, answer: '2' } })])
    expect(outcomes).toEqual(['done', 'stale', 'done', { repeat: { bodyHash: 'h', status: 200, answer: 1 } }])
    expect(await sold([a, b, c, d])).toEqual([a, c].sort())
  })

  test('a turn whose write breaks a rule fails alone, with nothing of it written', async () => {
    const [good, bad, plain] = [newId(), newId(), newId()]
    const outcomes = await store.commit([sell(good, 0, 3), sell(bad, 0, 0), turnOf(plain, 0, 1)])
    expect(outcomes).toEqual(['done', { failed: expect.objectContaining({ code: '23514' }) }, 'done'])
    expect(await sold([good, bad])).toEqual([good])
    expect((await store.load('thing', [bad]))[0]).toBeNull()
  })

  test('an operation is recorded once in the whole schema: of many turns with it at once, on several actors, exactly one is written', async () => {
    const other = new PostgresActors(db)
    for (let round = 0; round < 5; round++) {
      const operation = { id: newId(), bodyHash: 'h' }
      const keys = Array.from({ length: 8 }, newId)
      const outcomes = (await Promise.all([store, other].map((s) => s.commit(keys.map((key) => turnOf(key, 0, 'x', { record: { operation, status: 200, answer: JSON.stringify(key) } })))))).flat()
      expect(outcomes.filter((o) => o === 'done')).toHaveLength(1)
      const [record] = outcomes.filter((o) => typeof o === 'object')
      for (const o of outcomes) if (typeof o === 'object') expect(o).toEqual(record)
      expect((await store.load('thing', keys)).filter((row) => row !== null)).toHaveLength(1)
    }
  })

  test('a broken connection leaves the outcome unknown, and says so', async () => {
    const key = newId()
    await db.tx(async (tx) => {
      await tx.query(`INSERT INTO ${SCHEMA}.actor (type, key, version, events, state, operations) VALUES ('thing', $1, 1, 0, '1', '[]')`, [key])
      const commit = store.commit([turnOf(key, 0, 2)])
      const waiting = await until('the commit waits for the row', async () => (await databases.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`))[0])
      await databases.query('SELECT pg_terminate_backend($1)', [waiting.pid])
      await expect(commit).rejects.toMatchObject({ code: '57P01' })
    })
  })

  test('a batch finds its rows by their key, however many actors there are, in every mix of its parts', async () => {
    await databases.query(`INSERT INTO ${SCHEMA}.actor SELECT 'crowd', 'k' || i, 1, 0, '1', '[]' FROM generate_series(1, 20000) i`)
    await databases.query(`INSERT INTO ${SCHEMA}.idempotency SELECT 'r' || i, 'h', 200, '1' FROM generate_series(1, 20000) i`)
    const turns = Array.from({ length: 64 }, (_, i) => turnOf(`k${i * 300}`, 1, i, { type: 'crowd', record: { operation: { id: newId(), bodyHash: 'h' }, status: 200, answer: '1' }, completes: { operationId: `r${i}`, status: 200, answer: '1' } }))
    for (const parts of [{ events: true, records: false, completes: false, reminders: false }, partsOf(turns)]) {
      const { text, values } = commitStatement(SCHEMA, turns, parts)
      const plan = await db.tx(async (tx) => {
        await tx.query('SET LOCAL plan_cache_mode = force_generic_plan')
        return tx.query<{ 'QUERY PLAN': string }>(`EXPLAIN (COSTS OFF) ${text}`, values, { prepare: false })
      })
      const scans = plan.map((row) => row['QUERY PLAN'].trim()).filter((line) => /Scan (using \S+ )?on (actor|idempotency)/.test(line))
      expect(scans.length).toBeGreaterThanOrEqual(1)
      for (const scan of scans) expect(scan).toMatch(/Index Scan using (actor|idempotency)_pkey/)
    }
  })
})
