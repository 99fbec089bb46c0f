import { setTimeout as sleep } from 'node:timers/promises'
import type { Middleware, ServiceBroker } from 'moleculer'
import type { Handler, WrappedAction } from './handler.ts'

interface Declared extends WrappedAction<unknown> {
  timeout?: number
  retrySafe?: boolean
  actor?: unknown
}

/**
 * An action's declared `timeout` bounds every call of it, made from another action too: Moleculer alone would give such a call all
 * the time that its parent has left. Stands outside of Moleculer's own Timeout, which ends the call.
 */
export const declaredTimeouts = (): Middleware => {
  const bounded = (next: Handler, { timeout }: Declared): Handler => {
    if (!timeout) return next
    return (ctx) => {
      const { options } = ctx
      if (options.timeout === undefined || options.timeout === null || options.timeout > timeout) options.timeout = timeout
      return next(ctx)
    }
  }
  return { name: 'DeclaredTimeouts', localAction: bounded, remoteAction: bounded } as unknown as Middleware
}

/** Pauses before each repetition: together longer than a thread needs to come back. */
const PAUSES_MS = [20, 100, 300, 600, 1_000, 1_000]
const LOST = new Set(['RequestRejectedError', 'ServiceNotAvailableError', 'ServiceNotFoundError', 'BrokerDisconnectedError'])

/** The call did not reach, or did not come back from, where it was sent. */
const isLost = (error: unknown): boolean => LOST.has((error as Error).name)

/**
 * Repeats a call that was lost with the thread or node it was sent to, on whoever provides the action then, if the action declares
 * `retrySafe`. Others are never repeated: they may have had their effect. Stands inside of Moleculer's Timeout, which bounds all
 * repetitions together. Calls to actors are followed by their own middleware, which knows the next owner.
 */
export const retriesOfSafeActions = (): Middleware =>
  ({
    name: 'RetriesOfSafeActions',
    remoteAction(this: ServiceBroker, next: Handler, { retrySafe, name, actor }: Declared): Handler {
      if (!retrySafe || actor) return next
      return async (ctx) => {
        try {
          return await next(ctx)
        } catch (error) {
          if (!isLost(error) || ctx.options.stream || ctx.locals['repeated']) throw error
          ctx.locals['repeated'] = true
          return again(() => this.call(name, ctx.params, { ctx: ctx.copy(ctx.endpoint!) } as object), error)
        }
      }
    }
  }) as unknown as Middleware

async function again(call: () => Promise<unknown>, first: unknown): Promise<unknown> {
  let last = first
  for (const pause of PAUSES_MS) {
    await sleep(pause)
    try {
      return await call()
    } catch (error) {
      if (!isLost(error)) throw error
      last = error
    }
  }
  throw last
}
