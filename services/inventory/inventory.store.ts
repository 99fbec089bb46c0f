import { setTimeout as sleep } from 'node:timers/promises'
import { problem, problemType } from '../../mixins/primitives/problem.ts'
import { columns, isConnectionError, type Database, type Queryable } from '../../mixins/postgres/database.ts'
import type { IdempotencyRecord } from '../../mixins/idempotency/idempotency.ts'
import { appendEvents, type NewEvent } from '../../mixins/outbox/outbox.ts'
import type { Operation } from '../../mixins/runtime/service.ts'
import { availabilityOf } from './inventory.contract.ts'
import { DeskMemory, type Foreseen } from './desk-memory.ts'
import { DeskTurn, type DeskAnswer, type DeskMessage, type Reservation, type StockRow } from './inventory.ts'

/** A message with the Idempotency-Key of its request, if it has one: its answer is recorded in the same commit. */
export interface DeskRequest {
  message: DeskMessage
  operation?: Operation | undefined
}

export type DeskReply = { answer: DeskAnswer } | { repeat: IdempotencyRecord }

/** Somebody else wrote a row that was not there when this turn looked: it must look again. */
class Raced extends Error {}

const ATTEMPTS = 5

/** The statement was rolled back for what it held or for a conflict, so running its parts singly can help. */
const rolledBack = (error: unknown): boolean => error instanceof Raced || /^(21|22|23|40)/.test(String((error as { code?: unknown }).code ?? ''))

const eventsOf = (crossed: ReturnType<DeskTurn['changes']>['crossed']): NewEvent[] =>
  crossed.map(({ row, availability }) => ({ topic: 'stock_changed', aggregate: `stock/${row.offerId}`, body: { offerId: row.offerId, warehouseId: row.warehouseId, availability } }))

/**
 * Stock as it lies in PostgreSQL. `run` is a desk's turn: many messages, of one or several warehouses, in one transaction. Several
 * threads may run turns of one warehouse at once: row locks and unique keys order them, and the CHECK holds whatever else happens.
 * A turn is first decided on what this thread remembers, and then is one statement that writes everything or, where a row is not as
 * remembered, nothing; else rows are locked, read and written.
 */
export class InventoryStore {
  readonly #db: Database
  readonly #memory = new DeskMemory()

  constructor(db: Database) {
    this.#db = db
  }

