import { problem } from './problem.ts'

/** One page of a list. `nextCursor` is opaque to clients, and null on the last page. */
export interface Page<T> {
  items: T[]
  nextCursor: string | null
}

/** Bounds of `?limit=`. */
export const PAGE_LIMIT = { min: 1, max: 100, default: 20 } as const

/** Packs the sort key of a page's last item into an opaque cursor. */
export const encodeCursor = (position: readonly (string | number | null)[]): string => Buffer.from(JSON.stringify(position)).toString('base64url')

/** Unpacks a cursor made by `encodeCursor`; anything else is a `validation-failed` of the field `cursor`. `length` is the number of parts the list expects. */
export function decodeCursor(cursor: string | undefined, length: number): (string | number | null)[] | null {
  if (cursor === undefined) return null
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(position) && position.length === length && position.every((p) => p === null || typeof p === 'string' || Number.isFinite(p))) {
      return position as (string | number | null)[]
    }
  } catch {
    // fall through: not ours
  }
  throw problem('validation-failed', 'The cursor is not one of this list: take it from nextCursor, unchanged.', {
    errors: [{ field: 'cursor', code: 'cursor', message: 'not a cursor of this list' }]
  })
}

/** Cuts rows fetched with `limit + 1` into a page. */
export function pageOf<R, T>(rows: readonly R[], limit: number, toItem: (row: R) => T, position: (row: R) => readonly (string | number | null)[]): Page<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(toItem), nextCursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null }
}
