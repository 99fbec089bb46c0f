import type { Json } from '../primitives/json.ts'
import type { Queryable } from '../postgres/database.ts'
import type { Operation } from '../runtime/service.ts'
import type { NewEvent } from '../outbox/outbox.ts'

/** Set-wise writes into a store's own tables that belong to a turn: `statement` takes one `$1::jsonb` array of all rows of the batch. PostgreSQL stores only. */
export interface TurnWrite {
  statement: string
  rows: readonly Json[]
}

/** A durable alarm of an actor: at `at` its `onReminder` runs, at least once; `at: null` takes it back. */
export interface Reminder {
  name: string
  /** RFC 3339. */
  at: string | null
}

/** What a turn decided. `state: null` marks the actor dead (its row stays, so a late activation cannot resurrect it). */
export interface TurnResult<S, A> {
  state: S | null
  answer: A
  events?: readonly NewEvent[]
  reminders?: readonly Reminder[]
  writes?: readonly TurnWrite[]
  /** HTTP status recorded with the answer under the request's Idempotency-Key; null while a saga still runs. 200 unless told. */
  status?: number | null
  /** An answer to record later than its claim: completes the record of an earlier turn (a saga's final answer). */
  completes?: { operationId: string; status: number; answer: Json }
}

/** A turn: pure, runs on the actor's thread, may run again on a newer state. It refuses by throwing a `problem`; then nothing is written. */
export type Decide<S, A> = (state: S | null) => TurnResult<S, A>

/** An internal operation that the actor has taken, with its answer, in a ring inside its row. */
export interface TakenOperation {
  id: string
  answer: Json
  /** Milliseconds since the epoch, for trimming by age. */
  at: number
}

export interface ActorRow {
  version: number
  state: Json | null
  operations: readonly TakenOperation[]
}

/** One actor's change on its way into a store. */
export interface Turn {
  type: string
  key: string
  /** The version the activation loaded; 0 when the actor does not exist yet. */
  loaded: number
  state: Json | null
  operations: readonly TakenOperation[]
  events: readonly NewEvent[]
  reminders: readonly Reminder[]
  writes: readonly TurnWrite[]
  /** Recorded under the request's Idempotency-Key in the same commit; `status: null` claims it. */
  record?: { operation: Operation; status: number | null; answer: Json }
  completes?: { operationId: string; status: number; answer: Json }
}

/** `stale`: somebody else committed since; nothing of the turn was written. `repeat`: the Idempotency-Key is taken; nothing was written, this is its record. */
export type TurnOutcome = 'done' | 'stale' | { repeat: { bodyHash: string; status: number | null; answer: Json } }

/**
 * Where actors of a type live. Guarantees: `commit` of one turn is atomic (state, operations, record, events with gap-free numbers,
 * reminders, writes: all or nothing) and durable when it resolves; it succeeds only on the version that was loaded (compare-and-set;
 * creation is insert-if-absent), so two owners at once cost retries, never writes. Gaps: a batch is not atomic as a whole; when
 * `commit` rejects the outcome of its turns is unknown: drop the activations, reload, and let the operation ids answer.
 */
export interface ActorStore {
  load(type: string, key: string): Promise<ActorRow | null>
  /** Outcomes in the order of `turns`. A batch may hold several turns of one actor only if at most one can succeed. */
  commit(turns: readonly Turn[]): Promise<TurnOutcome[]>
  /** Reminders that are due, oldest first. */
  due(types: readonly string[], limit: number): Promise<{ type: string; key: string; name: string; at: string }[]>
  /** Forgets a reminder that ran, unless it was set anew. */
  settle(reminder: { type: string; key: string; name: string; at: string }): Promise<void>
}

/** Reads beside the actors, from committed state. */
export type ActorReader = Queryable
