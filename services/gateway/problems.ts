import { isConnectionError } from '../../mixins/postgres/database.ts'
import { PROBLEMS, problemType, type FieldError, type ProblemData, type ProblemType } from '../../mixins/primitives/problem.ts'

/** A problem document (RFC 9457) with what HTTP needs beside it. */
export interface ProblemAnswer {
  status: number
  /** Seconds; only where a retry makes sense. */
  retryAfter: number | null
  document: Record<string, unknown>
}

/** Where a problem's members come from: everything that is shown to the client. */
interface Known {
  type: ProblemType
  detail: string
  data: ProblemData
}

/** One error of fastest-validator, as Moleculer's ValidationError carries it. */
interface RuleError {
  type: string
  field?: string
  actual?: unknown
  expected?: unknown
  action?: string
}

interface AnyError {
  type?: unknown
  code?: unknown
  message?: unknown
  data?: unknown
}

/** Validator's rule → code and message. Our own words: the validator's may repeat what was sent. */
const RULES: Readonly<Record<string, readonly [code: string, message: (expected: unknown) => string]>> = {
  required: ['required', () => 'must have a value'],
  string: ['type', () => 'must be text'],
  stringEmpty: ['too-short', () => 'must not be empty'],
  stringMin: ['too-short', (n) => `must have ${n} characters at least`],
  stringMax: ['too-long', (n) => `may have ${n} characters at most`],
  stringPattern: ['format', () => 'does not have the right form'],
  number: ['type', () => 'must be a number'],
  numberMin: ['too-small', (n) => `must be ${n} at least`],
  numberMax: ['too-large', (n) => `may be ${n} at most`],
  numberInteger: ['type', () => 'must be a whole number'],
  boolean: ['type', () => 'must be true or false'],
  array: ['type', () => 'must be a list'],
  arrayMin: ['too-short', (n) => `must have ${n} items at least`],
  arrayMax: ['too-long', (n) => `may have ${n} items at most`],
  object: ['type', () => 'must be an object'],
  record: ['type', () => 'must be an object'],
  enumValue: ['choice', (list) => `must be one of ${String(list)}`]
}

const unknownField = (field: string): FieldError => ({ field, code: 'unknown', message: 'is not known here' })

function fieldErrors(errors: readonly RuleError[]): FieldError[] {
  return errors.flatMap((error) => {
    const field = error.field ?? ''
    if (error.type === 'objectStrict') {
      const prefix = field === '' || field === '$$root' ? '' : `${field}.`
      return String(error.actual).split(', ').map((name) => unknownField(prefix + name))
    }
    const [code, message] = RULES[error.type] ?? ['invalid', () => 'is not right']
    return [{ field, code, message: message(error.expected) }]
  })
}

const invalid = (errors: FieldError[]): Known => ({
  type: 'validation-failed',
  detail: errors.length === 1 ? `${errors[0]!.field} ${errors[0]!.message}.` : `${errors.length} fields are not right.`,
  data: { errors }
})

const unavailable = (detail: string): Known => ({ type: 'unavailable', detail, data: { retryAfter: 2 } })
const overloaded = (): Known => ({ type: 'overloaded', detail: 'Too much to do at the moment: try again shortly.', data: { retryAfter: 1 } })

const UNKNOWN_OUTCOME = 'A part of the service did not answer in time; whether the request took effect is not known. Repeat it with the same Idempotency-Key, or look.'

/** Moleculer's own errors by type: what a client can do about them. */
const RUNTIME: Readonly<Record<string, () => Known>> = {
  SERVICE_NOT_FOUND: () => unavailable('The part of the service that does this is not running at the moment.'),
  SERVICE_NOT_AVAILABLE: () => unavailable('The part of the service that does this is not available at the moment.'),
  INVALID_ENDPOINT: () => unavailable('The part of the service that does this is not available at the moment.'),
  REQUEST_TIMEOUT: () => unavailable(UNKNOWN_OUTCOME),
  REQUEST_SKIPPED: () => unavailable(UNKNOWN_OUTCOME),
  REQUEST_REJECTED: () => unavailable(UNKNOWN_OUTCOME),
  DISCONNECTED: () => unavailable(UNKNOWN_OUTCOME),
  BAD_GATEWAY: () => unavailable(UNKNOWN_OUTCOME),
  QUEUE_FULL: overloaded
}

/** Errors of a database or socket: the same for the client, wherever they were met. */
const isOutage = (error: AnyError): boolean =>
  isConnectionError(error) || error.code === '53300' || (typeof error.message === 'string' && error.message.includes('timeout exceeded when trying to connect'))

/**
 * What an error means to the client of `action`. Only our own problems speak for themselves; a validation error counts as the
 * client's only when it is about the action that was asked for, not about a call that this action made.
 */
function knownOf(error: unknown, action: string | null): Known | null {
  const type = problemType(error)
  const e = (error ?? {}) as AnyError
  if (type) return { type, detail: String(e.message), data: (e.data as ProblemData | null) ?? {} }
  if (e.type === 'VALIDATION_ERROR' && Array.isArray(e.data)) {
    const errors = e.data as RuleError[]
    if (errors.every((rule) => rule.action === undefined || rule.action === action)) return invalid(fieldErrors(errors))
    return null
  }
  const runtime = typeof e.type === 'string' ? RUNTIME[e.type] : undefined
  if (runtime) return runtime()
  return isOutage(e) ? unavailable(UNKNOWN_OUTCOME) : null
}

/** The problem document of an error; `internal` (500) and nothing of its text for whatever was not meant for clients. */
export function problemAnswer(error: unknown, instance: string, action: string | null = null): ProblemAnswer {
  const { type, detail, data } = knownOf(error, action) ?? { type: 'internal', detail: 'The request could not be handled. The error was recorded under the id in `instance`.', data: {} }
  const [status, title] = PROBLEMS[type]
  const { retryAfter, ...members } = data
  return {
    status,
    retryAfter: retryAfter === undefined ? (status === 503 ? 2 : null) : Math.max(1, Math.ceil(retryAfter)),
    document: { ...members, type: `/problems/${type}`, title, status, detail, instance }
  }
}
