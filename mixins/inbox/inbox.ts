import { columns, type Queryable } from '../postgres/database.ts'
import type { EventRecord } from '../events/port.ts'

/**
 * The events of a batch that have not had their effect yet, marked as taken in this transaction: at-least-once delivery becomes
 * effect once, in order per aggregate. Call it first in the transaction of the effect. Schemas that call it use `inbox`.
 */
export async function takeFresh(tx: Queryable, schema: string, consumer: string, batch: readonly EventRecord[]): Promise<EventRecord[]> {
  const last = new Map<string, number>()
  for (const e of batch) last.set(e.aggregate, Math.max(last.get(e.aggregate) ?? 0, e.number))
  const marks = [...last].map(([aggregate, number]) => ({ aggregate, number })).sort((a, b) => (a.aggregate < b.aggregate ? -1 : 1))
  const before = await tx.query<{ aggregate: string; seen: number }>(
    `WITH batch AS (SELECT * FROM unnest($2::text[], $3::bigint[]) AS b (aggregate, number)),
          known AS (SELECT i.aggregate, i.number FROM ${schema}.inbox i JOIN batch USING (aggregate) WHERE consumer = $1 ORDER BY i.aggregate FOR UPDATE OF i),
          marked AS (INSERT INTO ${schema}.inbox AS i (consumer, aggregate, number) SELECT $1, aggregate, number FROM batch
                     ON CONFLICT (consumer, aggregate) DO UPDATE SET number = greatest(i.number, excluded.number))
     SELECT aggregate, number AS seen FROM known`,
    [consumer, ...columns(marks, ['aggregate', 'number'])]
  )
  const seen = new Map(before.map((row) => [row.aggregate, row.seen]))
  return batch.filter((e) => {
    if (e.number <= (seen.get(e.aggregate) ?? 0)) return false
    seen.set(e.aggregate, e.number)
    return true
  })
}
