/** What an engine answered arrives within this after its end; nothing takes its place so soon. */
const ANSWERS_MS = 1_500

/** Acknowledged additions to carts, and how many of them were not there afterwards, or twice. */
export interface CartCount {
  acknowledged: number
  lost: number
  doubled: number
  /** Of the lost ones: how long before an engine's end the first was acknowledged, in milliseconds. */
  lostWithinMs: number
  /** Lost ones that were not the last of their cart before an engine's end, or where none ended. */
  torn: number
}

/** An addition that was acknowledged, and when. */
export interface Added {
  offerId: string
  at: number
}

const quantitiesOf = (added: readonly Added[]): Map<string, number> => {
  const quantities = new Map<string, number>()
  for (const { offerId } of added) quantities.set(offerId, (quantities.get(offerId) ?? 0) + 1)
  return quantities
}

/**
 * Compares a cart with what was acknowledged, in this order. `diedAt`: when an engine ended that may have forgotten something. A cart that
 * went back in time then lacks the last that was acknowledged before, and nothing else.
 */
export function countCart(added: readonly Added[], there: ReadonlyMap<string, number>, diedAt: number | null): CartCount {
  const expected = quantitiesOf(added)
  const missing = new Map<string, number>()
  let [lost, doubled] = [0, 0]
  for (const offerId of new Set([...there.keys(), ...expected.keys()])) {
    const more = (there.get(offerId) ?? 0) - (expected.get(offerId) ?? 0)
    doubled += Math.max(0, more)
    lost += Math.max(0, -more)
    missing.set(offerId, Math.max(0, -more))
  }
  const before = diedAt === null ? [] : added.filter(({ at }) => at < diedAt + ANSWERS_MS)
  const last = before.slice(Math.max(0, before.length - lost))
  const lastQuantities = quantitiesOf(last)
  const torn = [...missing].reduce((n, [offerId, quantity]) => n + Math.max(0, quantity - (lastQuantities.get(offerId) ?? 0)), 0)
  return { acknowledged: added.length, lost, doubled, lostWithinMs: Math.max(0, ...last.map(({ at }) => diedAt! - at)), torn }
}

/** Of several carts. */
export function sumOf(counts: readonly CartCount[]): CartCount {
  const sum = (value: (count: CartCount) => number): number => counts.reduce((n, count) => n + value(count), 0)
  return { acknowledged: sum((c) => c.acknowledged), lost: sum((c) => c.lost), doubled: sum((c) => c.doubled), lostWithinMs: Math.max(0, ...counts.map((c) => c.lostWithinMs)), torn: sum((c) => c.torn) }
}
