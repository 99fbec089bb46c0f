import type { KeysStore } from '../keys/port.ts'
import type { Json } from '../primitives/json.ts'

/** How long a dropped key keeps loads that began before the drop from writing: longer than any load takes. */
const DROPPED_MS = 60_000

export interface SharedCacheOptions {
  /** Begins every key of this cache. */
  prefix: string
  /** Milliseconds that a value lives: also how long a stale one lives if the process ends between a change and its `drop`. */
  ttlMs: number
}

/**
 * Values of a slower place, kept in the keys store for all nodes. A `drop` leaves a mark with a version of its own, and a load
 * writes only if the key is still as it was before the load began: a value that was read before the drop is never kept after it.
 * The keys store is a help, not a need: while it does not answer, values come from the slower place.
 */
export class SharedCache<V extends Json> {
  readonly #keys: KeysStore
  readonly #load: (ids: string[]) => Promise<ReadonlyMap<string, V>>
  readonly #options: SharedCacheOptions
  readonly #onError: (error: unknown) => void

  constructor(keys: KeysStore, load: (ids: string[]) => Promise<ReadonlyMap<string, V>>, options: SharedCacheOptions, onError: (error: unknown) => void) {
    this.#keys = keys
    this.#load = load
    this.#options = options
    this.#onError = onError
  }

  /** The values that are there, by id. */
  async get(ids: readonly string[]): Promise<Map<string, V>> {
    const { prefix, ttlMs } = this.#options
    const entries = await this.#keys.get(ids.map((id) => prefix + id)).catch((error: unknown) => {
      this.#onError(error)
      return null
    })
    const found = new Map<string, V>()
    ids.forEach((id, i) => {
      const value = entries?.[i]?.value
      if (value !== null && value !== undefined) found.set(id, value as V)
    })
    const missing = ids.filter((id) => !found.has(id))
    if (missing.length === 0) return found
    const loaded = await this.#load(missing)
    for (const [id, value] of loaded) {
      found.set(id, value)
      const ifVersion = entries?.[ids.indexOf(id)]?.version ?? 0
      if (entries) this.#keys.set(prefix + id, value, ttlMs, { ifVersion }).catch(this.#onError)
    }
    return found
  }

  /** Forgets values that have changed; call it after the change is committed. Resolves when no node finds the old value here any more. */
  async drop(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#keys.set(this.#options.prefix + id, null, DROPPED_MS))).catch(this.#onError)
  }
}
