import { databaseOfOrder } from '../../services/order/order.store.ts'
import type { Books } from './books.ts'
import type { Findings, Invariant } from './invariant.ts'

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

/** Tables that hold texts of the search index are left out: they are made of the catalogue, which is looked at. */
async function lookForCards(books: Books, found: Findings): Promise<void> {
  for (const { name, query } of books.databases()) {
    for (const { schema, table, column } of await textColumns(query)) {
      const where = `"${schema}"."${table}"`
      const rows = await query<{ value: string }>(`SELECT "${column}"::text AS value FROM ${where} WHERE "${column}"::text ~ '(^|[^0-9.-])[2-6][0-9]{14,15}([^0-9.-]|$)' LIMIT 1000`)
      found.looked(1)
      for (const { value } of rows) for (const [digits] of value.matchAll(CARD)) if (isLuhnValid(digits)) found.violation(`${name}: ${where}.${column} holds what looks like a card number (…${digits.slice(-4)})`)
    }
  }
}

const noCards: Invariant = {
  number: 24,
  name: 'no card number lies in any store, topic or outbox',
  look: (books, found) => ({ finish: () => lookForCards(books, found) })
}

/** Index of the database that an order's id names; null for what is no order's id. */
function homeOf(orderId: string, databases: number): number | null {
  try {
    return databaseOfOrder(orderId, databases)
  } catch {
    return null
  }
}

const uniqueIds: Invariant = {
  number: 25,
  name: 'ids are unique over threads, shards and sites',
  look(books, found) {
    const refunds = new Set<string>()
    return {
      /** An order lies where its id says, so in one database only; ids below it begin with its own, so they are its own. */
      order({ order, database }) {
        const home = homeOf(order.id, books.options.orders.length)
        found.expect(home === database, () => `order ${order.id} lies in order database ${database}, it belongs to ${home ?? 'none'}`)
        const parts = order.subOrders.map((s) => s.id)
        found.expect(new Set(parts).size === parts.length && parts.every((id) => id.startsWith(`${order.id}.`)), () => `order ${order.id} has parts ${parts.join(', ')}`)
        for (const { id } of order.refunds) {
          found.expect(!refunds.has(id), () => `refund ${id} is there twice`)
          refunds.add(id)
        }
      },
      finish: () => lookForTwins(books, found)
    }
  }
}

/** An event may be stored twice (at least once), but then it is the same event. */
async function lookForTwins(books: Books, found: Findings): Promise<void> {
  if (!books.hasLog) return
  const twins = await books.log<{ id: string; n: number }>('SELECT id, count(DISTINCT (topic, aggregate, number))::int AS n FROM audit_event GROUP BY id HAVING count(DISTINCT (topic, aggregate, number)) > 1')
  found.looked(1)
  for (const { id, n } of twins) found.violation(`event id ${id} names ${n} different events`)
}

export const safety: Invariant[] = [noCards, uniqueIds]
