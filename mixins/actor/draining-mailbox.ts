import type { ServiceSchema } from 'moleculer'
import type { Ctx, ServiceThis } from '../runtime/service.ts'

export interface DrainingMailboxOptions<M, R, This> {
  /** Names the desks; actions declare `actor: { type, key }` with it. */
  type: string
  /**
   * Does all that waits for `key`, in order of arrival, in one step, and answers in the same order; an Error rejects its message
   * alone. When it rejects, every message of this run is rejected with that error. Never runs twice at once for one key on one
   * thread; two owners may for a moment (hand-off, a paused node), so the store must guard what it writes.
   */
  run: (this: This, key: string, messages: M[]) => Promise<(R | Error)[]>
  /** Messages of one run at most. Default 256. */
  maxBatch?: number
  /** Messages that wait for one key; one more is `overloaded` (503) at once. Default 1,000. */
  maxWaiting?: number
}

/** `this.mailbox` of a service. */
export interface DrainingMailbox<M, R> {
  /**
   * Queues a message for `key` and resolves with its own result. A message whose caller has given up is not run. Repeats are not
   * recognised here: messages carry their operation's id, and the desk's ledger knows which were done.
   * Rejects with the message's error, or `overloaded` (503, retryAfter) when the mailbox is full or the deadline has passed.
   */
  send(ctx: Ctx, key: string, message: M): Promise<R>
}

/** A mixin for hot keys that commit through a store of their own (stock desks): mailbox and placement only, all waiting messages in one run. */
export declare function drainingMailbox<M, R, This = ServiceThis<{ mailbox: DrainingMailbox<M, R> }>>(options: DrainingMailboxOptions<M, R, This>): Partial<ServiceSchema>
