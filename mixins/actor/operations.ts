import { problem } from '../primitives/problem.ts'
import type { Json } from '../primitives/json.ts'
import type { TakenOperation } from './types.ts'

// Which calls an actor has taken, in a ring inside its row. The compare-and-set of a commit proves that the ring was current, so
// a repeated call is found in memory, before it has a second effect.
//
// Callers number their calls, and each call names the lowest number that its caller still waits for on this actor (`low`). So
// the actor keeps one entry per caller and open call instead of one per call: what is below `low` is settled, and a late copy of
// it is refused. Entries go by age after ten minutes. That is safe because a call carries its caller's deadline and does not
// begin a minute after it: a copy old enough to have been forgotten is too old to run, unless clocks differ by minutes.

/** Which call it is that a turn belongs to. */
export interface CallTag {
  by: string
  n: number
  low: number
  /** Milliseconds since the epoch after which the caller no longer waits; 0: no deadline. */
  deadline: number
}

const KEPT_MS = 10 * 60_000
/** What a full ring may give up: no copy of a call begins so long after it. */
const KEPT_AT_LEAST_MS = 3 * 60_000
const RING_MAX = 256

/** The entry of a call that was taken before; `settled` for one whose caller no longer waits; null for a new one. */
export function findTaken(ring: readonly TakenOperation[], tag: CallTag, turn: number): TakenOperation | 'settled' | null {
  for (const taken of ring) {
    if (taken.by !== tag.by) continue
    if (taken.n === tag.n && taken.turn === turn) return taken
    if (tag.n < taken.low) return 'settled'
  }
  return null
}

/**
 * The ring with one more call. A full ring of young entries is `overloaded`: forgetting one of them could double an effect, and
 * 256 callers of one actor within three minutes are more than it can serve.
 */
export function remember(ring: readonly TakenOperation[], tag: CallTag, turn: number, answer: Json | undefined, now: number): TakenOperation[] {
  const settled = (t: TakenOperation): boolean => t.by === tag.by && t.n < tag.low
  let kept = ring.filter((t) => now - t.at < KEPT_MS && !settled(t))
  if (kept.length >= RING_MAX) kept = kept.filter((t) => now - t.at < KEPT_AT_LEAST_MS)
  if (kept.length >= RING_MAX) throw problem('overloaded', 'Too many callers at once: try again shortly.', { retryAfter: 5 })
  kept.push({ by: tag.by, n: tag.n, turn, low: tag.low, ...(answer === undefined ? {} : { answer }), at: now })
  return kept
}

/** The tag of a call, in its headers, so that the calls it makes do not inherit it. */
export interface ActorHeader extends CallTag {
  /** The actor that was called: `low` speaks of the calls to this one alone. */
  key: string
  /** Run wherever this arrives: nodes disagree about the owner, or the owner was lost. */
  here: boolean
}

/** The header of a call to an actor, if it came as one. */
export const headerOf = (headers: object | undefined): ActorHeader | undefined => (headers as { actor?: ActorHeader } | undefined)?.actor
