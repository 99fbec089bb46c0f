import { hash, randomBytes, randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

const RANDOM_BYTES = 16
/** Random bytes of the ids to come, drawn many at a time: asking for 16 costs as much as asking for thousands. */
const pool = new Uint8Array(256 * RANDOM_BYTES)
let drawn = pool.length

function randomForId(): Uint8Array {
  if (drawn === pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  return pool.subarray(drawn, (drawn += RANDOM_BYTES))
}

let msecs = 0
let seq = 0

/** A new id: UUIDv7 (RFC 9562), so ids sort by creation to the millisecond, and within one thread strictly: ids of one millisecond count on. */
export function newId(): string {
  const random = randomForId()
  const now = Date.now()
  if (now > msecs) {
    msecs = now
    seq = ((random[6]! & 0x7f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!
  } else {
    seq = (seq + 1) >>> 0
    if (seq === 0) msecs++
  }
  return v7({ random, msecs, seq })
}

/** An unguessable token of 256 bits, base64url; only its `digest` is ever stored. */
export const newToken = (): string => randomBytes(32).toString('base64url')

const thread = newToken().slice(0, 16)
let counted = 0

/** An id of what passes in seconds, a request or a call: unique, but neither secret nor sortable. Random once per thread, then counted. */
export const passingId = (): string => `${thread}.${(counted++).toString(36)}`

/** SHA-256 of a token or a canonical text, base64url: what stores keep in place of a secret. */
export const digest = (text: string): string => hash('sha256', text, 'base64url')

/** JSON with sorted keys, so that two bodies that mean the same compare equal whatever their key order. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item) ?? 'null').join(',')}]`
  const fields = value as Record<string, unknown>
  let text = ''
  for (const name of Object.keys(fields).sort()) {
    const json = canonicalJson(fields[name])
    if (json !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${json}`
  }
  return `{${text}}`
}
