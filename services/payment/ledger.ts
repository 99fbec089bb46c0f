import { portion, prorate } from '../../mixins/primitives/money.ts'
import type { Split } from './payment.contract.ts'

// Where captured money belongs. Every amount is a whole number of minor units of the payment's currency.

/** One seller's part of a payment; a subscription's charge is one part without a seller, all fee. */
export interface Part {
  sellerId: string | null
  /** For the seller, after the commission. */
  seller: number
  /** The marketplace's. */
  fee: number
  /** Tax, held for the authorities. */
  held: number
}

/** One movement: positive when money came in, negative when it went back. */
export interface LedgerEntry {
  /** The operation that moved it. */
  operationId: string
  sellerId: string | null
  account: 'seller' | 'fee' | 'held'
  amount: number
}

/** What the marketplace takes of a seller's part. Another rule (by category, by seller's plan) is another one of these. */
export interface Commission {
  fee(split: Split): number
}

/** A share of the goods after discount, in basis points (1,000 = 10 %), rounded half up; shipping and tax are free of it. */
export const shareOfGoods = (basisPoints: number): Commission => ({
  fee: (split) => portion(split.subtotal.amount - split.discount.amount, basisPoints)
})

export const COMMISSION: Commission = shareOfGoods(1_000)

const ACCOUNTS = ['seller', 'fee', 'held'] as const

/** The parts of an order's splits: `seller + fee + held` is each split's total. */
export const partsOf = (splits: readonly Split[], commission: Commission = COMMISSION): Part[] =>
  splits.map((split) => {
    const fee = commission.fee(split)
    return { sellerId: split.sellerId, seller: split.total.amount - split.tax.amount - fee, fee, held: split.tax.amount }
  })

export const total = (parts: readonly Part[]): number => parts.reduce((sum, p) => sum + p.seller + p.fee + p.held, 0)

/** Ledger entries that move these parts, in (`sign` 1) or back (−1). */
export const entriesOf = (operationId: string, parts: readonly Part[], sign: 1 | -1): LedgerEntry[] =>
  parts.flatMap((part) => ACCOUNTS.filter((account) => part[account] !== 0).map((account) => ({ operationId, sellerId: part.sellerId, account, amount: sign * part[account] })))

/** What is left of `parts` after `taken`, seller by seller. */
export const less = (parts: readonly Part[], taken: readonly Part[]): Part[] =>
  parts.map((part) => {
    const rest = { ...part }
    for (const t of taken) if (t.sellerId === part.sellerId) for (const account of ACCOUNTS) rest[account] -= t[account]
    return rest
  })

/**
 * Takes `amount` out of what is left, in proportion to it, so that the last refund leaves exactly nothing: the parts taken, or
 * null when less than `amount` is left.
 */
export function take(left: readonly Part[], amount: number): Part[] | null {
  if (amount > total(left)) return null
  const shares = prorate(amount, left.flatMap((part) => ACCOUNTS.map((account) => part[account])))
  return left.map((part, i) => ({ sellerId: part.sellerId, seller: shares[i * 3]!, fee: shares[i * 3 + 1]!, held: shares[i * 3 + 2]! }))
}

/** The same, each seller's amount out of that seller's part; null when one of them has less left, or is no part of the payment. */
export function takeFrom(left: readonly Part[], sellers: readonly { sellerId: string; amount: number }[]): Part[] | null {
  const taken: Part[] = []
  for (const { sellerId, amount } of sellers) {
    const parts = take(less(left.filter((part) => part.sellerId === sellerId), taken), amount)
    if (!parts || parts.length === 0) return null
    taken.push(...parts)
  }
  return taken
}

/** Balances of a ledger by account. */
export function balances(ledger: readonly LedgerEntry[]): { sellers: number; fees: number; held: number } {
  const sums = { seller: 0, fee: 0, held: 0 }
  for (const entry of ledger) sums[entry.account] += entry.amount
  return { sellers: sums.seller, fees: sums.fee, held: sums.held }
}
