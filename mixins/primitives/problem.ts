import { Errors } from 'moleculer'

/**
 * Every error a client can meet: stable type → status and title (RFC 9457). The gateway renders `type` as `/problems/<type>`.
 * Classes do not survive a transporter; test `problemType(err)`, never `instanceof`.
 */
export const PROBLEMS = {
  'malformed-json': [400, 'The body is not valid JSON'],
  'idempotency-key-required': [400, 'This operation needs an Idempotency-Key header'],
  'bad-request': [400, 'The request cannot be understood'],
  'invalid-credentials': [401, 'The credentials are not right'],
  'token-expired': [401, 'The access token is missing, expired or revoked'],
  'payment-declined': [402, 'The payment was declined'],
  forbidden: [403, 'You may not do this'],
  'identity-confirmation-required': [403, 'A fresh proof of identity is needed'],
  'not-found': [404, 'There is no such thing'],
  'method-not-allowed': [405, 'This path does not take this method'],
  'email-taken': [409, 'This e-mail address has an account'],
  'out-of-stock': [409, 'Not enough stock'],
  'price-changed': [409, 'The total has changed'],
  'cart-empty': [409, 'The cart is empty'],
  'invalid-transition': [409, 'The state does not allow this'],
  conflict: [409, 'This already exists'],
  'idempotency-key-in-progress': [409, 'The first request with this key is still running'],
  'version-conflict': [412, 'The resource has changed since it was read'],
  'too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'This media type is not taken here'],
  'validation-failed': [422, 'Some fields are not right'],
  'card-data-refused': [422, 'Card numbers are not taken here'],
  'idempotency-key-reused': [422, 'This Idempotency-Key was used with another body'],
  'rate-limited': [429, 'Too many requests'],
  internal: [500, 'Something went wrong on our side'],
  overloaded: [503, 'The service is overloaded, try again shortly'],
  unavailable: [503, 'A part of the service is not available, try again shortly']
} as const satisfies Record<string, readonly [number, string]>

export type ProblemType = keyof typeof PROBLEMS

/** One wrong field of a 422: `field` is a path such as `lines[0].quantity`. */
export interface FieldError {
  field: string
  code: string
  message: string
}

/** Extra members of a problem document; all of them are shown to the client, so they hold nothing internal. */
export interface ProblemData {
  errors?: FieldError[]
  /** Seconds until a retry makes sense: becomes the Retry-After header. */
  retryAfter?: number
  [member: string]: unknown
}

/** A typed client error. `detail` says in one sentence what to do about it. Throw it from any service: it crosses threads and nodes. */
export function problem(type: ProblemType, detail: string, data: ProblemData = {}): Error {
  const [status] = PROBLEMS[type]
  return status >= 500
    ? new Errors.MoleculerServerError(detail, status, type, data)
    : new Errors.MoleculerClientError(detail, status, type, data)
}

/** The problem type of an error that came from `problem`, here or on another thread; null for any other error. */
export function problemType(error: unknown): ProblemType | null {
  const type = error !== null && typeof error === 'object' && 'type' in error ? error.type : null
  return typeof type === 'string' && Object.hasOwn(PROBLEMS, type) ? (type as ProblemType) : null
}

/** `validation-failed` of a single field. */
export const invalidField = (field: string, code: string, message: string): Error =>
  problem('validation-failed', `${field}: ${message}`, { errors: [{ field, code, message }] })
