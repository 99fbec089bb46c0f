import type { ActorRow, ActorStore } from './types.ts'

/** An actor in memory: the row it was loaded as (null: to be loaded), and the turns that wait for it. */
export class Activation<W> {
  readonly key: string
  readonly store: ActorStore
  row: ActorRow | null = null
  readonly mailbox: W[] = []
  running = false
  /** The router's epoch in which this thread was last known to own it. */
  epoch = -1
  /** Since it was last passed over by an eviction. */
  used = true
  usedAt = Date.now()

  constructor(key: string, store: ActorStore) {
    this.key = key
    this.store = store
  }

  get idle(): boolean {
    return !this.running && this.mailbox.length === 0
  }
}

/** Activations that one eviction looks at, so that it takes no time when all are busy. */
const EVICTION_LOOKS = 16

/**
 * The activations of a type on a thread: bounded in number, the longest unused goes first. One that runs is never dropped, so with
 * more busy actors than the bound there are more until they rest. Dropping is always safe: the row is in the store.
 */
export class Activations<W> {
  readonly #byKey = new Map<string, Activation<W>>()
  readonly #max: number
  readonly #idleMs: number

  constructor(max: number, idleMs: number) {
    this.#max = max
    this.#idleMs = idleMs
  }

  get size(): number {
    return this.#byKey.size
  }

  get(key: string): Activation<W> | undefined {
    return this.#byKey.get(key)
  }

  values(): Iterable<Activation<W>> {
    return this.#byKey.values()
  }

  /** The key's activation, made if there is none. */
  take(key: string, storeOf: (key: string) => ActorStore): Activation<W> {
    let activation = this.#byKey.get(key)
    if (!activation) {
      if (this.#byKey.size >= this.#max) this.#evict()
      this.#byKey.set(key, (activation = new Activation(key, storeOf(key))))
    }
    activation.used = true
    return activation
  }

  drop(activation: Activation<W>): void {
    if (this.#byKey.get(activation.key) === activation) this.#byKey.delete(activation.key)
  }

  /** Drops those that are idle and not wanted any more. */
  dropWhere(unwanted: (activation: Activation<W>) => boolean): void {
    for (const activation of this.#byKey.values()) if (activation.idle && unwanted(activation)) this.drop(activation)
  }

  /** Drops those without a turn for `idleMs`. */
  passivate(now: number): void {
    this.dropWhere(({ usedAt }) => now - usedAt >= this.#idleMs)
  }

  /**
   * Second chance: of the oldest few, whoever was used since goes to the end once, and the others go. A few more than one may go,
   * so that what piled up while all were busy melts away.
   */
  #evict(): void {
    let looks = EVICTION_LOOKS
    for (const activation of this.#byKey.values()) {
      if (this.#byKey.size < this.#max || looks-- === 0) return
      this.#byKey.delete(activation.key)
      if (activation.idle && !activation.used) continue
      activation.used = false
      this.#byKey.set(activation.key, activation)
    }
  }
}
