import type { AnalyticsSchema } from '../../mixins/analytics/port.ts'
import type { FeedOptions } from '../../mixins/analytics/event-feed.ts'
import type { EventRecord } from '../../mixins/events/port.ts'
import { newId } from '../../mixins/primitives/ids.ts'

/** What a process forwards for the benchmark. */
export interface Forwarding {
  group: string
  topics: readonly string[]
  /** Whole name. */
  table: string
}

/** The same table that the shop keeps its events in. */
export const schemaOf = (table: string): AnalyticsSchema => ({
  tables: [
    `CREATE DATABASE IF NOT EXISTS ${table.split('.')[0]}`,
    `CREATE TABLE IF NOT EXISTS ${table} (event_id String, at DateTime64(3, 'UTC'), topic LowCardinality(String), aggregate String, number UInt64, body String CODEC(ZSTD(3)))
     ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(at) ORDER BY (topic, event_id) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`
  ],
  queries: { stored: `SELECT count() AS events FROM ${table}`, counted: `SELECT count() AS events, sum(number) AS sum FROM ${table} FINAL` }
})

export const rowsOf = (table: string): FeedOptions['rowsOf'] => (batch) => ({ [table]: batch.map(({ id, at, topic, aggregate, number, body }) => ({ event_id: id, at, topic, aggregate, number, body })) })

const AGGREGATES = 5_000

/** An event as large as that of a small order. */
export function eventOf(topic: string, n: number): EventRecord {
  const amount = (minor: number) => ({ amount: minor, currency: 'USD' })
  const line = { offerId: newId(), productId: newId(), title: `Thing of the ${n}th kind`, quantity: 1 + (n % 3), unitPrice: amount(1_999) }
  const totals = { subtotal: amount(1_999), shipping: amount(500), tax: amount(160), total: amount(2_659) }
  const body = { orderId: newId(), buyerId: newId(), subOrders: [{ id: newId(), sellerId: newId(), lines: [line], totals }], totals }
  return { id: newId(), topic, aggregate: `order/${n % AGGREGATES}`, number: n, at: new Date().toISOString(), body }
}
