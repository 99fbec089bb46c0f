import { hash32 } from '../primitives/hash.ts'
import { newId } from '../primitives/ids.ts'
import { columns, type Queryable } from '../postgres/database.ts'
import type { EventName, Events } from '../runtime/calls.ts'

/** Lanes of every outbox: the unit a relay claims. */
export const LANES = 16

export const laneOf = (aggregate: string): number => hash32(aggregate) % LANES

/** An event about to be written; its number comes from its aggregate in the same commit. */
export type NewEvent = { [N in EventName]: { topic: N; aggregate: string; body: Events[N] } }[EventName]

/**
 * Writes events in the transaction of the change that they report, numbered gap-free per aggregate (the counter's row lock makes
 * changes of one aggregate commit in the order of their numbers). Schemas that call it use `outbox`.
 */
export async function appendEvents(tx: Queryable, schema: string, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return
  const aggregates = [...new Set(events.map((e) => e.aggregate))].sort()
  const counts = aggregates.map((a) => events.filter((e) => e.aggregate === a).length)
  const last = await tx.query<{ aggregate: string; number: number }>(
    `INSERT INTO ${schema}.event_number AS n (aggregate, number) SELECT * FROM unnest($1::text[], $2::bigint[])
     ON CONFLICT (aggregate) DO UPDATE SET number = n.number + excluded.number RETURNING aggregate, number`,
    [aggregates, counts]
  )
  const next = new Map(last.map(({ aggregate, number }) => [aggregate, number - counts[aggregates.indexOf(aggregate)]! + 1]))
  const rows = events.map((e) => {
    const number = next.get(e.aggregate)!
    next.set(e.aggregate, number + 1)
    return { lane: laneOf(e.aggregate), event_id: newId(), topic: e.topic, aggregate: e.aggregate, number, body: JSON.stringify(e.body) }
  })
  await tx.query(
    `INSERT INTO ${schema}.outbox (lane, event_id, topic, aggregate, number, body)
     SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::jsonb[])`,
    columns(rows, ['lane', 'event_id', 'topic', 'aggregate', 'number', 'body'])
  )
}
