import type { EventRecord } from '../events/port.ts'
import { columns, type Database } from '../postgres/database.ts'
import type { OutboxEntry, OutboxLanes } from './outbox-sender.ts'

interface OutboxRow {
  lane: number
  id: number
  event_id: string
  topic: string
  aggregate: string
  number: number
  at: string
  body: EventRecord['body']
}

/** The outbox of a schema. Statements are not prepared: an outbox is empty now and a million rows in a minute, and the plan must follow. */
export class PostgresLanes implements OutboxLanes {
  readonly #db: Database
  readonly #schema: string

  constructor(db: Database, schema: string) {
    this.#db = db
    this.#schema = schema
  }

  async read(lanes: readonly number[], limit: number): Promise<OutboxEntry[]> {
    const rows = await this.#db.query<OutboxRow>(
      `SELECT o.lane, o.id, o.event_id, o.topic, o.aggregate, o.number, o.at, o.body FROM unnest($1::smallint[]) AS l (lane)
       CROSS JOIN LATERAL (SELECT * FROM ${this.#schema}.outbox o WHERE o.lane = l.lane ORDER BY o.id LIMIT $2) o ORDER BY o.lane, o.id`,
      [lanes, limit],
      { prepare: false }
    )
    return rows.map(({ lane, id, event_id, topic, aggregate, number, at, body }) => ({ lane, id, event: { id: event_id, topic, aggregate, number, at, body } }))
  }

  async remove(entries: readonly OutboxEntry[]): Promise<void> {
    await this.#db.query(
      `DELETE FROM ${this.#schema}.outbox o USING unnest($1::smallint[], $2::bigint[]) AS sent (lane, id) WHERE o.lane = sent.lane AND o.id = sent.id`,
      columns(entries, ['lane', 'id']),
      { prepare: false }
    )
  }
}
