import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startPostgres, type EmbeddedPostgres } from '../../infra/embedded/postgres.ts'
import type { EventLog, EventRecord } from '../../mixins/events/port.ts'
import { PostgresLog } from '../../mixins/events/postgres-log.ts'
import { takeFresh } from '../../mixins/inbox/inbox.ts'
import { appendEvents } from '../../mixins/outbox/outbox.ts'
import { DatabaseRelay } from '../../mixins/outbox/relay.ts'
import { Database, type Queryable } from '../../mixins/postgres/database.ts'
import { migrate } from '../../mixins/postgres/migrate.ts'
import { money } from '../../mixins/primitives/money.ts'
import '../../services/order/order.contract.ts'
import { until } from '../support/until.ts'

// The way of an event from its commit to its effect, while backends are killed (the server goes down and recovers), sessions are
// ended and the log's answers are lost. Two relays, two members of the group, several writers. Each run has its own schema.

const root = fileURLToPath(new URL('../../', import.meta.url))
const hurry = { pollMs: 20, balanceMs: 50 }
const AGGREGATES = 12
const FAULTS = 6
/** One answer of so many is lost, the first of each relay among them: however few batches there are, some come twice. */
const LOSES_EACH = 5

interface Mutant {
  /** What the consumer takes of a batch; `takeFresh` unless told. */
  take?: typeof takeFresh
  /** What the relays publish through. */
  publish?: (log: EventLog, events: readonly EventRecord[]) => Promise<void>
}

interface Outcome {
  /** `aggregate/number` of every commit that was acknowledged. */
  acknowledged: string[]
  /** Effects in the order in which they were committed. */
  effects: { aggregate: string; number: number }[]
  committed: { aggregate: string; number: number }[]
}

