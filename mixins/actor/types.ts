import type { Json } from '../primitives/json.ts'
import type { Ctx, Operation } from '../runtime/service.ts'
import type { NewEvent } from '../outbox/outbox.ts'

/** Set-wise writes into a store's own tables that belong to a turn: `statement` takes one `$1::jsonb` array of all rows of the batch. PostgreSQL stores only. */
export interface TurnWrite {
  statement: string
  rows: readonly Json[]
}

/** A durable alarm of an actor: at `at` its `onReminder` runs, at least once; `at: null` takes it back. One per actor and name. */
export interface Reminder {
  name: string
  /** RFC 3339. */
  at: string | null
}

/** What a turn decided. `state: null` marks the actor dead (its row stays, so a late activation cannot resurrect it). */
export interface TurnResult<S, A> {
  state: S | null
  answer: A
  /** Numbered gap-free by the actor's own counter, so their aggregate is always `<type>/<key>` of this actor; another one is refused. */
  events?: readonly NewEvent[]
  reminders?: readonly Reminder[]
  writes?: readonly TurnWrite[]
  /** HTTP status recorded with the answer under the request's Idempotency-Key; null while a saga still runs. 200 unless told. */
  status?: number | null
  /** An answer to record later than its claim: completes the record of an earlier turn (a saga's final answer). */
  completes?: { operationId: string; status: number; answer: Json }
}

/**
 * A turn: pure, runs on the actor's thread, may run again on a newer state. It refuses by throwing a `problem`; then nothing is
 * written. `state` is a copy of its own, so it may be changed in place; `version` is the one loaded, the commit makes it one more
 * (0: the actor is new).
 */
export type Decide<S, A> = (state: S | null, version: number) => TurnResult<S, A>

/**
 * A call that the actor has taken, in a ring inside its row. Calls are numbered per caller; with each comes the lowest number
 * that this caller still waits for on this actor, so everything below is known to be settled and need not be kept.
 */
export interface TakenOperation {
  /** The caller (a broker's random id, or a reminder's tick). */
  by: string
  /** The caller's number of the call. */
  n: number
  /** Which turn of that call on this actor it was, from 0. */
  turn: number
  /** Every call of this caller below it is settled: answered, or given up. */
  low: number
  /** Absent when a repeat is answered from the state. */
  answer?: Json
  /** Milliseconds since the epoch, for trimming by age. */
  at: number
}

/** A committed actor. `state` is its JSON text; null: dead. */
export interface ActorRow {
  version: number
  state: string | null
  operations: readonly TakenOperation[]
}

/** One actor's change on its way into a store. States and answers are JSON texts: made once, checked for size, and never read on the way. */
export interface Turn {
  type: string
  key: string
  /** The version the activation loaded; 0 when the actor does not exist yet. */
  loaded: number
  /** Null marks the actor dead. */
  state: string | null
  operations: string
  events: readonly NewEvent[]
  reminders: readonly Reminder[]
  writes: readonly TurnWrite[]
  /** Recorded under the operation's id in the same commit; `status: null` claims it. */
  record?: { operation: Operation; status: number | null; answer: string }
  completes?: { operationId: string; status: number; answer: string }
}

/** The record of an operation that its actor has taken before. */
export interface TurnRecord {
  bodyHash: string
  status: number | null
  answer: Json
}

/**
 * `stale`: somebody else committed since; nothing of the turn was written. `repeat`: the operation id is taken; nothing was
 * written, this is its record. `failed`: the engine refused this turn by itself (a broken constraint); nothing was written.
 */
export type TurnOutcome = 'done' | 'stale' | { repeat: TurnRecord } | { failed: Error }

/** A reminder that is due. `at` with the name is its identity over all attempts. */
export interface DueReminder {
  type: string
  key: string
  name: string
  at: string
  /** Times that it ran and failed. */
  attempts: number
  /** How long it has been due, by the store's clock. */
  overdueMs: number
}

/**
 * Where actors of a type live. Guarantees: `commit` of one turn is atomic (state, operations, record, events with gap-free numbers,
 * reminders, writes: all or nothing) and durable when it resolves; it succeeds only on the version that was loaded (compare-and-set;
 * creation is insert-if-absent), so two owners at once cost retries, never writes. Gaps: a batch is not atomic as a whole; when
 * `commit` rejects the outcome of its turns is unknown: drop the activations, reload, and let the operation ids answer. An operation
 * is recorded once per actor; that two actors share one is noticed by PostgreSQL only. Writes beside the state: PostgreSQL only.
 */
