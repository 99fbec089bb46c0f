import type { Books } from './books.ts'
import { Findings, type Invariant } from './invariant.ts'

/** The Luhn check of card numbers (ISO/IEC 7812-1, annex B). */
export function isLuhnValid(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const d = Number(digits[digits.length - 1 - i])
    sum += i % 2 === 0 ? d : d * 2 > 9 ? d * 2 - 9 : d * 2
  }
  return sum % 10 === 0
}

/** Major card schemes' first digits and lengths: a number that merely passes Luhn (one in ten does) is no card. */
const CARD = /(?<![\d.-])(?:4\d{15}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12})(?![\d.-])/g

async function textColumns(query: <R extends Record<string, unknown>>(sql: string) => Promise<R[]>): Promise<{ schema: string; table: string; column: string }[]> {
  return query(
    `SELECT table_schema AS schema, table_name AS table, column_name AS column FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_type = 'BASE TABLE' AND data_type IN ('text', 'json', 'jsonb') AND table_schema NOT IN ('pg_catalog', 'information_schema', 'search') AND table_schema NOT LIKE 'pg_%'`
  )
}

const noCards: Invariant = {
  number: 24,
  name: 'no card number lies in any store, topic or outbox',
  async check(books) {
    const found = new Findings()
    for (const { name, query } of books.databases()) {
      for (const { schema, table, column } of await textColumns(query)) {
        const where = `"${schema}"."${table}"`
        const rows = await query<{ value: string }>(`SELECT "${column}"::text AS value FROM ${where} WHERE "${column}"::text ~ '(^|[^0-9.-])[2-6][0-9]{14,15}([^0-9.-]|$)' LIMIT 1000`)
        found.look()
        for (const { value } of rows) for (const [digits] of value.matchAll(CARD)) if (isLuhnValid(digits)) found.violation(`${name}: ${where}.${column} holds what looks like a card number (…${digits.slice(-4)})`)
      }
    }
    return found.result
  }
}

const uniqueIds: Invariant = {
  number: 25,
  name: 'ids are unique over threads, shards and sites',
  async check(books) {
    const found = new Findings()
    const seen = new Set<string>()
    for await (const { order } of books.orderFiles()) {
      for (const id of [order.id, ...order.subOrders.map((s) => s.id), ...order.refunds.map((r) => r.id)]) {
        found.expect(!seen.has(id), () => `id ${id} is there twice`)
        seen.add(id)
      }
    }
    await expectUniqueEvents(books, found)
    return found.result
  }
}

/** An event may be stored twice (at least once), but then it is the same event. */
async function expectUniqueEvents(books: Books, found: Findings): Promise<void> {
  const twins = await books.main<{ id: string; n: number }>('SELECT id, count(DISTINCT (topic, aggregate, number))::int AS n FROM log.event GROUP BY id HAVING count(DISTINCT (topic, aggregate, number)) > 1')
  found.look()
  for (const { id, n } of twins) found.violation(`event id ${id} names ${n} different events`)
}

export const safety: Invariant[] = [noCards, uniqueIds]