describe('events under faults', () => {
  let server: EmbeddedPostgres
  let url: string
  const dir = mkdtempSync(join(tmpdir(), 'souk-chaos-'))
  chmodSync(dir, 0o755)

  beforeAll(async () => {
    server = await startPostgres({ dir: join(dir, 'postgres') })
    url = `${server.url}/postgres`
    await migrate({ main: url, orders: [] }, [`${root}mixins`], `${root}mixins`)
  })
  afterAll(async () => {
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  async function admin<R extends pg.QueryResultRow>(sql: string): Promise<R[]> {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<R>(sql)).rows
    } finally {
      await client.end().catch(() => {})
    }
  }

  async function makeSchema(schema: string): Promise<void> {
    const tables = ['outbox', 'inbox'].map((name) => readFileSync(join(root, 'mixins', name, 'tables.sql'), 'utf8').replaceAll('{schema}', schema)).join(';')
    await admin(`CREATE ROLE souk_${schema}; CREATE SCHEMA ${schema} AUTHORIZATION souk_${schema}; SET ROLE souk_${schema}; ${tables};
      CREATE TABLE ${schema}.committed (aggregate text, number bigint, PRIMARY KEY (aggregate, number));
      CREATE TABLE ${schema}.effect (seq bigint GENERATED ALWAYS AS IDENTITY, aggregate text, number bigint)`)
  }

  /** One change with its event, and what it should lead to, in one commit. */
  const change = (tx: Queryable, schema: string, aggregate: string): Promise<number> =>
    appendEvents(tx, schema, [{ topic: 'order_refunded', aggregate, body: { orderId: 'o', buyerId: 'u', refundId: 'r', amount: money(1), reason: 'chaos' } }])
      .then(() => tx.query<{ number: number }>(`INSERT INTO ${schema}.committed SELECT aggregate, number FROM ${schema}.event_number WHERE aggregate = $1 RETURNING number`, [aggregate]))
      .then(([row]) => row!.number)

  async function strike(i: number): Promise<void> {
    const pids = await admin<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'souk%' ORDER BY random()`)
    if (i % 2 === 0) for (const { pid } of pids) await admin(`SELECT pg_terminate_backend(${pid})`)
    else if (pids[0]) process.kill(pids[0].pid, 'SIGKILL') // the server ends every session, recovers and comes back
  }

  async function run(schema: string, { take = takeFresh, publish = (log, events) => log.publish(events) }: Mutant = {}): Promise<Outcome> {
    await makeSchema(schema)
    const db = new Database(url, schema)
    const logs = [0, 1].map(() => new PostgresLog(new Database(url, 'log'), hurry))
    const mine = `${schema}/`
    for (const log of logs) {
      log.consume(['order_refunded'], schema, (batch) =>
        db.tx(async (tx) => {
          for (const e of await take(tx, schema, 'c', batch.filter((b) => b.aggregate.startsWith(mine)))) {
            await tx.query(`INSERT INTO ${schema}.effect (aggregate, number) VALUES ($1, $2)`, [e.aggregate, e.number])
          }
        })
      )
    }
    const shaky = (log: EventLog): EventLog => {
      let published = 0
      return {
        ...log,
        publish: async (events) => {
          await publish(log, events)
          if (published++ % LOSES_EACH === 0) throw new Error('the answer was lost')
        }
      }
    }
    const relays = logs.map((log) => new DatabaseRelay('main', url, { log: shaky(log), published: () => {}, trouble: () => {}, ...hurry }))
    const acknowledged: string[] = []
    const writing = { on: true }
    const writers = Array.from({ length: 4 }, async () => {
      while (writing.on) {
        const aggregate = `${mine}${Math.floor(Math.random() * AGGREGATES)}`
        await db.tx((tx) => change(tx, schema, aggregate)).then((n) => acknowledged.push(`${aggregate}/${n}`), () => sleep(20)) // unknown: it may have happened
      }
    })
    for (let i = 0; i < FAULTS; i++) {
      await sleep(200)
      await strike(i).catch(() => {})
    }
    writing.on = false
    await Promise.all(writers)
    await until('the outbox is empty', () => db.query(`SELECT 1 FROM ${schema}.outbox LIMIT 1`).then((rows) => rows.length === 0, () => false))
    await until('the group has caught up', () => logs[0]!.lag(schema).then((lag) => lag === 0, () => false))
    await Promise.all(relays.map((relay) => relay.stop()))
    await Promise.all(logs.map((log) => log.close()))
    const effects = await db.query<{ aggregate: string; number: number }>(`SELECT aggregate, number FROM ${schema}.effect ORDER BY seq`)
    const committed = await db.query<{ aggregate: string; number: number }>(`SELECT aggregate, number FROM ${schema}.committed ORDER BY aggregate, number`)
    await db.close()
    return { acknowledged, effects, committed }
  }

  const keys = (events: readonly { aggregate: string; number: number }[]): string[] => events.map((e) => `${e.aggregate}/${e.number}`).sort()

  test('each commit has its effect exactly once, in the order of its aggregate', async () => {
    const { acknowledged, effects, committed } = await run('chaos')
    expect(committed.length).toBeGreaterThan(50)
    const kept = new Set(keys(committed))
    expect(acknowledged.filter((key) => !kept.has(key))).toEqual([])
    expect(keys(effects)).toEqual(keys(committed))
    const seen = new Map<string, number>()
    for (const { aggregate, number } of effects) {
      expect(number).toBe((seen.get(aggregate) ?? 0) + 1)
      seen.set(aggregate, number)
    }
  }, 60_000)

  test('a consumer that does not look whether it has seen an event is found out', async () => {
    const { effects, committed } = await run('chaos_twice', { take: async (_tx, _schema, _consumer, batch) => [...batch] })
    expect(committed.length).toBeGreaterThan(50)
    expect(effects.length).toBeGreaterThan(committed.length)
  }, 60_000)

  test('a log that says yes before it has stored is found out', async () => {
    const { effects, committed } = await run('chaos_lost', { publish: (log, events) => log.publish(events.filter((e) => !e.aggregate.endsWith('/0'))) })
    expect(committed.length).toBeGreaterThan(50)
    expect(effects.length).toBeLessThan(committed.length)
  }, 60_000)
})
