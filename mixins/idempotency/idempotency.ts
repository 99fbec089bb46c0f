import { problem, type ProblemData, type ProblemType } from '../primitives/problem.ts'
import type { Database, Queryable } from '../postgres/database.ts'
import type { Ctx, Operation } from '../runtime/service.ts'

/** How long a first answer is kept: callers may repeat a key within it. */
export const KEPT_HOURS = 24

/** The record of a first answer, as it lies in `<schema>.idempotency`. */
export interface IdempotencyRecord {
  body_hash: string
  status: number | null
  answer: unknown
}

/** How a final refusal is kept: a saga's 4xx after its first commit. */
export interface StoredRefusal {
  problem: { type: ProblemType; detail: string; data: ProblemData }
}

/**
 * What a repeated key means: the first answer again, or a typed refusal. `idempotency-key-reused` when the body differs,
 * `idempotency-key-in-progress` while the first has no final answer. Marks the context as replayed.
 */
export function replay<T>(ctx: Pick<Ctx, 'meta'>, operation: Operation, first: IdempotencyRecord): T {
  if (first.body_hash !== operation.bodyHash) {
    throw problem('idempotency-key-reused', 'This key was used with another body: repeat the first body, or take a new key.')
  }
  if (first.status === null) throw problem('idempotency-key-in-progress', 'The first request with this key is still running: ask again shortly.', { retryAfter: 1 })
  ctx.meta.replayed = true
  if (first.status >= 400) {
    const { type, detail, data } = (first.answer as StoredRefusal).problem
    throw problem(type, detail, data)
  }
  ctx.meta.$statusCode = first.status
  return first.answer as T
}

/**
 * Runs a change in one transaction that also records its answer under the request's Idempotency-Key. A repeated key answers as
 * the first did, without running `change`; two at once run one after the other, so the second finds the first's answer. A
 * refusal rolls everything back and records nothing. Without a key it is a plain transaction.
 * The schema uses `idempotency`. `status` is the HTTP status of the answer.
 */
export async function idempotently<T>(ctx: Pick<Ctx, 'meta'>, db: Database, status: number, change: (tx: Queryable) => Promise<T>): Promise<T> {
  const { operation } = ctx.meta
  if (!operation) return db.tx(change)
  return db.tx(async (tx) => {
    const claimed = await tx.query(`INSERT INTO ${db.schema}.idempotency (id, body_hash) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING id`, [operation.id, operation.bodyHash])
    if (claimed.length === 0) {
      const [first] = await tx.query<IdempotencyRecord>(`SELECT body_hash, status, answer FROM ${db.schema}.idempotency WHERE id = $1`, [operation.id])
      if (!first) throw problem('idempotency-key-in-progress', 'The first request with this key is still running: ask again shortly.', { retryAfter: 1 })
      return replay<T>(ctx, operation, first)
    }
    const answer = await change(tx)
    await tx.query(`UPDATE ${db.schema}.idempotency SET status = $2, answer = $3 WHERE id = $1`, [operation.id, status, JSON.stringify(answer ?? null)])
    return answer
  })
}

/** Deletes records older than a day; returns how many. Called by each owner's sweeper. */
export async function sweepIdempotency(db: Database): Promise<number> {
  const gone = await db.query(`DELETE FROM ${db.schema}.idempotency WHERE at < now() - interval '${KEPT_HOURS} hours' RETURNING id`)
  return gone.length
}
