import { Batcher } from '../batch/batcher.ts'
import { BoundedMap } from '../primitives/bounded-map.ts'

export interface LoadingCacheOptions {
  /** Milliseconds that a value may be served, counted from before it was loaded. At most five seconds where values come from another thread. */
  ttlMs: number
  /** Values kept; the oldest goes first. */
  max: number
  /** Keys of one load at most. Default 100. */
  maxLoad?: number
  /** Loads under way at once. Default 4. */
  inFlight?: number
  /** Keys that wait for a load at most; a further one is rejected with the error of `full`. */
  maxWaiting: number
  full: () => Error
}

interface Entry<V> {
  value: V
  until: number
}

/**
 * Values of a slower place, kept in this thread for seconds. However many ask for a key at once, it is loaded once; keys that are
 * asked for in one event-loop turn are loaded together. What is not there is not kept.
 * After `drop` no value that was read before it is served any more: a load that was under way answers those who wait, and is forgotten.
 */
export class LoadingCache<V extends object> {
  readonly #entries: BoundedMap<string, Entry<V>>
  readonly #loading = new Map<string, Promise<V | undefined>>()
  readonly #loads: Batcher<string, V | undefined>
  readonly #options: LoadingCacheOptions

  /** `load` gives the values it finds; a rejection rejects everyone who waits and is not kept. */
  constructor(load: (keys: string[]) => Promise<ReadonlyMap<string, V>>, options: LoadingCacheOptions) {
    this.#options = options
    this.#entries = new BoundedMap(options.max)
    this.#loads = new Batcher(
      async (keys) => {
        const found = await load([...new Set(keys)])
        return keys.map((key) => found.get(key))
      },
      { max: options.maxLoad ?? 100, inFlight: options.inFlight ?? 4, beside: 1, maxWaiting: options.maxWaiting, full: options.full }
    )
  }

  /** The value of a key; undefined when there is none. */
  get(key: string): V | Promise<V | undefined> {
    return this.peek(key) ?? this.#loading.get(key) ?? this.#load(key)
  }

  /** The value of a key if it is here and fresh; loads nothing. */
  peek(key: string): V | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.until > performance.now() ? entry.value : undefined
  }

  drop(keys: Iterable<string>): void {
    for (const key of keys) {
      this.#entries.delete(key)
      this.#loading.delete(key)
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#loading.clear()
  }

  /** Keys with the values that are kept now, fresh or not. */
  get values(): Iterable<[string, V]> {
    return this.#entries.entries().map(([key, entry]): [string, V] => [key, entry.value])
  }

  #load(key: string): Promise<V | undefined> {
    const until = performance.now() + this.#options.ttlMs
    const loading = this.#loads.add(key).then(
      (value) => {
        if (this.#loading.get(key) === loading) {
          this.#loading.delete(key)
          if (value !== undefined) this.#entries.set(key, { value, until })
        }
        return value
      },
      (error: unknown) => {
        if (this.#loading.get(key) === loading) this.#loading.delete(key)
        throw error
      }
    )
    this.#loading.set(key, loading)
    return loading
  }
}