export interface ActorStore {
  /** Committed rows in the order of `keys`, one query for all of them; null where there is no such actor. */
  load(type: string, keys: readonly string[]): Promise<(ActorRow | null)[]>
  /** Outcomes in the order of `turns`. A batch may hold several turns of one actor only if at most one can succeed. */
  commit(turns: readonly Turn[]): Promise<TurnOutcome[]>
  /** The record of an operation of an actor, if it was taken. */
  record(operationId: string, type: string, key: string): Promise<TurnRecord | null>
  /** Reminders that are due, longest due first. */
  due(types: readonly string[], limit: number): Promise<DueReminder[]>
  /** Forgets a reminder that ran, unless it was set anew. */
  settle(reminder: DueReminder): Promise<void>
  /** Tries a reminder that failed again after `delayMs`, unless it was set anew. */
  postpone(reminder: DueReminder, delayMs: number): Promise<void>
}

/** The stores of one actor type on this thread: one, or one per shard. */
export interface ActorStores {
  readonly all: readonly ActorStore[]
  /** The store of this key; the same for ever. */
  of(key: string): ActorStore
  close(): Promise<void>
}

/** Bounds of one actor type on one thread. */
export interface ActorLimits {
  /** Turns that wait for one actor; one more is `overloaded` (503) at once. Default 1,000. */
  perKey: number
  /** Turns taken and not answered on this thread, all actors of the type together; one more is `overloaded`. Default 10,000. */
  unanswered: number
  /** Activations kept in memory; the longest unused goes first. Default 10,000. */
  activations: number
  /** Milliseconds without a turn after which an activation is dropped. Default 5 minutes. */
  idleMs: number
}

/** How a turn is protected against running twice, and answered when it already has. */
export interface TurnOptions<S, A> {
  /**
   * An operation of a durable caller (`take:<orderId>`), which may ask again hours later: recorded for 24 h in the turn's own
   * commit, once per actor. Then the request's Idempotency-Key, if there is one, is not recorded by this turn.
   */
  operationId?: string
  /** False: a step of a longer work whose other turn records the request's Idempotency-Key. Default true. */
  record?: boolean
  /** Answers a repeated call from the actor's present state, so that the answer need not be kept in the row: for answers that are a view of the state. */
  recall?: (state: S | null, version: number) => A
}

/** Committed state of an actor. */
export interface ActorView<S> {
  /** 0: there is no such actor yet. */
  version: number
  state: S | null
}

/** `this.actors` of a service: its actors' turns and reads. */
export interface Actors<S> {
  /**
   * Runs one turn of the actor `key` and resolves with its answer once it is committed: state, events, reminders, writes and the
   * record of the operation in one atomic step.
   *
   * Guarantees: turns of one actor never interleave, whoever runs them and where (compare-and-set in the store; the owner's
   * mailbox only makes it cheap). A call that the runtime repeats (owner lost, hand-off, unknown commit) has its effect once and
   * gets its first answer; the same holds for 24 h for a request with an Idempotency-Key and for an `operationId`. Several turns
   * of one call on one actor are told apart by their order, so it must be the same when the call runs again. A refusal thrown by
   * `decide` was decided on committed state.
   * Gaps: `decide` may run several times. Without an Idempotency-Key or `operationId` a call that a *caller* repeats by itself is a new call.
   *
   * Rejects with the problem that `decide` threw; `overloaded` (503, retryAfter) when a bound is reached, the caller's deadline
   * has passed, or the node stops; `idempotency-key-reused` and `idempotency-key-in-progress` as in the REST contract;
   * `too-large` for a state above 256 KB; `unavailable` when the store cannot be reached.
   */
  turn<A>(ctx: Ctx, key: string, decide: Decide<S, A>, options?: TurnOptions<S, A>): Promise<A>
  /** The actor's committed state, from any thread; reads that wait at the same time go as one query, started after they came. */
  read(key: string): Promise<ActorView<S>>
}
