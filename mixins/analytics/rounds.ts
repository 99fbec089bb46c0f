import { setImmediate as turnOfTheLoop, setTimeout as sleep } from 'node:timers/promises'

export interface RoundOptions<T> {
  /** Answers for each part in turn, with an Error for one that failed; when it rejects, all of them failed. */
  write(parts: readonly T[]): Promise<(void | Error)[]>
  sizeOf(part: T): number
  /** Between two rounds, unless `enough` waits before. */
  pauseMs: number
  /** As much as makes a round worth while by itself. */
  enough: number
}

interface Waiting<T> {
  part: T
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Gathers parts into few large rounds, one at a time: at most one in each pause, with everything that came meanwhile; as much as is
 * worth a round does not wait. Whoever adds bounds how much that is.
 */
export class Rounds<T> {
  readonly #options: RoundOptions<T>
  #waiting: Waiting<T>[] = []
  #size = 0
  #running = false
  /** Ends the pause; null while there is none. */
  #goOn: AbortController | null = null

  constructor(options: RoundOptions<T>) {
    this.#options = options
  }

  /** Resolves when it is written. */
  add(part: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ part, resolve, reject })
      this.#size += this.#options.sizeOf(part)
      if (this.#size >= this.#options.enough) this.#goOn?.abort()
      if (!this.#running) void this.#run()
    })
  }

  /** Round by round, until a pause has passed in which nothing came. Never rejects. */
  async #run(): Promise<void> {
    this.#running = true
    await turnOfTheLoop() // what comes with the first goes with it
    while (this.#waiting.length > 0) {
      const taken = this.#waiting
      this.#waiting = []
      this.#size = 0
      await this.#round(taken)
      if (this.#size < this.#options.enough) await this.#pause()
    }
    this.#running = false
  }

  async #round(taken: readonly Waiting<T>[]): Promise<void> {
    try {
      const answers = await this.#options.write(taken.map(({ part }) => part))
      taken.forEach(({ resolve, reject }, i) => (answers[i] instanceof Error ? reject(answers[i]) : resolve()))
    } catch (error) {
      for (const { reject } of taken) reject(error)
    }
  }

  async #pause(): Promise<void> {
    this.#goOn = new AbortController()
    await sleep(this.#options.pauseMs, undefined, { ref: false, signal: this.#goOn.signal }).catch(() => {}) // enough has come
    this.#goOn = null
  }
}
