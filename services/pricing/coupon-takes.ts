import { limitRefusal, type Coupon } from './pricing.ts'
import type { CouponUse, NewUse } from './pricing.store.ts'
import type { CouponRefusal } from './pricing.contract.ts'

/** An order that asks to use a coupon; `code` is normalized. */
export interface Take {
  code: string
  buyerId: string
  orderId: string
}

export type TakeOutcome = { outcome: 'taken' } | { outcome: 'refused'; reason: CouponRefusal | 'undone' }

export interface DecidedTakes {
  /** In the order of the requests. */
  outcomes: TakeOutcome[]
  /** To be written. */
  uses: NewUse[]
}

const key = (code: string, buyerId: string): string => `${code} ${buyerId}`

/** The smallest number of a use that the buyer has free: an undo frees one in the middle. */
function freeNumber(taken: ReadonlySet<number>): number {
  let n = 1
  while (taken.has(n)) n++
  return n
}

/**
 * Decides takes in the order in which they came, from locked coupons and the uses so far: each as if it were alone after the ones
 * before it. An order that has its use keeps it; one that was undone gets none.
 */
export function decideTakes(takes: readonly Take[], coupons: ReadonlyMap<string, Coupon>, uses: readonly CouponUse[], now: number): DecidedTakes {
  const ofOrder = new Map(uses.map((use) => [use.orderId, use.n]))
  const ofBuyer = new Map<string, Set<number>>()
  for (const { code, buyerId, n } of uses) {
    if (code === null || buyerId === null || n === null) continue
    const k = key(code, buyerId)
    ofBuyer.set(k, (ofBuyer.get(k) ?? new Set()).add(n))
  }
  const counted = new Map([...coupons].map(([code, coupon]) => [code, { ...coupon }]))
  const written: NewUse[] = []
  const outcomes = takes.map(({ code, buyerId, orderId }): TakeOutcome => {
    const known = ofOrder.get(orderId)
    if (known !== undefined) return known === null ? { outcome: 'refused', reason: 'undone' } : { outcome: 'taken' }
    const numbers = ofBuyer.get(key(code, buyerId)) ?? new Set<number>()
    const coupon = counted.get(code)
    const reason = limitRefusal(coupon, { buyerUses: numbers.size, now })
    if (reason !== null || !coupon) return { outcome: 'refused', reason: reason ?? 'unknown' }
    const n = freeNumber(numbers)
    coupon.uses++
    ofBuyer.set(key(code, buyerId), numbers.add(n))
    ofOrder.set(orderId, n)
    written.push({ orderId, code, buyerId, n, usesPerBuyer: coupon.usesPerBuyer })
    return { outcome: 'taken' }
  })
  return { outcomes, uses: written }
}
