/** Spreads the bits of a 32-bit number (the finaliser of MurmurHash3). */
export function mix32(h: number): number {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * A cheap 32-bit hash of a text (FNV-1a over its UTF-16 units, then mixed): for spreading keys over slots, lanes and nodes. The same
 * on every node and for ever, since lanes lie in tables. Not for anything an attacker must not steer.
 */
export function hash32(text: string, seed = 0x811c9dc5): number {
  let h = seed
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix32(h)
}
