import { setTimeout as sleep } from 'node:timers/promises'
import { Errors, type Middleware, type ServiceBroker } from 'moleculer'
import type { Handler, WrappedAction } from './handler.ts'

interface Declared extends WrappedAction<unknown> {
  timeout?: number
  retrySafe?: boolean
  actor?: unknown
}

/** Settles as `answer` does, or rejects after `ms`: one promise, where Moleculer's own race makes eight. */
const within = (answer: Promise<unknown>, ms: number, late: () => Error): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), ms)
    answer.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error as Error)
      }
    )
  })

/**
 * Ends a call that takes too long with Moleculer's `RequestTimeoutError`, in place of its Timeout. An action's declared `timeout`
 * bounds every call of it, made from another action too: Moleculer alone would give such a call all the time that its parent has
 * left. Other calls have what their options say, or the broker's `requestTimeout`; 0 is no limit.
 */
export const callTimeouts = (): Middleware => {
  const bounded = function (this: ServiceBroker, next: Handler, { name, timeout: declared }: Declared): Handler {
    const usual = declared ?? this.options.requestTimeout ?? 0
    return (ctx) => {
      const { options } = ctx
      options.timeout ??= usual
      if (declared && options.timeout > declared) options.timeout = declared
      const { timeout } = options
      if (timeout <= 0) return next(ctx)
      ctx.startHrTime ??= process.hrtime() // from which the calls it makes know what is left
      return within(next(ctx), timeout, () => {
        this.logger.warn(`Request '${name}' is timed out.`, { requestID: ctx.requestID, nodeID: ctx.nodeID, timeout })
        return new Errors.RequestTimeoutError({ action: name, nodeID: ctx.nodeID! })
      })
    }
  }
  return { name: 'CallTimeouts', localAction: bounded, remoteAction: bounded } as unknown as Middleware
}

/** Pauses before each repetition: together longer than a thread needs to come back. */
const PAUSES_MS = [20, 100, 300, 600, 1_000, 1_000]
const LOST = new Set(['RequestRejectedError', 'ServiceNotAvailableError', 'ServiceNotFoundError', 'BrokerDisconnectedError'])

/** The call did not reach, or did not come back from, where it was sent. */
const isLost = (error: unknown): boolean => LOST.has((error as Error).name)

/**
 * Repeats a call that was lost with the thread or node it was sent to, on whoever provides the action then, if the action declares
 * `retrySafe`. Others are never repeated: they may have had their effect. Stands inside of `callTimeouts`, which bounds all
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
