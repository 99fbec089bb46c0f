import type { CallingOptions, Context, ServiceBroker } from 'moleculer'
import type { Fields, Infer, InferFields, Rule } from '../primitives/schema.ts'

/** What others see of an action: the schema of its parameters and of its answer. A contract is a table of these. */
export interface ActionContract {
  readonly params: Fields
  readonly returns: Rule
}

/** What others see of an event: its version and the schema of its body. Topics are named as the event. */
export interface EventContract {
  readonly body: Rule
}

export type ParamsOf<A extends ActionContract> = InferFields<A['params']>
export type ResultOf<A extends ActionContract> = Infer<A['returns']>

/** A table of actions, checked for shape and kept literal. */
export const actions = <const T extends Readonly<Record<string, ActionContract>>>(table: T): T => table

/** A table of events, checked for shape and kept literal. */
export const events = <const T extends Readonly<Record<string, EventContract>>>(table: T): T => table

export type ActionsOf<T extends Readonly<Record<string, ActionContract>>> = { [N in keyof T]: { params: ParamsOf<T[N]>; result: ResultOf<T[N]> } }
export type EventsOf<T extends Readonly<Record<string, EventContract>>> = { [N in keyof T]: Infer<T[N]['body']> }

/** Every action of the house: each contract adds its own with `interface Actions extends ActionsOf<typeof table> {}`. */
// oxlint-disable-next-line typescript/no-empty-object-type -- augmented by the contracts
export interface Actions {}

/** Every business event of the house (outbox ↠ topics), added to by contracts in the same way. */
// oxlint-disable-next-line typescript/no-empty-object-type -- augmented by the contracts
export interface Events {}

/** Moleculer events between nodes: hints that may be lost, never the only carrier of a fact. Added to by contracts. */
// oxlint-disable-next-line typescript/no-empty-object-type -- augmented by the contracts
export interface Hints {}

export type ActionName = keyof Actions & string
export type EventName = keyof Events & string
type ParamsFor<N extends ActionName> = Actions[N] extends { params: infer P } ? P : never
type ResultFor<N extends ActionName> = Actions[N] extends { result: infer R } ? R : never

/** Where a call starts: a context (keeps request id, caller and deadline) or a broker (a background job). */
export type CallSource = Pick<Context, 'call'> | Pick<ServiceBroker, 'call'>

/**
 * Calls an action by name. Names, parameters and results are those of the contracts: a wrong one does not compile.
 * Rejects with the action's problem, or with Moleculer's own errors for a timeout or a missing service.
 */
export const call = <N extends ActionName>(from: CallSource, name: N, params: ParamsFor<N>, options?: CallingOptions): Promise<ResultFor<N>> =>
  from.call(name, params as Record<string, unknown>, options) as Promise<ResultFor<N>>

/** Sends a hint to every node that listens. It may be lost: whoever needs it must also find out by itself. */
export const hint = <N extends keyof Hints & string>(broker: Pick<ServiceBroker, 'broadcast'>, name: N, payload: Hints[N]): void => {
  void broker.broadcast(name, payload)
}