  /**
   * Replies in the order of `requests`; an Error refuses that one alone. All changes are durable when it resolves. When the
   * connection is lost the outcome is unknown and it rejects with `unavailable`: asking again is safe for all but an unkeyed `set`.
   */
  async run(requests: readonly DeskRequest[]): Promise<(DeskReply | Error)[]> {
    const foreseen = requests.some((r) => r.operation) ? null : this.#memory.foresee(requests.map((r) => r.message))
    if (foreseen && (await this.#writeForeseen(foreseen))) return foreseen.answers.map((answer) => ({ answer }))
    for (let attempt = 1; ; attempt++) {
      try {
        const { turn, replies } = await this.#db.tx((tx) => this.#turn(tx, requests))
        this.#memory.remember(turn)
        return replies
      } catch (error) {
        if (isConnectionError(error)) throw lostStore()
        if (!rolledBack(error)) throw error
        if (requests.length > 1) return this.#singly(requests)
        if (attempt === ATTEMPTS) return [error as Error]
        await sleep(5 * attempt)
      }
    }
  }

  /** Stock of offers over all their warehouses; an offer without a row is left out. */
  async stockOf(offerIds: readonly string[]): Promise<Map<string, { onHand: number; reserved: number }>> {
    const rows = await this.#db.query<{ offerId: string; onHand: number; reserved: number }>(
      `SELECT offer_id AS "offerId", sum(on_hand)::int AS "onHand", sum(reserved)::int AS reserved FROM inventory.stock WHERE offer_id = ANY($1::text[]) GROUP BY offer_id`,
      [offerIds]
    )
    return new Map(rows.map((row) => [row.offerId, row]))
  }

  /** First stock of offers that have none; returns how many. */
  async import(rows: readonly { offerId: string; warehouseId: string; onHand: number }[], announced: boolean): Promise<number> {
    return this.#db.tx(async (tx) => {
      const added = await tx.query<StockRow>(
        `INSERT INTO inventory.stock (offer_id, warehouse_id, on_hand) SELECT DISTINCT ON (1, 2) * FROM unnest($1::text[], $2::text[], $3::int[])
         ORDER BY 1, 2 ON CONFLICT DO NOTHING RETURNING offer_id AS "offerId", warehouse_id AS "warehouseId", on_hand AS "onHand", reserved`,
        columns(rows, ['offerId', 'warehouseId', 'onHand'])
      )
      await writeMovements(tx, added.filter((row) => row.onHand > 0).map((row) => ({ ...row, kind: 'counted', reserved: 0, operationId: 'import' })))
      const visible = announced ? [] : added.filter((row) => row.onHand > 0)
      await appendEvents(tx, 'inventory', eventsOf(visible.map((row) => ({ row, availability: availabilityOf(row.onHand) }))))
      return added.length
    })
  }

  /** Forgets tombstones that no late reserve can meet any more; returns how many. */
  async sweepTombstones(): Promise<number> {
    const gone = await this.#db.query(
      `DELETE FROM inventory.reservation WHERE status = 'released' AND (order_id, warehouse_id, attempt) IN
         (SELECT order_id, warehouse_id, attempt FROM inventory.reservation WHERE status = 'released' AND at < now() - interval '7 days' LIMIT 10000)
       RETURNING 1`
    )
    return gone.length
  }

  async #singly(requests: readonly DeskRequest[]): Promise<(DeskReply | Error)[]> {
    const replies: (DeskReply | Error)[] = []
    for (const request of requests) replies.push(...(await this.run([request]).catch((error: unknown) => [error as Error])))
    return replies
  }

  /** False when a row was not as remembered: then nothing was written. */
  async #writeForeseen({ turn, changes: { moved, opened, changed, movements } }: Foreseen): Promise<boolean> {
    try {
      await this.#db.query(WRITE_FORESEEN, [
        ...columns(moved, ['offerId', 'warehouseId', 'onHand', 'reserved', 'had', 'promised']),
        ...columns(opened.map(reservationRow), ['orderId', 'warehouseId', 'attempt', 'status', 'lines']),
        ...columns(changed, ['orderId', 'warehouseId', 'attempt', 'status']),
        ...columns(movements, MOVEMENT_COLUMNS)
      ])
    } catch (error) {
      if (isConnectionError(error)) throw lostStore()
      if (rolledBack(error)) return false
      throw error
    }
    this.#memory.remember(turn)
    return true
  }

  async #turn(tx: Queryable, requests: readonly DeskRequest[]): Promise<{ turn: DeskTurn; replies: (DeskReply | Error)[] }> {
    const records = await recordsOf(tx, requests)
    const messages = requests.map((r) => r.message)
    const reservations = await lockReservations(tx, messages)
    const turn = new DeskTurn(await lockStock(tx, messages, reservations), reservations)
    const fresh: { operation: Operation; answer: DeskAnswer }[] = []
    const replies = requests.map(({ message, operation }): DeskReply | Error => {
      const repeat = operation && records.get(operation.id)
      if (repeat) return { repeat }
      try {
        const answer = turn.decide(message)
        if (operation) {
          records.set(operation.id, { body_hash: operation.bodyHash, status: 200, answer })
          fresh.push({ operation, answer })
        }
        return { answer }
      } catch (error) {
        if (problemType(error) === null) throw error
        return error as Error
      }
    })
    await this.#write(tx, turn, fresh)
    return { turn, replies }
  }

  async #write(tx: Queryable, turn: DeskTurn, fresh: readonly { operation: Operation; answer: DeskAnswer }[]): Promise<void> {
    const { added, moved, crossed, opened, changed, movements } = turn.changes()
    await insertAll(tx, `INSERT INTO inventory.stock (offer_id, warehouse_id, on_hand, reserved) SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) ON CONFLICT DO NOTHING RETURNING 1`, columns(added, ['offerId', 'warehouseId', 'onHand', 'reserved']))
    const rows = opened.map(reservationRow)
    await insertAll(tx, `INSERT INTO inventory.reservation (order_id, warehouse_id, attempt, status, lines, restocks) SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::jsonb[], $6::jsonb[]) ON CONFLICT DO NOTHING RETURNING 1`, columns(rows, RESERVATION_COLUMNS))
    if (changed.length > 0) {
      await tx.query(
        `UPDATE inventory.reservation r SET status = c.status, restocks = c.restocks, at = now()
         FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::jsonb[], $6::jsonb[]) AS c (order_id, warehouse_id, attempt, status, lines, restocks)
         WHERE r.order_id = c.order_id AND r.warehouse_id = c.warehouse_id AND r.attempt = c.attempt`,
        columns(changed.map(reservationRow), RESERVATION_COLUMNS)
      )
    }
    if (moved.length > 0) {
      await tx.query(
        `UPDATE inventory.stock s SET on_hand = s.on_hand + c.on_hand, reserved = s.reserved + c.reserved
         FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) AS c (offer_id, warehouse_id, on_hand, reserved)
         WHERE s.offer_id = c.offer_id AND s.warehouse_id = c.warehouse_id`,
        columns(moved, ['offerId', 'warehouseId', 'onHand', 'reserved'])
      )
    }
    await writeMovements(tx, movements)
    await appendEvents(tx, 'inventory', eventsOf(crossed))
    const answers = fresh.map(({ operation, answer }) => ({ id: operation.id, hash: operation.bodyHash, answer: JSON.stringify(answer) }))
    await insertAll(tx, `INSERT INTO inventory.idempotency (id, body_hash, status, answer) SELECT a.id, a.hash, 200, a.answer FROM unnest($1::text[], $2::text[], $3::json[]) AS a (id, hash, answer) ON CONFLICT DO NOTHING RETURNING 1`, columns(answers, ['id', 'hash', 'answer']))
  }
}

