import type { Turn } from './types.ts'
import { laneOf } from '../outbox/outbox.ts'
import { newId } from '../primitives/ids.ts'

// A batch of turns as one statement. Columns travel as texts joined by the record separator, a character that JSON texts and
// checked keys never hold: nothing needs escaping here, and PostgreSQL splits them without parsing arrays.
// Every result is found by its ordinal, never by its key: a stale and a live turn of one actor may share a batch.

/** The separator between the values of a column. Never in JSON texts, which escape control characters; keys are checked. */
const SEPARATOR = '\x1e'
const EMPTY = '' // a NULL: no key, id or JSON text is empty; PostgreSQL reads a column of one empty text as no text at all

/** Which parts a batch needs: each adds its clause, so that batches without them do not pay for it. */
export interface BatchParts {
  events: boolean
  records: boolean
  completes: boolean
  reminders: boolean
}

export const partsOf = (turns: readonly Turn[]): BatchParts => ({
  events: turns.some((t) => t.events.length > 0),
  records: turns.some((t) => t.record !== undefined),
  completes: turns.some((t) => t.completes !== undefined),
  reminders: turns.some((t) => t.reminders.length > 0)
})

/** Answers the ordinals (from 1) that were written, and those (`repeat`) whose operation was taken before; the rest are stale. */
export interface BatchRow {
  ord: number
  repeat: boolean
}

class Columns {
  readonly values: unknown[] = []

  /** `unnest(…)` over texts, one `$n` for each column, with a cast where the column is no text. */
  texts(columns: readonly (readonly string[])[]): string {
    return columns.map((column) => `string_to_array($${this.values.push(column.join(SEPARATOR))}, E'\\x1e')`).join(', ')
  }

  ints(column: readonly number[]): string {
    return `$${this.values.push(`{${column.join(',')}}`)}::bigint[]`
  }
}

/** The statement for these turns and its values. The text depends on the parts alone, so it is prepared once for each combination. */
export function commitStatement(schema: string, turns: readonly Turn[], parts: BatchParts): { text: string; values: unknown[] } {
  const columns = new Columns()
  const clauses = [input(columns, turns, parts), ...(parts.records ? [recording(schema)] : []), merging(schema, parts.records ? 'going' : 'input')]
  if (parts.events) clauses.push(publishing(columns, schema, turns))
  if (parts.completes) clauses.push(completing(columns, schema, turns))
  if (parts.reminders) clauses.push(reminding(columns, schema, turns))
  const repeats = parts.records ? `UNION ALL SELECT ord, true FROM live WHERE NOT ${goes}` : ''
  return { text: `WITH ${clauses.join(',\n')}\nSELECT ord, false AS repeat FROM merged ${repeats}`, values: columns.values }
}

function input(columns: Columns, turns: readonly Turn[], parts: BatchParts): string {
  const own = [turns.map((t) => t.type), turns.map((t) => t.key), turns.map((t) => t.state ?? EMPTY), turns.map((t) => t.operations)]
  const record = parts.records ? [turns.map((t) => t.record?.operation.id ?? EMPTY), turns.map((t) => t.record?.operation.bodyHash ?? EMPTY), turns.map((t) => t.record?.answer ?? EMPTY)] : []
  const numbers = [columns.ints(turns.map((t) => t.loaded)), columns.ints(turns.map((t) => t.events.length))]
  if (parts.records) numbers.push(columns.ints(turns.map((t) => t.record?.status ?? 0)))
  const names = ['loaded', 'events', ...(parts.records ? ['status'] : []), 'type', 'key', 'state', 'operations', ...(parts.records ? ['record', 'body_hash', 'answer'] : []), 'ord']
  return `input AS MATERIALIZED (
    SELECT * FROM unnest(${numbers.join(', ')}, ${columns.texts([...own, ...record])}) WITH ORDINALITY AS i (${names.join(', ')}))`
}

/**
 * Records come before the rows they belong to, so first the rows are locked in the order of their keys: whoever is stale then
 * stays so, and records nothing. An actor that two batches create at once fails one of them as a whole (unique key).
 */
