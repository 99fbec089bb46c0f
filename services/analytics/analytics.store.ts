import type { AnalyticsSchema, AnalyticsStore } from '../../mixins/analytics/port.ts'
import { money } from '../../mixins/primitives/money.ts'
import { FUNNEL_STEPS, REPORT_ROWS_MAX, type Funnel, type Sales } from './analytics.contract.ts'

/** Ordered by event id and replaced, so an event that came twice counts once under FINAL; synced to disk before it is acknowledged, because its place in the log moves then. */
const table = (name: string, columns: string, key: string): string =>
  `CREATE TABLE IF NOT EXISTS souk.${name} (event_id String, at DateTime64(3, 'UTC'), ${columns}) ENGINE = ReplacingMergeTree
   PARTITION BY toYYYYMM(at) ORDER BY (${key}) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`

const inPeriod = `toDate(at) BETWEEN {from:Date} AND {to:Date}`

// An event's time never changes, so its copies lie in one partition.
const settings = 'SETTINGS do_not_merge_across_partitions_select_final = 1'

const AMOUNTS = ['subtotal', 'discount', 'shipping', 'tax', 'total'] as const

/** Of `souk.sale AS s`; qualified, because ClickHouse would take a bare name for the alias. */
const saleFigures = `uniqExactIf(s.order_id, kind = 'confirmed') AS orders, ${['units', ...AMOUNTS].map((name) => `sumIf(s.${name}, kind = 'confirmed') AS ${name}`).join(', ')},
    sumIf(s.total, kind = 'cancelled') AS cancelled`

/** Sales and refunds put together by a key that both have: a day with refunds alone is a row too. */
const salesAndRefunds = (key: string, whole: 0 | 1): string => `
  SELECT key, currency, ${whole} AS whole, ${['orders', 'units', ...AMOUNTS, 'cancelled', 'refunded'].map((name) => `sum(b.${name}) AS ${name}`).join(', ')}
  FROM (
    SELECT ${key} AS key, currency, ${saleFigures}, toInt64(0) AS refunded FROM souk.sale AS s FINAL WHERE ${inPeriod} GROUP BY key, currency
    UNION ALL
    SELECT ${key} AS key, currency, 0, 0, 0, 0, 0, 0, 0, 0, sum(amount) FROM souk.refund FINAL WHERE ${inPeriod} GROUP BY key, currency) AS b
  GROUP BY key, currency ORDER BY key, currency LIMIT ${REPORT_ROWS_MAX}`

const unknown = (names: readonly string[]): string => names.map((name) => `CAST(NULL AS Nullable(Int64)) AS ${name}`).join(', ')

const salesByDay = salesAndRefunds('toString(toDate(at))', 0)

const salesBySeller = `
  SELECT seller_id AS key, currency, 0 AS whole, ${saleFigures}, ${unknown(['refunded'])} FROM souk.sale AS s FINAL WHERE ${inPeriod}
  GROUP BY key, currency ORDER BY subtotal DESC, key LIMIT ${REPORT_ROWS_MAX}`

const salesByCategory = `
  SELECT category AS key, currency, 0 AS whole, uniqExactIf(order_id, kind = 'confirmed') AS orders, sumIf(quantity, kind = 'confirmed') AS units,
    sumIf(line_total, kind = 'confirmed') AS subtotal, ${unknown(['discount', 'shipping', 'tax', 'total', 'cancelled', 'refunded'])}
  FROM souk.sale_line FINAL WHERE ${inPeriod} GROUP BY key, currency ORDER BY subtotal DESC, key LIMIT ${REPORT_ROWS_MAX}`

/** One statement, so that items and totals agree. */
const withTotals = (items: string): string => `SELECT * FROM (${items}) UNION ALL SELECT * FROM (${salesAndRefunds(`''`, 1)}) ${settings}`

const step = (name: (typeof FUNNEL_STEPS)[number], from: string, where: string): string =>
  `SELECT '${name}' AS step, uniqExactIf(subject, subject != '') AS shoppers, count() AS events FROM souk.${from} FINAL WHERE ${where} AND ${inPeriod}`

const funnelSteps = [
  step('viewed', 'behaviour', `kind = 'product_viewed'`),
  step('added_to_cart', 'event', `topic = 'cart_updated' AND detail = 'added'`),
  step('ordered', 'event', `topic = 'order_created'`),
  step('paid', 'event', `topic = 'order_confirmed'`)
]

export const ANALYTICS_SCHEMA: AnalyticsSchema = {
  tables: [
    'CREATE DATABASE IF NOT EXISTS souk',
    table('event', `topic LowCardinality(String), aggregate String, number UInt64, subject String, detail LowCardinality(String), body String CODEC(ZSTD(3))`, 'topic, event_id'),
    table(
      'sale',
      `kind LowCardinality(String), order_id String, buyer_id String, sub_order_id String, seller_id String, currency LowCardinality(String),
       units Int64, subtotal Int64, discount Int64, shipping Int64, tax Int64, total Int64`,
      'event_id, sub_order_id'
    ),
    table(
      'sale_line',
      `kind LowCardinality(String), order_id String, sub_order_id String, line UInt16, seller_id String, offer_id String, product_id String,
       category LowCardinality(String), quantity Int64, currency LowCardinality(String), line_total Int64`,
      'event_id, sub_order_id, line'
    ),
    table('refund', 'order_id String, refund_id String, currency LowCardinality(String), amount Int64', 'event_id'),
    table('behaviour', 'kind LowCardinality(String), subject String, product_id String, query String', 'kind, event_id')
  ],
  queries: {
    sales_by_day: withTotals(salesByDay),
    sales_by_seller: withTotals(salesBySeller),
    sales_by_category: withTotals(salesByCategory),
    funnel: `${funnelSteps.join(' UNION ALL ')} ${settings}`
  }
}

interface SalesRow {
  key: string
  currency: string
  whole: 0 | 1
  orders: number
  units: number
  subtotal: number
  discount: number | null
  shipping: number | null
  tax: number | null
  total: number | null
  cancelled: number | null
  refunded: number | null
}

function figures({ currency, orders, units, subtotal, discount, shipping, tax, total, cancelled, refunded }: SalesRow): Sales['totals'][number] {
  const amount = (n: number | null) => (n === null ? null : money(n, currency))
  const net = total === null || cancelled === null || refunded === null ? null : total - cancelled - refunded
  return {
    orders,
    units,
    subtotal: money(subtotal, currency),
    discount: amount(discount),
    shipping: amount(shipping),
    tax: amount(tax),
    total: amount(total),
    cancelled: amount(cancelled),
    refunded: amount(refunded),
    net: amount(net)
  }
}

export async function readSales(store: AnalyticsStore, period: { from: string; to: string }, groupBy: Sales['groupBy']): Promise<Sales> {
  const rows = await store.query<SalesRow>(`sales_by_${groupBy}`, period)
  return {
    ...period,
    groupBy,
    items: rows.filter((row) => !row.whole).map((row) => ({ key: row.key, ...figures(row) })),
    totals: rows.filter((row) => row.whole).map(figures)
  }
}

export async function readFunnel(store: AnalyticsStore, period: { from: string; to: string }): Promise<Funnel> {
  const rows = await store.query<Funnel['steps'][number]>('funnel', period)
  return { ...period, steps: FUNNEL_STEPS.map((name) => rows.find((row) => row.step === name) ?? { step: name, shoppers: 0, events: 0 }) }
}
