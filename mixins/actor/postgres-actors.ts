import { isUniqueViolation, type Database, type Queryable } from '../postgres/database.ts'
import type { Json } from '../primitives/json.ts'
import { commitStatement, partsOf, type BatchParts, type BatchRow } from './commit-statement.ts'
import { isPoisoned, poisoned } from './poison.ts'
import type { ActorRow, ActorStore, DueReminder, Turn, TurnOutcome, TurnRecord } from './types.ts'

/** Classes of errors that one turn causes by its data, or two batches by meeting: nothing of the batch was written. */
const TURN_FAULTS = ['21', '22', '23', '40'] as const

const faultOf = (error: unknown): string | null => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && code.length === 5 && TURN_FAULTS.some((c) => code.startsWith(c)) ? code : null
}

const byKey = (turns: readonly Turn[]) => (a: number, b: number) => {
  const [x, y] = [turns[a]!, turns[b]!]
  return x.key < y.key ? -1 : x.key > y.key ? 1 : x.type < y.type ? -1 : x.type > y.type ? 1 : a - b
}

/**
 * Actors in a schema that uses `actor, outbox, idempotency`. Keeps what ActorStore promises as PostgreSQL commits: durable when answered.
 * And one thing more, which orders rest on: an operation is recorded once in the whole schema, whichever actor takes it.
 */
