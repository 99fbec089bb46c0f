/** How long an order waits for others to go on together with, in milliseconds. */
const GATHER_MS = 50

/**
 * Goes on with orders behind the answers that their buyers were given: those of a while together, so that their steps share commits.
 * Nothing is lost with it: each order has an alarm of its own.
 */
export class FollowUps {
  readonly #start: (orderId: string) => void
  #waiting = new Set<string>()
  #timer: NodeJS.Timeout | null = null

  constructor(start: (orderId: string) => void) {
    this.#start = start
  }

  add(orderId: string): void {
    this.#waiting.add(orderId)
    this.#timer ??= setTimeout(() => {
      const gathered = this.#waiting
      this.#waiting = new Set()
      this.#timer = null
      for (const id of gathered) this.#start(id)
    }, GATHER_MS)
  }

  /** Starts none any more. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
  }
}
