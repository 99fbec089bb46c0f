import type { KeysStore } from '../../mixins/keys/port.ts'
import { problem } from '../../mixins/primitives/problem.ts'

const WINDOW_MS = 15 * 60_000
/** Attempts on one account that wait for one another; more is a machine. */
const WAITING_MAX = 20

const limited = (milliseconds: number): Error =>
  problem('rate-limited', 'Too many wrong passwords or codes for this account: wait, then try again.', { retryAfter: Math.max(1, Math.ceil(milliseconds / 1_000)) })

/**
 * Counts wrong secrets per account and stops guessing: after `limit` of them in 15 minutes every attempt is `rate-limited` until the
 * window ends, also one with the right secret. Attempts on one account run one after another on a thread, so that guesses sent at
 * once gain nothing but one per thread. `limit` 0 is no limit.
 */
export class Attempts {
  readonly #keys: KeysStore
  readonly #limit: number
  readonly #lanes = new Map<string, { last: Promise<unknown>; waiting: number }>()

  constructor(keys: KeysStore, limit: number) {
    this.#keys = keys
    this.#limit = limit
  }

  /** Runs one attempt at the secret of `account`, which answers whether it was right, and answers the same. */
  async on(account: string, attempt: () => Promise<boolean>): Promise<boolean> {
    if (this.#limit === 0) return attempt()
    const lane = this.#lanes.get(account) ?? { last: Promise.resolve(), waiting: 0 }
    if (lane.waiting >= WAITING_MAX) throw limited(1_000)
    this.#lanes.set(account, lane)
    lane.waiting++
    const result = lane.last.then(() => this.#attempt(account, attempt))
    lane.last = result.catch(() => {})
    try {
      return await result
    } finally {
      if (--lane.waiting === 0) this.#lanes.delete(account)
    }
  }

  async #attempt(account: string, attempt: () => Promise<boolean>): Promise<boolean> {
    const lock = `locked:${account}`
    const [locked] = await this.#keys.get([lock])
    if (locked) throw limited(Number(locked.value) - Date.now())
    if (await attempt()) return true
    const { allowed, remaining, resetMs } = await this.#keys.hit(`secrets:${account}`, WINDOW_MS, this.#limit)
    if (!allowed || remaining === 0) await this.#keys.set(lock, Date.now() + resetMs, Math.max(1, Math.ceil(resetMs)))
    return false
  }
}
