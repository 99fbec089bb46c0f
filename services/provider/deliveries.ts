import { SIGNATURE_HEADER, sign } from '../../mixins/webhooks/signature.ts'
import type { ProviderStore } from './provider.store.ts'

const TICK_MS = 400
/** Events of one POST: the merchant's bound. */
const BATCH = 500
const PATIENCE_MS = 10_000

/**
 * Sends webhooks that are due: signed, as many in one POST as are due together. What is not acknowledged with a 2xx comes again
 * with growing pauses, also after a crash; so does what was acknowledged just before one.
 */
export class Deliveries {
  readonly #store: ProviderStore
  readonly #url: string
  readonly #secret: string
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopped = false

  constructor(store: ProviderStore, url: string, secret: string) {
    this.#store = store
    this.#url = url
    this.#secret = secret
  }

  start(): void {
    this.#timer = setInterval(() => (this.#running ??= this.#round().finally(() => (this.#running = undefined))), TICK_MS)
  }

  /** Sends nothing new; waits for the POST under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#running
  }

  /** A failure is no news: the claim has put the events off already. */
  async #round(): Promise<void> {
    try {
      for (let full = true; full && !this.#stopped; ) {
        const claimed = await this.#store.claim(BATCH)
        full = claimed.length === BATCH
        if (claimed.length === 0) return
        if (await this.#post(JSON.stringify({ events: claimed.map((d) => d.event) }))) await this.#store.delivered(claimed.map((d) => d.id))
      }
      await this.#store.giveUp()
    } catch {
      // the database is away: the next round finds everything as it was
    }
  }

  async #post(body: string): Promise<boolean> {
    try {
      const answer = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: sign(this.#secret, body) },
        body,
        signal: AbortSignal.timeout(PATIENCE_MS)
      })
      await answer.body?.cancel()
      return answer.ok
    } catch {
      return false
    }
  }
}
