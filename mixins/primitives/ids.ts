import { createHash, randomBytes } from 'node:crypto'
import { v7 } from 'uuid'

/** A new id: UUIDv7 (RFC 9562), so ids sort by creation to the millisecond, and within one thread strictly. */
export const newId = (): string => v7()

/** An unguessable token of 256 bits, base64url; only its `digest` is ever stored. */
export const newToken = (): string => randomBytes(32).toString('base64url')

/** SHA-256 of a token or a canonical text, base64url: what stores keep in place of a secret. */
export const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** JSON with sorted keys, so that two bodies that mean the same compare equal whatever their key order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v
  )
}
