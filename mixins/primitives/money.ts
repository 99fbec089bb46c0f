// Money is an integer count of minor units with its currency: 19.99 USD is { amount: 1999, currency: 'USD' }.

export interface Money {
  amount: number
  currency: string
}

/** The one currency of the demo marketplace; every price carries its currency all the same. */
export const DEFAULT_CURRENCY = 'USD'

export const money = (amount: number, currency: string = DEFAULT_CURRENCY): Money => ({ amount, currency })

/** Sum of amounts of one currency; an empty list is zero of `currency`. Throws a RangeError when currencies differ or the sum leaves the safe integers. */
export function sum(list: readonly Money[], currency: string = list[0]?.currency ?? DEFAULT_CURRENCY): Money {
  let amount = 0
  for (const m of list) {
    if (m.currency !== currency) throw new RangeError(`cannot add ${m.currency} to ${currency}`)
    amount += m.amount
  }
  if (!Number.isSafeInteger(amount)) throw new RangeError('sum of money leaves the safe integers')
  return money(amount, currency)
}

export const times = (m: Money, quantity: number): Money => sum([money(m.amount * quantity, m.currency)])

/** a × b / c for whole a, b ≥ 0 and c > 0, as the whole quotient and the remainder; exact, also where the product leaves the safe integers. */
function share(a: number, b: number, c: number): { quotient: number; remainder: number } {
  const product = a * b
  if (Number.isSafeInteger(product)) return { quotient: Math.floor(product / c), remainder: product % c }
  const exact = BigInt(a) * BigInt(b)
  return { quotient: Number(exact / BigInt(c)), remainder: Number(exact % BigInt(c)) }
}

/** `basisPoints` of an amount (10,000 = all of it), rounded half up to a whole minor unit. Both ≥ 0. */
export function portion(amount: number, basisPoints: number): number {
  const { quotient, remainder } = share(amount, basisPoints, 10_000)
  return remainder >= 5_000 ? quotient + 1 : quotient
}

/**
 * Splits `amount` over whole `weights` so that the parts are integers, add up to `amount` exactly and differ from the exact
 * share by less than one unit (largest remainder method; ties go to the earlier part). All weights zero splits evenly. None negative.
 */
export function prorate(amount: number, weights: readonly number[]): number[] {
  const total = weights.reduce((a, b) => a + b, 0)
  const shares = weights.map((w) => (total === 0 ? share(amount, 1, weights.length) : share(amount, w, total)))
  const parts = shares.map((s) => s.quotient)
  let rest = amount - parts.reduce((a, b) => a + b, 0)
  const byRemainder = shares.map((s, i) => ({ i, remainder: s.remainder })).sort((a, b) => b.remainder - a.remainder || a.i - b.i)
  for (const { i } of byRemainder) {
    if (rest <= 0) break
    parts[i] = parts[i]! + 1
    rest -= 1
  }
  return parts
}
