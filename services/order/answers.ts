import { replay, type IdempotencyRecord } from '../../mixins/idempotency/idempotency.ts'
import { problem, type ProblemData, type ProblemType } from '../../mixins/primitives/problem.ts'
import type { Ctx } from '../../mixins/runtime/service.ts'
import type { Refusal } from './order.ts'
import type { OrderStore } from './order.store.ts'
import { problemOf } from './saga.ts'

/**
 * The first answer of a request whose Idempotency-Key is known already: looked for before anything else, since its cart is empty and
 * its proof spent by now. Null for a new request.
 */
export async function answered<T>(store: OrderStore, ctx: Ctx, orderId: string): Promise<{ answer: T } | null> {
  const { operation } = ctx.meta
  const first = operation && (await store.record(orderId, operation.id))
  return first ? { answer: replay<T>(ctx, operation, first) } : null
}

/** The same where `claimId` is the request's own: `begun` says that the runtime repeats it, after its first run was lost. */
export async function answeredOrBegun<T>(store: OrderStore, ctx: Ctx, orderId: string, claimId: string): Promise<{ answer: T } | 'begun' | null> {
  const { operation } = ctx.meta
  const first = operation && (await store.record(orderId, operation.id))
  if (!first) return null
  return first.status === null && isClaimedBy(first, claimId) ? 'begun' : { answer: replay<T>(ctx, operation, first) }
}

/** Whether a record that has no final answer yet was claimed by this very request. */
export const isClaimedBy = (record: IdempotencyRecord | null | undefined, claimId: string): boolean => (record?.answer as { claim?: string } | null | undefined)?.claim === claimId

/** What this request is told when another run of its saga was first: what that run recorded. */
async function told<T>(store: OrderStore, ctx: Ctx, orderId: string): Promise<T> {
  const { operation } = ctx.meta
  const record = operation && (await store.record(orderId, operation.id))
  if (!record || record.status === null) throw problem('unavailable', 'This is still going on: repeat the request to hear how it ended.', { retryAfter: 1 })
  if (record.status >= 400) {
    const { type, detail, data } = (record.answer as { problem: { type: ProblemType; detail: string; data: ProblemData } }).problem
    throw problem(type, detail, data)
  }
  ctx.meta.$statusCode = record.status
  return record.answer as T
}

/** Answers a request with what its run has to say: a status with the view, a refusal, or (null) what another run said. */
export async function answer<T>(store: OrderStore, ctx: Ctx, orderId: string, says: number | Refusal | null, view: () => T): Promise<T> {
  if (says === null) return told<T>(store, ctx, orderId)
  if (typeof says !== 'number') throw problemOf(says)
  ctx.meta.$statusCode = says
  return view()
}
