/** Lets so many run at once; the others wait, first come first served. */
export class Places {
  #free: number
  readonly #waiting: (() => void)[] = []
  readonly #waitingMax: number
  readonly #full: () => Error

  /** Whoever would be one too many to wait is rejected with the error of `full`; unbounded callers must set it. */
  constructor(places: number, { waitingMax = Infinity, full = () => new Error('too many wait') }: { waitingMax?: number; full?: () => Error } = {}) {
    this.#free = places
    this.#waitingMax = waitingMax
    this.#full = full
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await this.#turn()
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }

  /** Waits until one that ends hands its place over. */
  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) return Promise.reject(this.#full())
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
