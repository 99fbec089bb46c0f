import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { problem, type FieldError } from '../../mixins/primitives/problem.ts'

/** Bytes of a JSON body at most. */
export const JSON_MAX = 1024 * 1024
/** Objects and lists inside one another at most: more is no business of ours, and deep recursion is somebody's attack. */
const DEPTH_MAX = 32
/** What a client sends beyond the limit is read and dropped up to here, so that it finds our answer; then the connection is cut. */
const DRAIN_MAX = 8 * 1024 * 1024
/** Bytes of bodies in memory at once on this thread. */
const HELD_MAX = 256 * 1024 * 1024
let held = 0

const tooLarge = (max: number): Error => problem('too-large', `The body may have ${max} bytes at most.`)

export const hasBody = (req: IncomingMessage): boolean => {
  const length = req.headers['content-length']
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** Lets the rest of a refused body go by without keeping it. */
function drain(req: IncomingMessage, seen: number): void {
  let left = DRAIN_MAX - seen
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) req.destroy()
  })
  req.resume()
}

/** The body's bytes. Throws `too-large` as soon as it is known; the rest of that body is drained. */
export function readBody(req: IncomingMessage, max: number): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > max) {
    drain(req, 0)
    return Promise.reject(tooLarge(max))
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      held += chunk.length
      if (size <= max && held <= HELD_MAX) return void chunks.push(chunk)
      req.off('data', onData)
      drain(req, size)
      reject(size > max ? tooLarge(max) : problem('overloaded', 'Too many large requests at once: try again shortly.', { retryAfter: 1 }))
    }
    req.on('data', onData)
    req.once('close', () => {
      held -= size
      if (!req.complete) reject(problem('bad-request', 'The request ended early.'))
    })
    req.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)))
    req.once('error', reject)
  })
}

/** The media type of a request, lower-case, without parameters. */
export const mediaType = (req: IncomingMessage): string => (req.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()

/** Throws `unsupported-media-type` unless the body is JSON in UTF-8, not compressed. */
function checkType(req: IncomingMessage): void {
  const charset = /charset="?([\w-]+)/i.exec(req.headers['content-type'] ?? '')?.[1]?.toLowerCase() ?? 'utf-8'
  const encoding = req.headers['content-encoding'] ?? 'identity'
  if (mediaType(req) !== 'application/json' || charset !== 'utf-8' || encoding !== 'identity') {
    throw problem('unsupported-media-type', 'Bodies are application/json in UTF-8.', { accept: ['application/json'] })
  }
}

function tooDeep(json: string): boolean {
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i)
    if (c === 0x22) {
      for (i++; i < json.length && json.charCodeAt(i) !== 0x22; i++) if (json.charCodeAt(i) === 0x5c) i++
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > DEPTH_MAX) return true
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  return false
}

/** Fields whose text is half a surrogate pair, which no store can keep. Only `\u` escapes can write one. */
function brokenText(value: unknown, field: string): FieldError[] {
  if (typeof value === 'string') return value.isWellFormed() ? [] : [{ field, code: 'format', message: 'is not well-formed Unicode' }]
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = Array.isArray(value) ? `${field}[${key}]` : field === '' ? key : `${field}.${key}`
    return key.isWellFormed() ? brokenText(inner, path) : [{ field: path.toWellFormed(), code: 'format', message: 'is not well-formed Unicode' }]
  })
}

/** Parses a JSON body. Throws `malformed-json` or, for text that cannot be kept, `validation-failed`. */
export function parseJson(bytes: Buffer): unknown {
  const refuse = (): Error => problem('malformed-json', 'The body is not valid JSON in UTF-8.')
  if (!isUtf8(bytes)) throw refuse()
  const json = bytes.toString()
  if (tooDeep(json)) throw problem('malformed-json', `The body is nested more than ${DEPTH_MAX} deep.`)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw refuse()
  }
  const errors = json.includes('\\u') ? brokenText(value, '') : []
  if (errors.length > 0) throw problem('validation-failed', 'Some text is not well-formed Unicode.', { errors })
  return value
}

/** The JSON body of a request; undefined when it has none. Throws 400, 413, 415 or 422 problems. */
export async function readJson(req: IncomingMessage): Promise<{ bytes: Buffer; value: unknown } | undefined> {
  if (!hasBody(req)) return undefined
  const length = Number(req.headers['content-length'] ?? 0)
  if (length <= JSON_MAX) checkType(req)
  const bytes = await readBody(req, JSON_MAX)
  if (length > JSON_MAX) checkType(req)
  return bytes.length === 0 ? undefined : { bytes, value: parseJson(bytes) }
}