export class PostgresActors implements ActorStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async load(type: string, keys: readonly string[]): Promise<(ActorRow | null)[]> {
    const rows = await this.#db.query<ActorRow & { ord: number }>(
      `SELECT k.ord, a.version, a.state::text AS state, a.operations FROM unnest($2::text[]) WITH ORDINALITY AS k (key, ord) JOIN ${this.#db.schema}.actor a ON a.type = $1 AND a.key = k.key`,
      [type, keys]
    )
    const found = new Array<ActorRow | null>(keys.length).fill(null)
    for (const { ord, version, state, operations } of rows) found[ord - 1] = { version, state, operations }
    return found
  }

  async commit(turns: readonly Turn[]): Promise<TurnOutcome[]> {
    const outcomes = new Array<TurnOutcome>(turns.length)
    const healthy = turns.map((_, i) => i).filter((i) => {
      if (!isPoisoned(turns[i]!)) return true
      outcomes[i] = poisoned(turns[i]!)
      return false
    })
    for (const wave of this.#waves(turns, healthy.sort(byKey(turns)))) {
      const results = await this.#commitWave(wave.map((i) => turns[i]!))
      wave.forEach((i, n) => (outcomes[i] = results[n]!))
    }
    return outcomes
  }

  async record(operationId: string): Promise<TurnRecord | null> {
    return (await this.#records([operationId])).get(operationId) ?? null
  }

  async due(types: readonly string[], limit: number): Promise<DueReminder[]> {
    return this.#db.query<DueReminder>(
      `SELECT type, key, name, at, attempts, (extract(epoch FROM now() - next) * 1000)::bigint AS "overdueMs" FROM ${this.#db.schema}.reminder WHERE next <= now() AND type = ANY($1::text[]) ORDER BY next LIMIT $2`,
      [types, limit]
    )
  }

  async settle({ type, key, name, at }: DueReminder): Promise<void> {
    await this.#db.query(`DELETE FROM ${this.#db.schema}.reminder WHERE type = $1 AND key = $2 AND name = $3 AND at = $4`, [type, key, name, at])
  }

  async postpone({ type, key, name, at }: DueReminder, delayMs: number): Promise<void> {
    await this.#db.query(
      `UPDATE ${this.#db.schema}.reminder SET next = now() + $5 * interval '1 millisecond', attempts = attempts + 1 WHERE type = $1 AND key = $2 AND name = $3 AND at = $4`,
      [type, key, name, at, delayMs]
    )
  }

  /** Two turns that record one operation cannot share a statement, for a statement does not see its own inserts: the second waits. */
  #waves(turns: readonly Turn[], order: readonly number[]): number[][] {
    const taken = new Set<string>()
    const second: number[] = []
    const first = order.filter((i) => {
      const id = turns[i]!.record?.operation.id
      if (id === undefined) return true
      if (taken.has(id)) {
        second.push(i)
        return false
      }
      taken.add(id)
      return true
    })
    return second.length > 0 ? [first, ...this.#waves(turns, second)] : first.length > 0 ? [first] : []
  }

  /** When one turn spoils the batch, each goes by itself: the others must not suffer. */
  async #commitWave(turns: readonly Turn[]): Promise<TurnOutcome[]> {
    try {
      return await this.#run(turns)
    } catch (error) {
      if (faultOf(error) === null) throw error
    }
    const outcomes: TurnOutcome[] = []
    for (const turn of turns) outcomes.push(await this.#commitAlone(turn))
    return outcomes
  }

  async #commitAlone(turn: Turn, tries = 3): Promise<TurnOutcome> {
    try {
      const [outcome] = await this.#run([turn])
      return outcome!
    } catch (error) {
      const fault = faultOf(error)
      if (fault === null) throw error
      if (fault.startsWith('40') && tries > 1) return this.#commitAlone(turn, tries - 1)
      if (turn.loaded === 0 && isUniqueViolation(error) && (error as { constraint?: string }).constraint === 'actor_pkey') return 'stale'
      return { failed: error as Error }
    }
  }

  async #run(turns: readonly Turn[]): Promise<TurnOutcome[]> {
    const parts = partsOf(turns)
    const rows = turns.some((t) => t.writes.length > 0)
      ? await this.#db.tx(async (tx) => {
          const rows = await this.#merge(tx, turns, parts)
          await runWrites(tx, rows.flatMap(({ ord, repeat }) => (repeat ? [] : turns[ord - 1]!.writes)))
          return rows
        })
      : await this.#merge(this.#db, turns, parts)
    return this.#outcomes(turns, rows)
  }

  #merge(on: Queryable, turns: readonly Turn[], parts: BatchParts): Promise<BatchRow[]> {
    const { text, values } = commitStatement(this.#db.schema, turns, parts)
    return on.query<BatchRow>(text, values)
  }

  async #outcomes(turns: readonly Turn[], rows: readonly BatchRow[]): Promise<TurnOutcome[]> {
    const outcomes = new Array<TurnOutcome>(turns.length).fill('stale')
    const repeated = rows.filter((row) => row.repeat).map((row) => row.ord - 1)
    for (const { ord, repeat } of rows) if (!repeat) outcomes[ord - 1] = 'done'
    if (repeated.length === 0) return outcomes
    const records = await this.#records(repeated.map((i) => turns[i]!.record!.operation.id))
    for (const i of repeated) {
      const record = records.get(turns[i]!.record!.operation.id)
      if (record) outcomes[i] = { repeat: record } // swept this moment otherwise: 'stale' makes the turn run again
    }
    return outcomes
  }

  async #records(ids: readonly string[]): Promise<Map<string, TurnRecord>> {
    const rows = await this.#db.query<{ id: string; body_hash: string; status: number | null; answer: Json }>(
      `SELECT id, body_hash, status, answer FROM ${this.#db.schema}.idempotency WHERE id = ANY($1::text[])`,
      [ids]
    )
    return new Map(rows.map((r) => [r.id, { bodyHash: r.body_hash, status: r.status, answer: r.answer }]))
  }
}

/** Each distinct statement once, with the rows of all turns that were written, in their order. */
async function runWrites(tx: Queryable, writes: readonly { statement: string; rows: readonly Json[] }[]): Promise<void> {
  const byStatement = new Map<string, Json[]>()
  for (const { statement, rows } of writes) {
    const all = byStatement.get(statement)
    if (all) all.push(...rows)
    else byStatement.set(statement, [...rows])
  }
  for (const [statement, rows] of byStatement) if (rows.length > 0) await tx.query(statement, [JSON.stringify(rows)])
}
