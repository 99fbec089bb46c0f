import { id, int, list, moneyRule, nullable, object, oneOf, optional, priceRule, text, timestamp, type Infer } from '../../mixins/primitives/schema.ts'
import { actions, type ActionsOf } from '../../mixins/runtime/calls.ts'

/** The merchant's name for a payment: everything about it is idempotent by it. */
const key = text({ max: 200 })
const reason = nullable(text())

/** One line of the provider's ledger. */
const entryRule = object({
  id: id(),
  kind: oneOf(['authorize', 'capture', 'void', 'refund']),
  /** A void's amount is what it let go of: zero where nothing was held. */
  amount: moneyRule,
  status: oneOf(['succeeded', 'declined']),
  refundId: nullable(text()),
  reason,
  at: timestamp()
})

const accountRule = object({
  key,
  state: oneOf(['authorized', 'captured', 'voided', 'declined']),
  amount: moneyRule,
  captured: moneyRule,
  refunded: moneyRule
})

/** The demo provider's interface. Every call may fail or never answer: then its outcome is unknown, ask again with the same key. */
export const providerActions = actions({
  /** Holds an amount once per key; the same key gets the same answer. A key that was voided before is `voided`. */
  'provider.authorize': { params: { key, token: text(), amount: priceRule }, returns: object({ outcome: oneOf(['authorized', 'declined', 'voided']), reason }) },
  /** Takes the whole amount held. */
  'provider.capture': { params: { key }, returns: object({ outcome: oneOf(['captured', 'declined', 'voided', 'not-found']) }) },
  /** Lets go of the amount; the key can never hold one any more, known or not. `released` is what was held. */
  'provider.void': { params: { key }, returns: object({ outcome: oneOf(['voided', 'declined', 'captured']), released: int({ min: 0 }) }) },
  /** Gives back part of what was captured, once per refund id. */
  'provider.refund': { params: { key, refundId: text(), amount: priceRule }, returns: object({ outcome: oneOf(['succeeded', 'declined', 'not-found']), reason }) },
  /** What became of a key. Null is not a no: a request may be on its way still. */
  'provider.lookup': { params: { key }, returns: object({ found: nullable(object({ account: accountRule, entries: list(entryRule) })) }) },
  /** Payments by key ascending, for reconciliation. */
  'provider.ledger': { params: { after: optional(key), limit: int({ min: 1, max: 1_000 }) }, returns: object({ items: list(accountRule) }) }
})

export type ProviderEntry = Infer<typeof entryRule>
export type ProviderAccount = Infer<typeof accountRule>

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof providerActions> {}
}
