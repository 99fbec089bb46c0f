/** Runs of sagas on this thread, one at a time for each order: two would not harm, but ask everybody twice. */
export class SagaRuns {
  readonly #running = new Map<string, { again: boolean; ended: Promise<unknown> }>()

  /** Runs the order's saga; if that is running already, once more when it has ended, for it may have looked before the news came. */
  resume(orderId: string, run: () => Promise<void>): Promise<unknown> {
    const running = this.#running.get(orderId)
    if (running) {
      running.again = true
      return running.ended.catch(() => {}) // whoever runs it hears of that
    }
    return this.#start(orderId, async (state) => {
      do {
        state.again = false
        await run()
      } while (state.again)
    })
  }

  /** A request at work on the order: who wants the saga resumed meanwhile leaves it to the request, which sees to that when it has answered. */
  during<T>(orderId: string, request: () => Promise<T>): Promise<T> {
    return this.#running.has(orderId) ? request() : this.#start(orderId, request)
  }

  /** Resolves when none is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running.values()].map((r) => r.ended))
  }

  #start<T>(orderId: string, work: (state: { again: boolean }) => Promise<T>): Promise<T> {
    const state = { again: false, ended: Promise.resolve() as Promise<unknown> }
    this.#running.set(orderId, state)
    const ended = work(state).finally(() => {
      if (this.#running.get(orderId) === state) this.#running.delete(orderId)
    })
    state.ended = ended
    return ended
  }
}
