import { entityTag } from '../primitives/etag.ts'

/** The bytes of an answer, made once and sent many times. Survives the wire; recognised by its key. */
export interface Prepared {
  $body: Uint8Array
  /** Unquoted. */
  $etag: string
  $type?: string
}

/**
 * Turns an answer into bytes that the gateway sends as they are, with their ETag: for hot public reads, which keep the result in a
 * cache. `etag` is the object's version where it declares one; otherwise it is made of the bytes.
 */
export function prepare(value: unknown, etag?: string): Prepared {
  const body = Buffer.from(JSON.stringify(value))
  return { $body: body, $etag: etag ?? entityTag(body) }
}

/** Bytes that are not JSON, such as a picture. */
export const prepareBytes = (body: Uint8Array, type: string, etag: string = entityTag(body)): Prepared => ({ $body: body, $etag: etag, $type: type })

/** Answers prepared bytes from an action whose contract promises `T`: only for faces, which the gateway alone calls. */
export const answer = <T>(prepared: Prepared): T => prepared as unknown as T

export const isPrepared = (value: unknown): value is Prepared => value !== null && typeof value === 'object' && '$body' in value
