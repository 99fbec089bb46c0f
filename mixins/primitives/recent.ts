import { BoundedMap } from './bounded-map.ts'

/** The last `max` things that were put in or asked for, by key. */
export class Recent<K, V> {
  readonly #entries: BoundedMap<K, V>

  constructor(max: number) {
    this.#entries = new BoundedMap(max)
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.put(key, value)
    return value
  }

  put(key: K, value: V): void {
    this.#entries.set(key, value)
  }
}
