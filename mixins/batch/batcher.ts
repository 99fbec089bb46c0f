/** How a batcher cuts what waits. */
export interface BatcherOptions {
  /** Items of one batch at most. */
  max: number
  /** Batches under way at once. */
  inFlight: number
  /** So many must wait before a batch goes beside others that are under way: fewer and larger batches. Default 8. */
  beside?: number
  /** How long the first item waits for others to go with, in milliseconds; only until the event loop's turn has ended unless told. */
  gatherMs?: number
  /** Items waiting at most; a further one is rejected with the error of `full`. Unbounded callers must set it. */
  maxWaiting?: number
  full?: () => Error
}

interface Waiting<I, O> {
  item: I
  resolve: (value: O) => void
  reject: (error: unknown) => void
}

/**
 * Turns single requests into batches: what arrives in one event-loop turn, or while earlier batches are in flight, goes as one.
 * `run` answers in the order of its items; a value that is an Error rejects that item alone. When `run` itself fails, every item
 * of that batch is rejected with that error. A batch is `min(max, max(16, waiting / free))` items, so that all lanes have work
 * when many callers wake together.
 */
export class Batcher<I, O> {
  #waiting: Waiting<I, O>[] = []
  #running = 0
  #scheduled = false
  readonly #run: (items: I[]) => Promise<(O | Error)[]>
  readonly #options: BatcherOptions

  constructor(run: (items: I[]) => Promise<(O | Error)[]>, options: BatcherOptions) {
    this.#run = run
    this.#options = options
  }

  /** Items that wait for a batch, those in flight not counted. */
  get waiting(): number {
    return this.#waiting.length
  }

  add(item: I): Promise<O> {
    const { maxWaiting, full } = this.#options
    if (maxWaiting !== undefined && this.#waiting.length >= maxWaiting) return Promise.reject(full?.() ?? new Error('batcher is full'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#schedule()
    })
  }

  /** Whether another batch may go now. */
  get #mayStart(): boolean {
    const { inFlight, beside = 8 } = this.#options
    return this.#running === 0 ? this.#waiting.length > 0 : this.#running < inFlight && this.#waiting.length >= beside
  }

  #schedule(): void {
    if (this.#scheduled || !this.#mayStart) return
    this.#scheduled = true
    const start = (): void => {
      this.#scheduled = false
      this.#start()
    }
    if (this.#options.gatherMs) setTimeout(start, this.#options.gatherMs)
    else setImmediate(start)
  }

  #start(): void {
    while (this.#mayStart) {
      const free = this.#options.inFlight - this.#running
      const size = Math.min(this.#options.max, Math.max(16, Math.ceil(this.#waiting.length / free)))
      void this.#flush(this.#waiting.splice(0, size))
    }
  }

  async #flush(batch: Waiting<I, O>[]): Promise<void> {
    this.#running++
    try {
      const results = await this.#run(batch.map((w) => w.item))
      batch.forEach((w, i) => {
        const result = results[i] as O | Error
        if (result instanceof Error) w.reject(result)
        else w.resolve(result)
      })
    } catch (error) {
      for (const w of batch) w.reject(error)
    } finally {
      this.#running--
      this.#schedule()
    }
  }
}
