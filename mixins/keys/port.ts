import type { Json } from '../primitives/json.ts'

/** A value with the version of its last write, counted from 1. */
export interface KeyEntry {
  value: Json
  version: number
}

/** What a limit said of one more hit. */
export interface HitResult {
  allowed: boolean
  /** Hits left in this window. */
  remaining: number
  /** Milliseconds until the window ends: true for Retry-After. */
  resetMs: number
}

/**
 * Keys: sessions, shared caches and limits.
 * Promised by both engines: each key is atomic by itself, nothing spans keys; an expired entry is invisible at once; a write that
 * was answered is seen by every later read on every node; versions of one life of a key grow by one. Not promised: order between
 * keys; survival of `hit` counters over a restart; that nothing is lost when Redis fails over to a replica.
 * Errors: `unavailable` (503) when the engine does not answer in time; whether a write has happened is then unknown.
 */
export interface KeysStore {
  /** Entries in the order of `keys`; null where absent or expired. */
  get(keys: readonly string[]): Promise<(KeyEntry | null)[]>
  /**
   * Writes a value that lives `ttlMs` from now and answers its new version. With `ifVersion` it is a compare-and-set: null, and no
   * write, unless the entry is at that version (0: absent or expired).
   */
  set(key: string, value: Json, ttlMs: number, options?: { ifVersion?: number }): Promise<number | null>
  del(keys: readonly string[]): Promise<void>
  /** Counts one hit in the fixed window of `windowMs` that `key` is in, and says whether it is within `limit`. */
  hit(key: string, windowMs: number, limit: number): Promise<HitResult>
}
