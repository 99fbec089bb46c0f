import type { Money } from '../customers.ts'

interface PriceVersion {
  amount: number
  /** When the change was sent, and when its answer was there (of `performance.now`). */
  sentAt: number
  answeredAt: number
}

/** Older versions are of no use: no request lasts so long. */
const KEPT = 50

/**
 * The prices that an offer had, as its seller knows them. A price holds at the earliest from when its change was sent, and at the latest
 * until the next change was answered: what is in between cannot be told from outside.
 */
export class PriceLog {
  readonly #versions: PriceVersion[]
  /** A change whose answer was lost may have happened, at any time: nothing can be said of this offer any more. */
  isUncertain = false
  isChanging = false

  constructor(amount: number) {
    this.#versions = [{ amount, sentAt: -Infinity, answeredAt: -Infinity }]
  }

  get amount(): number {
    return this.#versions.at(-1)!.amount
  }

  /** Changes the price; each amount is another one, so that it names its version. */
  async change(amount: number, send: () => Promise<unknown>): Promise<void> {
    this.isChanging = true
    const version = { amount, sentAt: performance.now(), answeredAt: Infinity }
    this.#versions.push(version)
    if (this.#versions.length > KEPT) this.#versions.shift()
    try {
      await send()
      version.answeredAt = performance.now()
    } catch (error) {
      this.isUncertain = true
      throw error
    } finally {
      this.isChanging = false
    }
  }

  /**
   * How long before `from` this price was certainly no more, for somebody who looked between `from` and `to`: 0 when it may have held at
   * some moment between. Null: it never was a price of this offer by then.
   */
  staleness(amount: number, from: number, to: number): number | null {
    const at = this.#versions.findIndex((version) => version.amount === amount)
    if (at < 0 || this.#versions[at]!.sentAt > to) return null
    const next = this.#versions[at + 1]
    return next ? Math.max(0, from - next.answeredAt) : 0
  }
}

/** A price that somebody was shown between two moments. */
export interface SeenPrice {
  offerId: string
  price: Money
  from: number
  to: number
}

/** What is wrong with a price, if no more than `staleMs` behind is allowed; null: nothing, or nothing can be said. */
export function priceComplaint(log: PriceLog, { offerId, price, from, to }: SeenPrice, staleMs: number): string | null {
  if (log.isUncertain) return null
  const stale = log.staleness(price.amount, from, to)
  if (stale === null) return `${offerId} at ${price.amount}, which its seller never asked`
  return stale > staleMs ? `${offerId} at ${price.amount}, which was changed ${Math.round(stale)} ms before it was asked for` : null
}
