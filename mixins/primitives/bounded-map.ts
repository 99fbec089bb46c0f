/**
 * A map of `max` entries: beyond that the one that was set longest ago gives way. One iterator stands behind the last that went,
 * for good: whatever is there is ahead of it, and a new one would walk over the places of all that went before (several
 * microseconds each time in a map of ten thousand).
 */
export class BoundedMap<K, V> {
  readonly #max: number
  readonly #entries = new Map<K, V>()
  readonly #oldest = this.#entries.keys()

  constructor(max: number) {
    this.#max = max
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  /** The entry is the newest now, whether or not its key was there. */
  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#max) this.#entries.delete(this.#oldest.next().value!)
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  entries(): IteratorObject<[K, V], undefined> {
    return this.#entries.entries()
  }
}
