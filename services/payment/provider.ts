import type { CallingOptions } from 'moleculer'
import { counter } from '../../mixins/metrics/registry.ts'
import { call, type CallSource } from '../../mixins/runtime/calls.ts'
import { problem, problemType } from '../../mixins/primitives/problem.ts'
import { money, type Money } from '../../mixins/primitives/money.ts'
import { setting } from '../../mixins/settings/settings.ts'
import type { ProviderAccount, ProviderEntry } from '../provider/provider.contract.ts'
import type { Book } from './payment.contract.ts'
import type { Fact } from './payment.ts'

/**
 * A payment provider, as the domain needs one. Every request is idempotent by the payment's key (a refund by its id), and a void
 * holds for ever, also for a key that the provider has not seen yet. Requests answer what is known to have happened; null means
 * that nobody knows: no answer in time, or no way to the provider. It never means no.
 */
export interface PaymentProvider {
  authorize(key: string, token: string, amount: Money): Promise<Fact[] | null>
  capture(key: string, amount: Money): Promise<Fact[] | null>
  void(key: string): Promise<Fact[] | null>
  refund(key: string, refundId: string, amount: Money): Promise<Fact[] | null>
  /** What became of a key: no facts when the provider has not heard of it, which is not a no either. */
  lookup(key: string): Promise<Fact[] | null>
  /** The provider's rows of a key; rejects with `unavailable`. */
  book(key: string): Promise<Book[]>
  /** The provider's payments by key ascending; rejects with `unavailable`. */
  ledger(after: string | undefined, limit: number): Promise<ProviderAccount[]>
}

const unanswered = counter('souk_provider_unanswered_total', 'Requests that the payment provider did not answer in time or could not be reached for, by kind')

/** The first answer is waited for by a buyer; the others by us. */
const PATIENCE_MS = { authorize: 1_200, others: 2_500 }

const fact = (kind: Fact['kind'], amount: Money, rest: Partial<Fact> = {}): Fact[] => [{ kind, status: 'succeeded', at: new Date().toISOString(), amount: amount.amount, ...rest }]

const factOf = ({ kind, status, at, amount, refundId, reason }: ProviderEntry): Fact => ({ kind, status, at, amount: amount.amount, refundId: refundId ?? undefined, reason })

/** The provider behind Moleculer's actions `provider.*`. */
class ActionProvider implements PaymentProvider {
  readonly #source: CallSource

  constructor(source: CallSource) {
    this.#source = source
  }

  authorize(key: string, token: string, amount: Money): Promise<Fact[] | null> {
    return this.#ask('authorize', async (options) => {
      const { outcome, reason } = await call(this.#source, 'provider.authorize', { key, token, amount }, options)
      if (outcome === 'voided') return this.lookup(key)
      return fact('authorize', amount, outcome === 'declined' ? { status: 'declined', reason } : {})
    }, PATIENCE_MS.authorize)
  }

  capture(key: string, amount: Money): Promise<Fact[] | null> {
    return this.#ask('capture', async (options) => {
      const { outcome } = await call(this.#source, 'provider.capture', { key }, options)
      return outcome === 'captured' ? fact('capture', amount) : this.lookup(key)
    })
  }

  void(key: string): Promise<Fact[] | null> {
    return this.#ask('void', async (options) => {
      const { outcome, released } = await call(this.#source, 'provider.void', { key }, options)
      return outcome === 'voided' ? fact('void', money(released)) : this.lookup(key)
    })
  }

  refund(key: string, refundId: string, amount: Money): Promise<Fact[] | null> {
    return this.#ask('refund', async (options) => {
      const { outcome, reason } = await call(this.#source, 'provider.refund', { key, refundId, amount }, options)
      return outcome === 'not-found' ? null : fact('refund', amount, { refundId, status: outcome, reason })
    })
  }

  lookup(key: string): Promise<Fact[] | null> {
    return this.#ask('lookup', async (options) => {
      const { found } = await call(this.#source, 'provider.lookup', { key }, options)
      return found ? found.entries.map(factOf) : []
    })
  }

  async book(key: string): Promise<Book[]> {
    const { found } = await this.#must((options) => call(this.#source, 'provider.lookup', { key }, options))
    return (found?.entries ?? []).map(({ id, kind, amount, status, at }) => ({ id, kind, amount, status, at }))
  }

  async ledger(after: string | undefined, limit: number): Promise<ProviderAccount[]> {
    const { items } = await this.#must((options) => call(this.#source, 'provider.ledger', { ...(after === undefined ? {} : { after }), limit }, options))
    return items
  }

  /** Whatever is not an answer leaves the outcome open: a timeout, a lost connection, a provider that is not there. */
  async #ask(kind: Fact['kind'] | 'lookup', request: (options: CallingOptions) => Promise<Fact[] | null>, timeout: number = PATIENCE_MS.others): Promise<Fact[] | null> {
    try {
      return await request({ timeout })
    } catch (error) {
      if (problemType(error) === 'conflict') throw error // the same key for something else: a defect of ours, not a question to repeat
      unanswered.with({ kind }).add()
      return null
    }
  }

  async #must<T>(request: (options: CallingOptions) => Promise<T>): Promise<T> {
    try {
      return await request({ timeout: PATIENCE_MS.others })
    } catch {
      throw problem('unavailable', 'The payment provider does not answer: try again shortly.', { retryAfter: 5 })
    }
  }
}

/** The provider that the configuration names: the demo provider. Throws when SOUK_PROVIDER_URL is set: there is no adapter for another one yet. */
export function openProvider(source: CallSource): PaymentProvider {
  if (setting('SOUK_PROVIDER_URL')) throw new Error('SOUK_PROVIDER_URL is set, but only the demo provider can be used yet: unset it')
  return new ActionProvider(source)
}
