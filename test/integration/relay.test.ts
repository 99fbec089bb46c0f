import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { ServiceBroker } from 'moleculer'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog, EventRecord } from '../../mixins/events/port.ts'
import { wroteOutbox } from '../../mixins/outbox/hint.ts'
import { appendEvents, laneOf, LANES } from '../../mixins/outbox/outbox.ts'
import { DatabaseRelay } from '../../mixins/outbox/relay.ts'
import { Database } from '../../mixins/postgres/database.ts'
import { money } from '../../mixins/primitives/money.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { loadServices } from '../../nodes/load.ts'
import '../../services/order/order.contract.ts'
import '../../services/relay/relay.contract.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

const TOPIC = 'order_refunded'
const outboxTables = readFileSync(new URL('../../mixins/outbox/tables.sql', import.meta.url), 'utf8').replaceAll('{schema}', 'relay_test')

/** Numbers of each aggregate in the order of their first arrival. */
function firstArrivals(events: readonly EventRecord[]): Map<string, number[]> {
  const order = new Map<string, number[]>()
  for (const { aggregate, number } of events) if (!order.get(aggregate)?.includes(number)) order.set(aggregate, [...(order.get(aggregate) ?? []), number])
  return order
}

describe('relay', () => {
  let databases: TestDatabases
  let log: EventLog
  let dbs: Database[]
  const ends: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    databases = await createDatabases()
    const { main, orders, query } = databases
    await query('CREATE ROLE souk_relay_test').catch(() => {})
    for (const url of [main, ...orders]) {
      await query('CREATE SCHEMA relay_test AUTHORIZATION souk_relay_test; GRANT souk_relay_test TO CURRENT_USER', [], url)
      await query(`SET ROLE souk_relay_test; ${outboxTables}`, [], url)
    }
    dbs = [main, ...orders].map((url) => new Database(url, 'relay_test'))
    log = openEventLog()
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })
  afterAll(async () => {
    await log.close()
    await Promise.all(dbs.map((db) => db.close()))
    await databases.drop()
  })

  const write = (db: Database, aggregates: readonly string[], count = 1): Promise<void> =>
    db.tx((tx) =>
      appendEvents(
        tx,
        'relay_test',
        Array.from({ length: count }, (_, i) => aggregates.map((aggregate) => ({ topic: TOPIC, aggregate, body: { orderId: aggregate, buyerId: 'u', refundId: `${i}`, amount: money(1), reason: 'test' } }) as const)).flat()
      )
    )
  const empty = async (): Promise<boolean> => (await Promise.all(dbs.map((db) => db.query('SELECT 1 FROM relay_test.outbox LIMIT 1')))).every((rows) => rows.length === 0)
  const aggregates = (prefix: string, count = 30): string[] => Array.from({ length: count }, (_, i) => `${prefix}/${i}`)

  /** Everything that reaches the log of aggregates with this prefix. */
  function follow(prefix: string): EventRecord[] {
    const received: EventRecord[] = []
    const subscription = log.consume([TOPIC], `follow-${prefix}`, async (batch) => void received.push(...batch.filter((e) => e.aggregate.startsWith(`${prefix}/`))))
    ends.push(() => subscription.stop())
    return received
  }

  function relay(options: { log?: EventLog; trouble?: (message: string) => void } = {}): DatabaseRelay {
    const started = new DatabaseRelay('main', databases.main, { log, published: () => {}, trouble: () => {}, pollMs: 20, balanceMs: 40, ...options })
    ends.push(() => started.stop())
    return started
  }
  const all = (received: readonly EventRecord[], names: readonly string[], count: number): boolean => {
    const order = firstArrivals(received)
    return names.every((name) => order.get(name)?.length === count)
  }
  const inOrder = (received: readonly EventRecord[]): void => {
    for (const numbers of firstArrivals(received).values()) expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1))
  }

  test('brings the events of every database into the log, in order per aggregate, and empties the outboxes', async () => {
    const received = follow('all')
    const node = new ServiceBroker(brokerOptions({ nodeID: 'relay-test', logger: false }))
    await loadServices(node, ['relay.worker'])
    await node.start()
    ends.push(() => node.stop())
    const names = dbs.map((_, i) => aggregates(`all/${i}`, 10))
    for (let round = 0; round < 4; round++) {
      await Promise.all(dbs.map((db, i) => write(db, names[i]!, 3)))
      wroteOutbox(node, 'relay_test')
    }
    await until('all have come', () => all(received, names.flat(), 12))
    await until('the outboxes are empty', empty)
    inOrder(received)
    expect(received).toHaveLength(360)
    expect(received[0]).toMatchObject({ topic: TOPIC, body: { amount: { amount: 1, currency: 'USD' }, reason: 'test' } })
    const { outboxes } = await until('it owns every lane', async () => {
      const status = await call(node, 'relay.worker.status', {})
      return status.outboxes.filter((o) => o.schema === 'relay_test').every((o) => o.lanes.length === LANES) && status
    })
    expect(outboxes.filter((o) => o.schema === 'relay_test').map(({ database, waiting, oldestSeconds }) => ({ database, waiting, oldestSeconds }))).toEqual(
      ['main', 'orders-0', 'orders-1'].map((database) => ({ database, waiting: 0, oldestSeconds: null }))
    )
  })

  test('says what waits while nobody sends it', async () => {
    const stuck = relay({ log: { ...log, publish: () => Promise.reject(new Error('the log is down')) } })
    await write(dbs[0]!, aggregates('waiting', 5), 2)
    const state = await until('it is seen', async () => (await stuck.status()).find((s) => s.schema === 'relay_test' && s.waiting === 10))
    expect(state.oldestSeconds).toBeGreaterThanOrEqual(0)
    const received = follow('waiting')
    await ends.shift()!() // the stuck one
    relay()
    await until('all have come', () => all(received, aggregates('waiting', 5), 2))
  })

  test('an answer of the log that was lost costs repeats, never events', async () => {
    const received = follow('lost')
    let calls = 0
    relay({
      log: {
        ...log,
        publish: async (events) => {
          await log.publish(events)
          if (++calls <= 2) throw new Error('the answer was lost')
        }
      }
    })
    await write(dbs[0]!, aggregates('lost'), 5)
    await until('the outbox is empty', empty)
    await until('all have come', () => all(received, aggregates('lost'), 5))
    inOrder(received)
    expect(received.length).toBeGreaterThan(150)
  })

  test('two relays share the lanes; what one leaves the other sends', async () => {
    const received = follow('two')
    const [one, other] = [relay(), relay()]
    const lanes = async (of: DatabaseRelay): Promise<number[]> => (await of.status()).find((s) => s.schema === 'relay_test')?.lanes ?? []
    await until('each has half', async () => (await lanes(one)).length === LANES / 2 && (await lanes(other)).length === LANES / 2)
    expect([...(await lanes(one)), ...(await lanes(other))].sort((a, b) => a - b)).toEqual(Array.from({ length: LANES }, (_, i) => i))
    for (let round = 0; round < 5; round++) await write(dbs[0]!, aggregates('two'), 2)
    await one.stop()
    for (let round = 0; round < 5; round++) await write(dbs[0]!, aggregates('two'), 2)
    await until('all have come', () => all(received, aggregates('two'), 20))
    inOrder(received)
    await until('the other has all lanes', async () => (await lanes(other)).length === LANES)
  })

  test('sessions that the server ends, in the middle of a backlog, cost repeats, never events', async () => {
    const received = follow('cut')
    relay()
    for (let round = 0; round < 8; round++) {
      await until('it is written', () => write(dbs[0]!, aggregates('cut'), 20).then(() => true, () => false))
      await databases.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'souk%' AND datname = current_database()`)
    }
    await until('the outbox is empty', () => empty().catch(() => false))
    const [{ written }] = (await databases.query(`SELECT count(*)::int AS written FROM log.event WHERE aggregate LIKE 'cut/%'`)) as [{ written: number }]
    expect(written).toBeGreaterThanOrEqual(30 * 160)
    await until('all have come', () => received.length >= written)
    inOrder(received)
  })

  test('a transaction that commits late, behind larger ids of its lane, is not passed over', async () => {
    const received = follow('late')
    relay()
    let other = 0
    const lane = laneOf('late/slow')
    while (laneOf(`late/${other}`) !== lane) other++
    await dbs[0]!.tx(async (tx) => {
      await appendEvents(tx, 'relay_test', [{ topic: TOPIC, aggregate: 'late/slow', body: { orderId: 'o', buyerId: 'u', refundId: 'r', amount: money(1), reason: 'test' } }])
      await write(dbs[0]!, [`late/${other}`])
      await until('the later id has come', () => received.some((e) => e.aggregate === `late/${other}`))
    })
    await until('the earlier id has come', () => received.some((e) => e.aggregate === 'late/slow'))
  })

  test('an event that the log refuses holds up its own lane only, and is named', async () => {
    const received = follow('refused')
    const complaints: string[] = []
    const refused = { yes: true }
    const [bad] = aggregates('refused')
    relay({
      log: { ...log, publish: (events) => (refused.yes && events.some((e) => e.aggregate === bad) ? Promise.reject(new Error('too large')) : log.publish(events)) },
      trouble: (message) => complaints.push(message)
    })
    await write(dbs[0]!, aggregates('refused'), 3)
    const others = aggregates('refused').filter((a) => laneOf(a) !== laneOf(bad!))
    await until('the others have come', () => all(received, others, 3))
    await until('the lane is named', () => complaints.some((c) => c.includes(`lane ${laneOf(bad!)}`) && c.includes('too large')))
    expect(received.some((e) => e.aggregate === bad)).toBe(false)
    refused.yes = false
    await until('all have come', () => all(received, aggregates('refused'), 3))
    inOrder(received)
  })
})
