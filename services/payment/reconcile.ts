import type { DocumentStore } from '../../mixins/documents/port.ts'
import type { ResultOf } from '../../mixins/runtime/calls.ts'
import type { ProviderAccount } from '../provider/provider.contract.ts'
import { balances } from './ledger.ts'
import type { paymentActions } from './payment.contract.ts'
import { isBalanced, type Payment } from './payment.ts'
import type { PaymentProvider } from './provider.ts'

type Reconciliation = ResultOf<(typeof paymentActions)['payment.worker.reconcile']>

/** Our word for what the provider's account says, with the money that moved. */
const theirs = ({ state, captured, refunded }: ProviderAccount): string => `${state} ${captured.amount} ${refunded.amount}`

/** What the provider's account has to say for this payment; null where the provider need not know it. */
function ours({ status, captured, refunded, amount }: Payment): string | null {
  if (status === 'unknown' || (status === 'voided' && amount === 0)) return null
  const state = captured > 0 ? 'captured' : status
  return `${state} ${captured} ${refunded}`
}

/**
 * Compares one page of both books by id. A page reaches as far as both sides were read, so nothing is missed between two pages;
 * payments under way are compared as they are at the moment of reading.
 */
export async function reconcile(store: DocumentStore<Payment>, provider: PaymentProvider, after: string | undefined, limit: number): Promise<Reconciliation> {
  const [payments, accounts] = await Promise.all([store.find({}, { after, limit }), provider.ledger(after, limit)])
  const ends = [payments, accounts].flatMap((page) => (page.length === limit ? [idOf(page.at(-1)!)] : []))
  const next = ends.sort()[0] ?? null
  const within = (id: string): boolean => next === null || id <= next
  const ourOnes = new Map(payments.filter((p) => within(p.id)).map((p) => [p.id, p]))
  const theirOnes = new Map(accounts.filter((a) => within(a.key)).map((a) => [a.key, a]))
  const result: Reconciliation = { checked: 0, differences: [], unbalanced: [], sums: { captured: 0, refunded: 0, sellers: 0, fees: 0, held: 0 }, next }
  for (const paymentId of [...new Set([...ourOnes.keys(), ...theirOnes.keys()])].sort()) {
    result.checked++
    compare(result, paymentId, ourOnes.get(paymentId), theirOnes.get(paymentId))
  }
  return result
}

const idOf = (one: Payment | ProviderAccount): string => ('id' in one ? one.id : one.key)

function compare(result: Reconciliation, paymentId: string, payment: Payment | undefined, account: ProviderAccount | undefined): void {
  const [mine, other] = [payment ? ours(payment) : null, account ? theirs(account) : null]
  if (mine !== other && !(payment?.status === 'voided' && payment.amount === 0)) result.differences.push({ paymentId, ours: mine ?? payment?.status ?? null, provider: other })
  if (!payment) return
  if (!isBalanced(payment)) result.unbalanced.push(paymentId)
  const { sellers, fees, held } = balances(payment.ledger)
  const { sums } = result
  result.sums = { captured: sums.captured + payment.captured, refunded: sums.refunded + payment.refunded, sellers: sums.sellers + sellers, fees: sums.fees + fees, held: sums.held + held }
}
