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
export const prepare = (value: unknown, etag?: string): Prepared => prepareJson(JSON.stringify(value), etag)

/** The same of JSON that was put together from parts whose text is kept. */
export function prepareJson(json: string, etag?: string): Prepared {
  const body = Buffer.from(json)
  return { $body: body, $etag: etag ?? entityTag(body) }
}

/** Bytes that are not JSON, such as a picture. */
export const prepareBytes = (body: Uint8Array, type: string, etag: string = entityTag(body)): Prepared => ({ $body: body, $etag: etag, $type: type })

/**
 * What the action would answer to the same request at this moment, were it asked by a stranger (who presents no token, key, cart or
 * cookie); null when it has to be asked. It does what the action does beside answering.
 */
export type Again = () => Prepared | null

const repeats = new WeakMap<Prepared, Again>()

/**
 * Answers prepared bytes from an action whose contract promises `T`: only for faces, which the gateway alone calls. With `again` a
 * gateway on the same thread answers the next equal requests of strangers without a call, as long as `again` gives an answer.
 */
export function answer<T>(prepared: Prepared, again?: Again): T {
  if (again && !repeats.has(prepared)) repeats.set(prepared, again)
  return prepared as unknown as T
}

/** How this very answer is given again; undefined for one that came from another thread, or must be asked for each time. */
export const againOf = (prepared: Prepared): Again | undefined => repeats.get(prepared)

export const isPrepared = (value: unknown): value is Prepared => value !== null && typeof value === 'object' && '$body' in value
