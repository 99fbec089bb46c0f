export interface PlacesOptions {
  /** So many may wait; a further one is refused at once. Unbounded callers must set it. */
  waitingMax?: number
  /** Milliseconds; whoever has waited longer is refused when the turn comes, so that what nobody waits for any more is not done. */
  patienceMs?: number
  /** What is refused is rejected with this. */
  full?: () => Error
}

interface Waiting {
  since: number
  go: () => void
  refuse: (error: Error) => void
}

/** Lets so many run at once; the others wait, first come first served. */
export class Places {
  #free: number
  readonly #waiting: Waiting[] = []
  readonly #options: Required<PlacesOptions>

  constructor(places: number, { waitingMax = Infinity, patienceMs = Infinity, full = () => new Error('too many wait') }: PlacesOptions = {}) {
    this.#free = places
    this.#options = { waitingMax, patienceMs, full }
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await this.#turn()
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** Waits until one that ends hands its place over. */
  #turn(): Promise<void> {
    const { waitingMax, full } = this.#options
    if (this.#waiting.length >= waitingMax) return Promise.reject(full())
    return new Promise((go, refuse) => this.#waiting.push({ since: performance.now(), go, refuse }))
  }

  #leave(): void {
    const { patienceMs, full } = this.#options
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (performance.now() - next.since <= patienceMs) return next.go()
      next.refuse(full())
    }
    this.#free++
  }
}
