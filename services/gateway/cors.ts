import type { IncomingMessage } from 'node:http'

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const REQUEST_HEADERS = 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Souk-Cart, Souk-Csrf, Souk-Key, Souk-Session, X-Request-Id'
const ANSWER_HEADERS = 'ETag, Idempotency-Replayed, Location, Retry-After, Souk-Cart, X-Request-Id'
const PREFLIGHT_SECONDS = '600'

/**
 * Headers that let pages of the configured origins read our answers, cookies included. For any other origin there are none, so a
 * browser keeps the answer from the page; the request itself is judged by its token and its CSRF token.
 */
export function corsHeaders(req: IncomingMessage, origins: readonly string[]): string[] {
  const { origin } = req.headers
  if (origins.length === 0 || origin === undefined) return []
  if (!origins.includes(origin)) return ['Vary', 'Origin']
  return ['Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Credentials', 'true', 'Access-Control-Expose-Headers', ANSWER_HEADERS, 'Vary', 'Origin']
}

/** What a preflight adds to them. */
export const preflightHeaders = (): string[] => [
  'Access-Control-Allow-Methods', METHODS,
  'Access-Control-Allow-Headers', REQUEST_HEADERS,
  'Access-Control-Max-Age', PREFLIGHT_SECONDS
]
