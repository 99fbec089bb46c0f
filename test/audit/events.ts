import type { Books } from './books.ts'
import { Findings, type Invariant } from './invariant.ts'

interface Source {
  name: string
  /** aggregate → the number of its last event, as the aggregate's own store counts. */
  last: Map<string, number>
  /** Numbers that still wait in the outbox. */
  waiting: Map<string, number[]>
}

/** Every schema that has an outbox, with its counters. */
async function sources(books: Books): Promise<Source[]> {
  const found: Source[] = []
  for (const { name, query } of books.databases()) {
    const schemas = await query<{ schema: string; actors: boolean }>(
      `SELECT schemaname AS schema, to_regclass(schemaname || '.actor') IS NOT NULL AS actors FROM pg_tables WHERE tablename = 'outbox' ORDER BY 1`
    )
    for (const { schema, actors } of schemas) {
      const counters = await query<{ aggregate: string; number: number }>(
        `SELECT aggregate, number::float8 AS number FROM ${schema}.event_number ${actors ? `UNION ALL SELECT type || '/' || key, events::float8 FROM ${schema}.actor WHERE events > 0` : ''}`
      )
      const waiting = new Map<string, number[]>()
      for (const row of await query<{ aggregate: string; number: number }>(`SELECT aggregate, number::float8 AS number FROM ${schema}.outbox`)) waiting.set(row.aggregate, [...(waiting.get(row.aggregate) ?? []), row.number])
      found.push({ name: `${name}/${schema}`, last: new Map(counters.map((c) => [c.aggregate, c.number])), waiting })
    }
  }
  return found
}

/** What the log holds of each aggregate: distinct numbers, lowest and highest. */
async function logged(books: Books): Promise<Map<string, { count: number; min: number; max: number }>> {
  const rows = await books.main<{ aggregate: string; count: number; min: number; max: number }>(
    `SELECT aggregate, count(DISTINCT number)::float8 AS count, min(number)::float8 AS min, max(number)::float8 AS max FROM log.event GROUP BY aggregate`
  )
  return new Map(rows.map((r) => [r.aggregate, r]))
}

const gapFree: Invariant = {
  number: 16,
  name: 'events are numbered gap-free per aggregate, and their store and the log agree',
  async check(books) {
    const found = new Findings()
    const log = await logged(books)
    for (const source of await sources(books)) {
      for (const [aggregate, last] of source.last) {
        const seen = log.get(aggregate)
        const waiting = (source.waiting.get(aggregate) ?? []).filter((n) => !seen || n > seen.max)
        const have = (seen?.count ?? 0) + waiting.length
        const from = seen?.min ?? 1 // older ones may have left the log by age
        found.expect(have === last - from + 1, () => `${source.name}: ${aggregate} has ${last} events, the log and the outbox have ${have} from ${from} on`)
      }
    }
    return found.result
  }
}

const delivered: Invariant = {
  number: 17,
  name: 'each business event reaches the log and has its effect once: nothing stuck, no consumer ahead of the log',
  async check(books) {
    const found = new Findings()
    for (const { name, query } of books.databases()) {
      for (const { schema } of await query<{ schema: string }>(`SELECT schemaname AS schema FROM pg_tables WHERE tablename = 'outbox'`)) {
        const [stuck] = await query<{ n: number }>(`SELECT count(*)::int AS n FROM ${schema}.outbox WHERE at < now() - make_interval(secs => $1)`, [Math.max(30, books.options.settledSeconds)])
        found.expect(stuck!.n === 0, () => `${name}/${schema}: ${stuck!.n} events wait in the outbox`)
      }
    }
    const log = await logged(books)
    for (const { schema } of await books.main<{ schema: string }>(`SELECT schemaname AS schema FROM pg_tables WHERE tablename = 'inbox'`)) {
      for (const r of await books.main<{ consumer: string; aggregate: string; number: number }>(`SELECT consumer, aggregate, number::float8 AS number FROM ${schema}.inbox WHERE number > 0`)) {
        const last = log.get(r.aggregate)?.max ?? 0
        found.expect(r.number <= last, () => `${r.consumer} took event ${r.number} of ${r.aggregate}, the log ends at ${last}`)
      }
    }
    return found.result
  }
}

/** Orders and what they told: every accepted order was announced once, and nothing else was. */
const announced: Invariant = {
  number: 18,
  name: 'what the events say of orders is what the orders say, to the cent',
  async check(books) {
    const found = new Findings()
    const told = new Map<string, { created: number; confirmed: number; total: number }>()
    for (const r of await books.main<{ id: string; created: number; confirmed: number; total: number }>(
      `SELECT body->>'orderId' AS id, count(DISTINCT number) FILTER (WHERE topic = 'order_created')::int AS created, count(DISTINCT number) FILTER (WHERE topic = 'order_confirmed')::int AS confirmed,
              max((body->'totals'->'total'->>'amount')::bigint)::float8 AS total
       FROM log.event WHERE topic IN ('order_created', 'order_confirmed') GROUP BY 1`
    )) told.set(r.id, r)
    const ids = new Set<string>()
    for await (const { order } of books.orderFiles()) {
      ids.add(order.id)
      if (!books.isSettled(order)) continue
      const t = told.get(order.id)
      const confirmed = order.timeline.some((x) => x.status === 'confirmed') ? 1 : 0
      found.expect(t?.created === 1 && t.confirmed === confirmed && t.total === order.totals.total, () => `order ${order.id} (${order.status}, ${order.totals.total}): events ${JSON.stringify(t ?? null)}`)
    }
    for (const id of told.keys()) found.expect(ids.has(id), () => `events tell of order ${id}, which does not exist`)
    return found.result
  }
}

export const eventLog: Invariant[] = [gapFree, delivered, announced]
