import type { Turn } from './types.ts'

/**
 * A NUL in a JSON text, which PostgreSQL's jsonb refuses; so no store takes it, that an actor may live in any. The second look tells it
 * from an escaped backslash before `u0000`.
 */
export const holdsNul = (json: string | null | undefined): boolean => !!json && json.includes('\\u0000') && /(?<!\\)(?:\\\\)*\\u0000/.test(json)

/** A turn that no store can hold, its events apart: it must not reach a batch, which it would spoil. */
export const isPoisoned = (turn: Turn): boolean => holdsNul(turn.state) || holdsNul(turn.operations) || holdsNul(turn.record?.answer) || holdsNul(turn.completes?.answer)

export const poisoned = ({ type, key }: Turn): { failed: Error } => ({ failed: new Error(`a turn of ${type}/${key} holds a NUL character, which cannot be stored`) })