const lostStore = (): Error => problem('unavailable', 'The stock desk lost its store for a moment: try again.', { retryAfter: 1 })

// All or nothing: `expect` raises a serialization failure where a row was not as expected. Of a reservation that is there, only the
// one still held is ended.
const WRITE_FORESEEN = `WITH moved AS (
    UPDATE inventory.stock s SET on_hand = s.on_hand + c.on_hand, reserved = s.reserved + c.reserved
    FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[]) AS c (offer_id, warehouse_id, on_hand, reserved, had, promised)
    WHERE s.offer_id = c.offer_id AND s.warehouse_id = c.warehouse_id AND s.on_hand = c.had AND s.reserved = c.promised RETURNING 1),
  opened AS (
    INSERT INTO inventory.reservation (order_id, warehouse_id, attempt, status, lines)
    SELECT * FROM unnest($7::text[], $8::text[], $9::int[], $10::text[], $11::jsonb[]) ON CONFLICT DO NOTHING RETURNING 1),
  ended AS (
    UPDATE inventory.reservation r SET status = c.status, at = now()
    FROM unnest($12::text[], $13::text[], $14::int[], $15::text[]) AS c (order_id, warehouse_id, attempt, status)
    WHERE r.order_id = c.order_id AND r.warehouse_id = c.warehouse_id AND r.attempt = c.attempt AND r.status = 'held' RETURNING 1),
  noted AS (
    INSERT INTO inventory.movement (warehouse_id, offer_id, kind, on_hand, reserved, operation_id)
    SELECT * FROM unnest($16::text[], $17::text[], $18::text[], $19::int[], $20::int[], $21::text[]))
  SELECT inventory.expect((SELECT count(*) FROM moved) = cardinality($1) AND (SELECT count(*) FROM opened) = cardinality($7) AND (SELECT count(*) FROM ended) = cardinality($12))`

