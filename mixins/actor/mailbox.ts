import { setTimeout as sleep } from 'node:timers/promises'
import type { Service } from 'moleculer'
import { problem } from '../primitives/problem.ts'
import type { Ctx } from '../runtime/service.ts'

/** Keys that an operator is shown of each type. */
export const SHOWN_KEYS = 100

/** Keys are columns of a batch, joined by a control character; and they are shown to operators. */
const KEY = /^[^\x00-\x1f\x7f]{1,200}$/

/** How long after a caller's deadline, by its own clock, a copy of its call may still begin: clocks of nodes differ. */
const CLOCKS_DIFFER_MS = 60_000

/**
 * When this caller has given up, by this thread's clock: what is left of the call's timeout. Infinity for a call that waits for ever.
 */
export function givenUpAt(ctx: Ctx): number {
  const { timeout } = ctx.options
  if (!timeout) return Infinity
  const { startHrTime } = ctx as unknown as { startHrTime: [number, number] | null }
  if (!startHrTime) return Date.now() + timeout
  const [seconds, nanoseconds] = process.hrtime(startHrTime)
  return Date.now() + timeout - seconds * 1_000 - nanoseconds / 1_000_000
}

/** A copy of a call that was held up for so long that its actor may have forgotten the other one. */
export const isOutdated = (deadline: number, now: number): boolean => deadline > 0 && now > deadline + CLOCKS_DIFFER_MS

export const isKey = (key: string): boolean => KEY.test(key)

export const badKey = (type: string): Error => new Error(`the key of an actor of type ${type} has 1 to 200 characters and no control characters`)

const overloaded = (detail: string) => (): Error => problem('overloaded', detail, { retryAfter: 1 })

export const mailboxFull = overloaded('Too many requests wait for this: try again shortly.')
export const tooLate = overloaded('This request’s turn did not come in time: try again shortly.')
export const stopping = overloaded('This node stops: try again.')
export const tooContended = overloaded('Too many changes at once: try again shortly.')
/** A late copy of a call whose caller got its answer, or gave up: nobody waits for this one. */
export const settledBefore = overloaded('This call was settled before.')

/** An action of the service that runs on owners of this type: its nodes are the type's owners. */
export function ownAction(service: Service, type: string): string | null {
  const actions = (service.schema.actions ?? {}) as Record<string, { actor?: { type: string } } | undefined>
  const name = Object.keys(actions).find((action) => actions[action]?.actor?.type === type)
  return name === undefined ? null : `${service.fullName}.${name}`
}

/** How long a service that stops waits for what runs: a store that hangs must not keep the thread. */
const FINISH_MS = 8_000

/** Resolves when nothing runs any more, or after eight seconds. */
export async function finishing(running: () => number): Promise<void> {
  const deadline = Date.now() + FINISH_MS
  while (running() > 0 && Date.now() < deadline) await sleep(5)
}
