import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServiceBroker, type Service } from 'moleculer'
import { openAnalytics } from '../../mixins/analytics/analytics.ts'
import { forwardEvents, type ForwardsEvents } from '../../mixins/analytics/forward-events.ts'
import type { AnalyticsSchema, AnalyticsStore } from '../../mixins/analytics/port.ts'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog, EventRecord } from '../../mixins/events/port.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { service } from '../../mixins/runtime/service.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { chdbIsMissing } from '../support/chdb.ts'
import { startClickHouse, type TestClickHouse } from '../support/clickhouse.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

const SCHEMA: AnalyticsSchema = {
  tables: [
    'CREATE DATABASE IF NOT EXISTS souk_test',
    `CREATE TABLE IF NOT EXISTS souk_test.fact (event_id String, at DateTime64(3, 'UTC'), topic String, number Int64) ENGINE = ReplacingMergeTree ORDER BY event_id`
  ],
  queries: {
    counted: 'SELECT count() AS events, sum(number) AS sum FROM souk_test.fact FINAL',
    stored: 'SELECT count() AS events FROM souk_test.fact'
  }
}
const TOPICS = ['forward_a', 'forward_b', 'forward_c']

const missing = process.env['SOUK_TEST_CLICKHOUSE_URL'] ? null : await chdbIsMissing()
const engines = process.env['SOUK_TEST_KAFKA_BROKERS'] ? 'from Kafka' : 'from the log in PostgreSQL'

;(missing ? describe.skip : describe)(`events forwarded to ClickHouse ${engines}`, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'souk-forward-'))
  const group = `forward-${newId()}`
  const topics = TOPICS.map((name) => `${name}_${newId()}`)
  let databases: TestDatabases
  let server: TestClickHouse | null = null
  let log: EventLog
  let store: AnalyticsStore

  async function member(nodeID: string): Promise<{ feed: ForwardsEvents['feed']; stop: () => Promise<void> }> {
    const broker = new ServiceBroker(brokerOptions({ nodeID, logger: false }))
    const forwarder = broker.createService(
      service({
        name: 'forwarder',
        mixins: [forwardEvents({ schema: SCHEMA, group, topics, rowsOf: (batch) => ({ 'souk_test.fact': batch.map(({ id, at, topic, number }) => ({ event_id: id, at, topic, number })) }) })]
      })
    ) as Service & ForwardsEvents
    await broker.start()
    await forwarder.feed.start()
    return { feed: forwarder.feed, stop: () => broker.stop() }
  }

  beforeAll(async () => {
    databases = await createDatabases()
    if (!process.env['SOUK_TEST_CLICKHOUSE_URL']) server = await startClickHouse(dataDir)
    process.env['CLICKHOUSE_URL'] = process.env['SOUK_TEST_CLICKHOUSE_URL'] ?? server!.url
    if (process.env['SOUK_TEST_KAFKA_BROKERS']) process.env['KAFKA_BROKERS'] = process.env['SOUK_TEST_KAFKA_BROKERS']
    log = openEventLog()
    store = openAnalytics(SCHEMA)
  })
  afterAll(async () => {
    await store.close()
    await log.close()
    await server?.stop()
    delete process.env['CLICKHOUSE_URL']
    delete process.env['KAFKA_BROKERS']
    await databases.drop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test('members of one group that come and go store every event, and each is counted once', async () => {
    const events: EventRecord[] = Array.from({ length: 3_000 }, (_, i) => ({ id: newId(), topic: topics[i % 3]!, aggregate: `thing/${i % 50}`, number: i, at: '2026-11-24T10:00:00.000Z', body: {} }))
    const [before] = await store.query<{ events: number; sum: number }>('counted', {})
    const one = await member('one')
    await log.publish(events.slice(0, 1_500))
    await until('it is at work', async () => (await store.query<{ events: number }>('stored', {}))[0]!.events > before!.events)
    const two = await member('two')
    await log.publish(events.slice(1_000)) // some once more
    await one.stop()
    await until('all is taken in', async () => (await log.lag(group)) === 0, 60_000)
    const [after] = await store.query<{ events: number; sum: number }>('counted', {})
    expect([after!.events - before!.events, after!.sum - before!.sum]).toEqual([3_000, (3_000 * 2_999) / 2])
    expect(two.feed.off).toBeNull()
    await two.stop()
  }, 90_000)
})