const MOVEMENT_COLUMNS = ['warehouseId', 'offerId', 'kind', 'onHand', 'reserved', 'operationId'] as const
const RESERVATION_COLUMNS = ['orderId', 'warehouseId', 'attempt', 'status', 'lines', 'restocks'] as const

const reservationRow = (r: Reservation) => ({ ...r, lines: JSON.stringify(r.lines), restocks: JSON.stringify(r.restocks) })

/** Inserts rows that nobody may have inserted meanwhile. */
async function insertAll(tx: Queryable, text: string, values: unknown[][]): Promise<void> {
  const count = values[0]!.length
  if (count > 0 && (await tx.query(text, values)).length < count) throw new Raced('a row of this turn was written by another')
}

async function writeMovements(tx: Queryable, movements: readonly ReturnType<DeskTurn['changes']>['movements'][number][]): Promise<void> {
  if (movements.length === 0) return
  await tx.query(
    `INSERT INTO inventory.movement (warehouse_id, offer_id, kind, on_hand, reserved, operation_id)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[])`,
    columns(movements, MOVEMENT_COLUMNS)
  )
}

async function recordsOf(tx: Queryable, requests: readonly DeskRequest[]): Promise<Map<string, IdempotencyRecord>> {
  const ids = requests.flatMap((r) => r.operation?.id ?? [])
  if (ids.length === 0) return new Map()
  const rows = await tx.query<IdempotencyRecord & { id: string }>('SELECT id, body_hash, status, answer FROM inventory.idempotency WHERE id = ANY($1::text[])', [ids])
  return new Map(rows.map((row) => [row.id, row]))
}

/** All attempts of the orders in the messages, locked in key order. */
async function lockReservations(tx: Queryable, messages: readonly DeskMessage[]): Promise<Reservation[]> {
  const keys = new Map(messages.flatMap((m) => (m.kind === 'set' ? [] : [[`${m.warehouseId}/${m.orderId}`, m] as const])))
  if (keys.size === 0) return []
  return tx.query<Reservation>(
    `SELECT r.order_id AS "orderId", r.warehouse_id AS "warehouseId", r.attempt, r.status, r.lines, r.restocks
     FROM inventory.reservation r JOIN unnest($1::text[], $2::text[]) AS k (order_id, warehouse_id) ON r.order_id = k.order_id AND r.warehouse_id = k.warehouse_id
     ORDER BY r.order_id, r.warehouse_id, r.attempt FOR UPDATE OF r`,
    columns([...keys.values()], ['orderId', 'warehouseId'])
  )
}

/** The stock rows that the messages and their reservations touch, locked in key order. */
async function lockStock(tx: Queryable, messages: readonly DeskMessage[], reservations: readonly Reservation[]): Promise<StockRow[]> {
  const keys = new Map<string, { offerId: string; warehouseId: string }>()
  const add = (warehouseId: string, offerId: string): void => void keys.set(`${warehouseId}/${offerId}`, { offerId, warehouseId })
  for (const m of messages) {
    if (m.kind === 'set') add(m.warehouseId, m.offerId)
    else if (m.kind === 'reserve') for (const line of m.lines) add(m.warehouseId, line.offerId)
  }
  for (const r of reservations) for (const line of r.lines) add(r.warehouseId, line.offerId)
  if (keys.size === 0) return []
  return tx.query<StockRow>(
    `SELECT s.offer_id AS "offerId", s.warehouse_id AS "warehouseId", s.on_hand AS "onHand", s.reserved
     FROM inventory.stock s JOIN unnest($1::text[], $2::text[]) AS k (offer_id, warehouse_id) ON s.offer_id = k.offer_id AND s.warehouse_id = k.warehouse_id
     ORDER BY s.offer_id, s.warehouse_id FOR UPDATE OF s`,
    columns([...keys.values()], ['offerId', 'warehouseId'])
  )
}
