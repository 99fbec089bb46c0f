import type { EventRecord } from '../events/port.ts'
import { columns, type Queryable } from '../postgres/database.ts'

const placeOf = (e: { topic: string; aggregate: string }): string => `${e.topic} ${e.aggregate}`

/**
 * The events of a batch that have not had their effect yet, marked as taken in this transaction: at-least-once delivery becomes
 * effect once, in order per aggregate within a topic. Call it first in the transaction of the effect; two transactions that race
 * for one aggregate go one after the other from here on, also when it is new to both. Schemas that call it use `inbox`.
 */
export async function takeFresh<B>(tx: Queryable, schema: string, consumer: string, batch: readonly EventRecord<B>[]): Promise<EventRecord<B>[]> {
  const last = new Map<string, { topic: string; aggregate: string; number: number }>()
  for (const e of batch) last.set(placeOf(e), { topic: e.topic, aggregate: e.aggregate, number: Math.max(last.get(placeOf(e))?.number ?? 0, e.number) })
  // The upsert is what locks: it waits for a racing transaction's row, whether that was there before or is new, and `old` is what
  // that transaction left. A SELECT beforehand would see no row to lock. Sorted, so that no two wait for each other in a circle.
  const before = await tx.query<{ topic: string; aggregate: string; seen: number | null }>(
    `INSERT INTO ${schema}.inbox AS i (consumer, topic, aggregate, number)
     SELECT $1, topic, aggregate, number FROM unnest($2::text[], $3::text[], $4::bigint[]) AS b (topic, aggregate, number) ORDER BY topic, aggregate
     ON CONFLICT (consumer, topic, aggregate) DO UPDATE SET number = greatest(i.number, excluded.number)
     RETURNING topic, aggregate, old.number AS seen`,
    [consumer, ...columns([...last.values()], ['topic', 'aggregate', 'number'])]
  )
  const seen = new Map(before.map((row) => [placeOf(row), row.seen ?? 0]))
  return batch.filter((e) => {
    if (e.number <= (seen.get(placeOf(e)) ?? 0)) return false
    seen.set(placeOf(e), e.number)
    return true
  })
}
