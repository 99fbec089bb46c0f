/** Something that is opened once for all who use it. */
export interface Lease<T> {
  readonly value: T
  /** Gives this user's part back; the last one closes the thing. A second call does nothing. */
  release(): Promise<void>
}

/**
 * One thing per key for all users of a thread (a pool, a store with its batches): opened for the first, closed with the last.
 * The thing is closed before `release` of its last user resolves; one that is asked for meanwhile is opened anew.
 */
export class Leases<T> {
  readonly #held = new Map<string, { value: T; users: number }>()
  readonly #open: (key: string) => T
  readonly #close: (value: T) => Promise<void>

  constructor(open: (key: string) => T, close: (value: T) => Promise<void>) {
    this.#open = open
    this.#close = close
  }

  take(key: string): Lease<T> {
    const held = this.#held.get(key) ?? { value: this.#open(key), users: 0 }
    this.#held.set(key, held)
    held.users++
    let released = false
    return {
      value: held.value,
      release: async () => {
        if (released) return
        released = true
        if (--held.users > 0) return
        this.#held.delete(key)
        await this.#close(held.value)
      }
    }
  }
}