const recording = (schema: string): string => `locked AS MATERIALIZED (
    SELECT i.ord, a.version FROM ${schema}.actor a JOIN input i ON a.type = i.type AND a.key = i.key ORDER BY a.type, a.key FOR UPDATE OF a),
  live AS MATERIALIZED (SELECT i.* FROM input i LEFT JOIN locked l ON l.ord = i.ord WHERE coalesce(l.version, 0) = i.loaded),
  recorded AS (
    INSERT INTO ${schema}.idempotency (id, body_hash, status, answer)
    SELECT record, coalesce(body_hash, ''), nullif(status, 0), answer::json FROM live WHERE record <> '' ORDER BY record
    ON CONFLICT (id) DO NOTHING RETURNING id),
  going AS MATERIALIZED (SELECT * FROM live WHERE ${goes})`

/** Of what is live: it records nothing, or its record was not there before. */
const goes = `(record = '' OR record IN (SELECT id FROM recorded))`

const merging = (schema: string, source: string): string => `merged AS (
    MERGE INTO ${schema}.actor a USING ${source} i ON a.type = i.type AND a.key = i.key
    WHEN MATCHED AND a.version = i.loaded THEN
      UPDATE SET version = a.version + 1, events = a.events + i.events, state = nullif(i.state, '')::json, operations = i.operations::json
    WHEN NOT MATCHED AND i.loaded = 0 THEN
      INSERT (type, key, version, events, state, operations) VALUES (i.type, i.key, 1, i.events, nullif(i.state, '')::json, i.operations::json)
    RETURNING i.ord, i.type, i.key, a.events)`

/** `back` counts the events of the same turn that follow, so an event's number is the actor's new counter less that. */
function publishing(columns: Columns, schema: string, turns: readonly Turn[]): string {
  const ord: number[] = []
  const lane: number[] = []
  const back: number[] = []
  const ids: string[] = []
  const topics: string[] = []
  const bodies: string[] = []
  turns.forEach(({ events }, t) =>
    events.forEach((event, e) => {
      ord.push(t + 1)
      lane.push(laneOf(event.aggregate))
      back.push(events.length - 1 - e)
      ids.push(newId())
      topics.push(event.topic)
      bodies.push(JSON.stringify(event.body))
    })
  )
  return `published AS (
    INSERT INTO ${schema}.outbox (lane, event_id, topic, aggregate, number, body)
    SELECT e.lane, e.id, e.topic, m.type || '/' || m.key, m.events - e.back, e.body::jsonb
    FROM unnest(${[ord, lane, back].map((c) => columns.ints(c)).join(', ')}, ${columns.texts([ids, topics, bodies])}) AS e (ord, lane, back, id, topic, body)
    JOIN merged m ON m.ord = e.ord ORDER BY e.ord, e.back DESC)`
}

function completing(columns: Columns, schema: string, turns: readonly Turn[]): string {
  const those = turns.flatMap((t, i) => (t.completes ? [{ ord: i + 1, ...t.completes }] : []))
  const numbers = [columns.ints(those.map((c) => c.ord)), columns.ints(those.map((c) => c.status))]
  return `completed AS (
    UPDATE ${schema}.idempotency r SET status = c.status, answer = c.answer::json
    FROM unnest(${numbers.join(', ')}, ${columns.texts([those.map((c) => c.operationId), those.map((c) => c.answer)])}) AS c (ord, status, id, answer)
    JOIN merged m ON m.ord = c.ord WHERE r.id = c.id)`
}

/** The last word of a turn on each name holds. */
function reminding(columns: Columns, schema: string, turns: readonly Turn[]): string {
  const those = turns.flatMap((t, i) => [...new Map(t.reminders.map((r) => [r.name, { ord: i + 1, name: r.name, at: r.at ?? EMPTY }])).values()])
  const source = `unnest(${columns.ints(those.map((r) => r.ord))}, ${columns.texts([those.map((r) => r.name), those.map((r) => r.at)])})`
  return `reminders AS MATERIALIZED (SELECT m.type, m.key, r.name, nullif(r.at, '')::timestamptz AS at FROM ${source} AS r (ord, name, at) JOIN merged m ON m.ord = r.ord),
  set_reminders AS (
    INSERT INTO ${schema}.reminder (type, key, name, at, next) SELECT type, key, name, at, at FROM reminders WHERE at IS NOT NULL
    ON CONFLICT (type, key, name) DO UPDATE SET at = excluded.at, next = excluded.next, attempts = 0),
  gone_reminders AS (DELETE FROM ${schema}.reminder r USING reminders g WHERE g.at IS NULL AND r.type = g.type AND r.key = g.key AND r.name = g.name)`
}
