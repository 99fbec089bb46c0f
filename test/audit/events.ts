import type { Payment } from '../../services/payment/payment.ts'
import { paged, type Books, type Logged, type Query } from './books.ts'
import type { Findings, Invariant } from './invariant.ts'

const NO_LOG = 'there is no event log'

/** Schemas of a database that have an outbox, and whether actors count their own events there. */
const OUTBOXES = `SELECT schemaname AS schema, to_regclass(schemaname || '.actor') IS NOT NULL AS actors FROM pg_tables WHERE tablename = 'outbox' ORDER BY 1`

const INBOXES = `SELECT schemaname AS schema FROM pg_tables WHERE tablename = 'inbox' ORDER BY 1`

/** Rows that are compared with the log at once. */
const PAGE = 2_000

type Counter = { aggregate: string; number: number }

/**
 * Whether the log and the outbox together hold each number of an aggregate up to its counter; older ones may have left the log by
 * age. `later`: the log was read after the counter, so it may hold more.
 */
function compare(found: Findings, where: string, { aggregate, number }: Counter, seen: Logged | undefined, waiting: readonly number[], later = false): void {
  const after = waiting.filter((n) => !seen || n > seen.max)
  const have = (seen?.count ?? 0) + after.length
  const from = seen?.min ?? 1
  const wanted = number - from + 1
  found.expect(later ? have >= wanted : have === wanted, () => `${where}: ${aggregate} has ${number} events, the log and the outbox have ${have} from ${from} on`)
}

async function lookAtOutboxes(books: Books, found: Findings): Promise<void> {
  for (const { name, logIsLater, query } of books.databases()) {
    for (const { schema, actors } of await query<{ schema: string; actors: boolean }>(OUTBOXES)) {
      const outbox = await query<{ aggregate: string; numbers: number[] }>(`SELECT aggregate, array_agg(DISTINCT number::float8) AS numbers FROM ${schema}.outbox GROUP BY aggregate`)
      const waiting = new Map(outbox.map((r) => [r.aggregate, r.numbers]))
      const sources = [`SELECT aggregate, number::float8 AS number FROM ${schema}.event_number WHERE aggregate COLLATE "C" > $1 ORDER BY aggregate COLLATE "C" LIMIT $2`]
      if (actors) {
        sources.push(`SELECT type || '/' || key AS aggregate, events::float8 AS number FROM ${schema}.actor
          WHERE events > 0 AND (type || '/' || key) COLLATE "C" > $1 ORDER BY (type || '/' || key) COLLATE "C" LIMIT $2`)
      }
      for (const source of sources) {
        for await (const page of paged<Counter>('aggregate', (after, limit) => query(source, [after, limit]))) {
          const log = await books.logged(page.map((c) => c.aggregate))
          for (const c of page) compare(found, `${name}/${schema}`, c, log.get(c.aggregate), waiting.get(c.aggregate) ?? [], logIsLater)
        }
      }
    }
  }
}

const gapFree: Invariant = {
  number: 16,
  name: 'events are numbered gap-free per aggregate, and their store and the log agree',
  look(books, found) {
    if (!books.hasLog) return NO_LOG
    return {
      order({ payments, logged }) {
        for (const p of payments as Payment[]) if (p.eventNumber > 0) compare(found, 'payment', { aggregate: `payment/${p.id}`, number: p.eventNumber }, logged.get(`payment/${p.id}`), p.outbox.map((e) => e.number), books.logIsLaterThanPayments)
      },
      finish: () => lookAtOutboxes(books, found)
    }
  }
}

interface Taken extends Record<string, unknown> {
  consumer: string
  topic: string
  aggregate: string
  number: number
}

const TAKEN = (schema: string): string => `SELECT consumer, topic, aggregate, number::float8 AS number FROM ${schema}.inbox
  WHERE (consumer, topic, aggregate) > ($1, $2, $3) ORDER BY consumer, topic, aggregate LIMIT ${PAGE}`

/** Whether each consumer of a schema took only what the log has. */
async function lookAtInbox(books: Books, found: Findings, query: Query, schema: string): Promise<void> {
  for (let last: Taken | undefined; ; ) {
    const rows = await query<Taken>(TAKEN(schema), [last?.consumer ?? '', last?.topic ?? '', last?.aggregate ?? ''])
    const log = await books.logged([...new Set(rows.map((r) => r.aggregate))])
    for (const { consumer, topic, aggregate, number } of rows) {
      const end = log.get(aggregate)?.max
      const isThere = number <= 0 || (end === undefined ? books.trimmed.includes(topic) : number <= end)
      found.expect(isThere, () => `${consumer} took event ${number} of ${aggregate}, the log ends at ${end ?? 0}`)
    }
    if (rows.length < PAGE) return
    last = rows.at(-1)
  }
}

const delivered: Invariant = {
  number: 17,
  name: 'each business event reaches the log and has its effect once: nothing stuck, no consumer ahead of the log',
  look(books, found) {
    if (!books.hasLog) return NO_LOG
    return {
      async finish() {
        for (const { name, query } of books.databases()) {
          for (const { schema } of await query<{ schema: string }>(OUTBOXES)) {
            const [stuck] = await query<{ n: number }>(`SELECT count(*)::int AS n FROM ${schema}.outbox WHERE at < now() - make_interval(secs => $1)`, [Math.max(30, books.options.settledSeconds)])
            found.expect(stuck!.n === 0, () => `${name}/${schema}: ${stuck!.n} events wait in the outbox`)
          }
        }
        for (const { query } of books.databases()) {
          for (const { schema } of await query<{ schema: string }>(INBOXES)) await lookAtInbox(books, found, query, schema)
        }
      }
    }
  }
}

/** Orders and what they told: every accepted order was announced once, and nothing else was. */
const announced: Invariant = {
  number: 18,
  name: 'what the events say of orders is what the orders say, to the cent',
  look(books, found) {
    if (!books.hasLog) return NO_LOG
    return {
      order({ order, logged }) {
        const told = logged.get(`order/${order.id}`)
        if (!books.isSettled(order) || (told && told.min > 1)) return // its first events have left the log by age
        const expected = { created: 1, confirmed: order.timeline.filter((t) => t.status === 'confirmed').length, cancelled: order.status === 'cancelled' ? 1 : 0, total: order.totals.total }
        const { created, confirmed, cancelled, total } = told ?? { created: 0, confirmed: 0, cancelled: 0, total: null }
        found.expect(
          created === expected.created && confirmed === expected.confirmed && cancelled === expected.cancelled && total === expected.total,
          () => `order ${order.id} (${order.status}) should have told ${JSON.stringify(expected)}, its events say ${JSON.stringify({ created, confirmed, cancelled, total })}`
        )
      },
      async finish() {
        const page = (after: string, limit: number): Promise<{ aggregate: string }[]> =>
          books.log(`SELECT aggregate FROM audit_log WHERE aggregate > $1 AND created + confirmed + cancelled > 0 ORDER BY aggregate LIMIT $2`, [after, limit])
        for await (const rows of paged('aggregate', page)) {
          found.looked(rows.length)
          for (const id of await books.missingOrders(rows.map((r) => r.aggregate.slice('order/'.length)))) found.violation(`events tell of order ${id}, which does not exist`)
        }
      }
    }
  }
}

export const eventLog: Invariant[] = [gapFree, delivered, announced]
