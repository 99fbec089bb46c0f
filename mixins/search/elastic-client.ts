import { Client, errors } from '@elastic/elasticsearch'
import { inTime } from '../primitives/in-time.ts'
import { problem } from '../primitives/problem.ts'

/** A request gets its answer within this, or is `unavailable`. Writes are larger. */
const PATIENCE_MS = { read: 3_000, write: 15_000 }
const CONNECTIONS = 32

/** The client of a cluster; `urls`: one or several of its nodes, comma-separated. */
export const connectElastic = (urls: string): Client => {
  const nodes = urls.split(',').map((url) => url.trim())
  return new Client({ nodes, maxRetries: 1, requestTimeout: PATIENCE_MS.write, compression: false, agent: { connections: CONNECTIONS, keepAliveTimeout: 30_000 } })
}

export const unavailable = (cause?: unknown): Error => Object.assign(problem('unavailable', 'The search index does not answer: try again shortly.', { retryAfter: 1 }), { cause })

const PASSING = new Set([408, 429, 502, 503, 504])

/** A fault of the engine or of the way to it, as `unavailable`; a refusal stays what it is. */
function translated(error: unknown): unknown {
  if (error instanceof errors.ResponseError) return PASSING.has(error.statusCode ?? 0) ? unavailable(error) : error
  return error instanceof errors.ElasticsearchClientError ? unavailable(error) : error
}

/** Bounds a request in time, and says of what failed whether it will pass. */
export async function ask<T>(kind: keyof typeof PATIENCE_MS, request: Promise<T>): Promise<T> {
  try {
    return await inTime(PATIENCE_MS[kind], request, unavailable)
  } catch (error) {
    throw translated(error)
  }
}

/** The engine's own name of a refusal; null for anything else. */
export const refusalOf = (error: unknown): string | null => (error instanceof errors.ResponseError ? ((error.body as { error?: { type?: string } } | undefined)?.error?.type ?? String(error.statusCode)) : null)

/** An index or alias that is not there. */
export const isMissing = (error: unknown): boolean => error instanceof errors.ResponseError && error.statusCode === 404
