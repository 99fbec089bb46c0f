/** An object as it was stored. */
export interface StoredObject {
  body: Buffer
  type: string
}

/**
 * Objects: product images and documents. Promised by both engines: read after write; a put replaces the whole object or nothing.
 * Signed URLs carry everything that is checked: key, method, expiry, and for uploads the exact type and the size's bound.
 */
export interface ObjectStore {
  put(key: string, body: Buffer, type: string): Promise<void>
  get(key: string): Promise<StoredObject | null>
  remove(key: string): Promise<void>
  /** A URL that gives the object for `ttlSeconds`. */
  signGet(key: string, ttlSeconds: number): Promise<string>
  /** Where and with which form fields a browser may post one object of this type and size. */
  signPost(key: string, limits: { type: string; maxBytes: number; ttlSeconds: number }): Promise<{ url: string; fields: Record<string, string> }>
}
