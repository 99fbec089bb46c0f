import { setTimeout as pause } from 'node:timers/promises'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { money } from '../../mixins/primitives/money.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import { webhookSecret } from '../../mixins/webhooks/signature.ts'
import { deliver } from './deliveries.ts'
import { providerActions, type ProviderAccount, type ProviderEntry } from './provider.contract.ts'
import type { Account, Decision, Entry } from './provider.ts'
import { ProviderStore } from './provider.store.ts'

interface Settings {
  /** Milliseconds before `tok_demo_slow` is worked on. */
  slowMs: number
  /** Milliseconds that the first answer about `tok_demo_lost` is held back: longer than anyone waits. */
  lostMs: number
  /** Between which milliseconds after the fact each copy of a webhook is sent; they overlap, so copies overtake each other. */
  webhookMs: readonly (readonly [number, number])[]
}

type Provider = ServiceThis<WithDatabase & { store: ProviderStore; settings: Settings }>

const webhookUrl = (): string => `http://127.0.0.1:${setting('SOUK_PORT')}/api/v1/webhooks/payments`

const accountOf = (a: Account): ProviderAccount => ({
  key: a.key,
  state: a.state as ProviderAccount['state'],
  amount: money(a.amount, a.currency),
  captured: money(a.captured, a.currency),
  refunded: money(a.refunded, a.currency)
})

const entryOf = (e: Entry): ProviderEntry => ({ id: e.id, kind: e.kind, amount: money(e.amount, e.currency), status: e.status, refundId: e.refundId || null, reason: e.reason, at: e.at })

/** A decision's outcome where the action's contract promises one of `O`: the rules leave no other. */
const outcome = <O extends Decision['outcome']>(decision: Decision): O => decision.outcome as O

/**
 * The demo payment provider: an outside party with its own books, behind the same port a real one would be. Everything is
 * idempotent by the merchant's key; a key that was voided can never hold money again, also when the void came first.
 * What a token does to its caller: `slow` works after three seconds, `lost` works and holds the answer back, `down` refuses to be
 * reached when it is asked to authorise. Webhooks come late, twice and in any order.
 */
export default service({
  name: 'provider',

  mixins: [
    periodic<Provider>('webhooks', 400, function () {
      return deliver(this.store, webhookUrl(), webhookSecret())
    }),
    periodic<Provider>('webhooks given up', 3_600_000, function () {
      return this.store.giveUp()
    }),
    serviceDatabase('provider')
  ],

  settings: {
    slowMs: 3_000,
    lostMs: 4_000,
    webhookMs: [
      [1_000, 3_000],
      [1_500, 6_000]
    ]
  } satisfies Settings,

  actions: {
    authorize: workerAction(providerActions['provider.authorize'], {
      async handler(this: Provider, ctx) {
        const { key, token, amount } = ctx.params
        if (token === 'tok_demo_down') throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
        if (token === 'tok_demo_slow' && !(await this.store.account(key))) await pause(this.settings.slowMs)
        const decision = await this.store.request({ kind: 'authorize', key, token, ...amount })
        if (token === 'tok_demo_lost' && decision.entry) await pause(this.settings.lostMs)
        return { outcome: outcome<'authorized' | 'declined' | 'voided'>(decision), reason: decision.reason }
      }
    }),

    capture: workerAction(providerActions['provider.capture'], {
      async handler(this: Provider, ctx) {
        return { outcome: outcome<'captured' | 'declined' | 'voided' | 'not-found'>(await this.store.request({ kind: 'capture', key: ctx.params.key })) }
      }
    }),

    void: workerAction(providerActions['provider.void'], {
      async handler(this: Provider, ctx) {
        const decision = await this.store.request({ kind: 'void', key: ctx.params.key })
        return { outcome: outcome<'voided' | 'declined' | 'captured'>(decision), released: decision.released }
      }
    }),

    refund: workerAction(providerActions['provider.refund'], {
      async handler(this: Provider, ctx) {
        const { key, refundId, amount } = ctx.params
        const decision = await this.store.request({ kind: 'refund', key, refundId, ...amount })
        return { outcome: outcome<'succeeded' | 'declined' | 'not-found'>(decision), reason: decision.reason }
      }
    }),

    lookup: workerAction(providerActions['provider.lookup'], {
      async handler(this: Provider, ctx) {
        const account = await this.store.account(ctx.params.key)
        if (!account) return { found: null }
        return { found: { account: accountOf(account), entries: (await this.store.entries(account.key)).map(entryOf) } }
      }
    }),

    ledger: workerAction(providerActions['provider.ledger'], {
      async handler(this: Provider, ctx) {
        return { items: (await this.store.accounts(ctx.params.after ?? '', ctx.params.limit)).map(accountOf) }
      }
    })
  },

  created(this: Provider) {
    webhookSecret() // without one nobody could tell a webhook from a forgery: refuse to start
    this.store = new ProviderStore(this.db, () => this.settings.webhookMs.map(([from, to]) => from + Math.random() * (to - from)))
  }
})
