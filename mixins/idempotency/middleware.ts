import type { Middleware } from 'moleculer'
import { canonicalJson, digest } from '../primitives/ids.ts'
import { problem } from '../primitives/problem.ts'
import type { Handler, WrappedAction } from '../runtime/handler.ts'
import type { Caller, Operation, PublicOptions } from '../runtime/service.ts'

const VISIBLE = /^[\x21-\x7e]{1,255}$/

/** Whose key it is; null for callers whose keys are not honoured, since nobody could tell them apart. */
function ownerOf(caller: Caller | undefined): string | null {
  if (caller?.kind === 'user') return `user/${caller.userId}`
  return caller?.kind === 'guest' ? `guest/${caller.cartId}` : null
}

/**
 * The operation of a request: its id tells callers and operations apart, its hash tells bodies apart. `confirmation` is not part of
 * the comparison: a repeated request may carry a newer proof of identity, or none.
 */
export function operationOf(owner: string, action: string, key: string, params: unknown): Operation {
  const { confirmation: _, ...body } = params as Record<string, unknown>
  return { id: digest(JSON.stringify([owner, action, key])), bodyHash: digest(canonicalJson(body)) }
}

function withOperation(next: Handler, action: string, required: boolean): Handler {
  return (ctx) => {
    const key = ctx.meta.idempotencyKey
    if (ctx.meta.operation) delete ctx.meta.operation
    if (key === undefined || (required && key === '')) {
      if (required) return Promise.reject(problem('idempotency-key-required', 'Send an Idempotency-Key header, a new one for each new intention, the same one for a repetition.'))
      return next(ctx)
    }
    if (!VISIBLE.test(key)) return Promise.reject(problem('bad-request', 'The Idempotency-Key has 1 to 255 visible ASCII characters.'))
    const owner = ownerOf(ctx.meta.caller)
    if (owner !== null) ctx.meta.operation = operationOf(owner, action, key, ctx.params)
    return next(ctx)
  }
}

/**
 * Middleware of the faces: turns the request's Idempotency-Key into `ctx.meta.operation`, which the worker records in the commit of
 * its change. It runs after the schema and the caller's rights were checked. `public.idempotent` is resolved when an action is wrapped.
 */
export const idempotencyMiddleware = (): Middleware =>
  ({
    name: 'Idempotency',
    localAction(next: Handler, action: WrappedAction<PublicOptions>) {
      const idempotent = action.public?.idempotent
      return idempotent ? withOperation(next, action.name, idempotent === 'required') : next
    }
  }) as unknown as Middleware
