import type { ServiceSchema } from 'moleculer'
import type { Ctx, ServiceThis } from '../runtime/service.ts'
import type { ActorStores, Decide } from './types.ts'

/** Bounds of one actor type on one thread. */
export interface ActorLimits {
  /** Turns that wait for one actor; one more is `overloaded` (503) at once. Default 1,000. */
  perKey: number
  /** Turns that wait on this thread, all actors of the type together. Default 10,000. */
  waiting: number
  /** Activations kept in memory; the longest unused goes first. Default 10,000. */
  activations: number
  /** Milliseconds without a turn after which an activation is dropped. Default 5 minutes. */
  idleMs: number
}

export interface ActorsOptions<This> {
  /** Names the actors, and with the key their events' aggregate `<type>/<key>`. One actor type per service. */
  type: string
  /** Opens the type's stores; called when the service is created. See stores.ts. */
  stores: () => ActorStores
  limits?: Partial<ActorLimits>
  /**
   * A reminder is due. At least once: turns taken with this `ctx` have their effect once per tick; any other effect must be
   * idempotent. A rejection is tried again later, with growing pauses up to five minutes.
   */
  onReminder?: (this: This, ctx: Ctx, key: string, name: string) => Promise<void>
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

/** A mixin that gives a service `this.actors`. Actions that take turns declare `actor: { type, key }`, so that they run on the key's owner. */
export declare function actors<S, This = ServiceThis<{ actors: Actors<S> }>>(options: ActorsOptions<This>): Partial<ServiceSchema>
