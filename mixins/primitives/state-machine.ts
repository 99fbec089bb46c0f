import { problem } from './problem.ts'

/** State → the states it may go to. A state with none is final. */
export type Transitions<S extends string> = Readonly<Record<S, readonly S[]>>

export interface StateMachine<S extends string> {
  can(from: S, to: S): boolean
  /** Returns `to`; throws `invalid-transition` (409) when the table has no such edge. */
  go(from: S, to: S): S
}

/**
 * A state machine whose table is data. Throws at once, so at start, when the table names an unknown state or holds one that cannot
 * be reached from `initial`.
 */
export function stateMachine<S extends string>(what: string, initial: readonly S[], table: Transitions<S>): StateMachine<S> {
  const reached = new Set<S>(initial)
  for (const state of reached) {
    const next = table[state]
    if (!next) throw new Error(`${what}: the state table has no row for "${state}"`)
    for (const to of next) reached.add(to)
  }
  const lost = (Object.keys(table) as S[]).filter((s) => !reached.has(s))
  if (lost.length > 0) throw new Error(`${what}: no way leads to ${lost.join(', ')}`)
  const can = (from: S, to: S): boolean => table[from].includes(to)
  return {
    can,
    go(from, to) {
      if (!can(from, to)) throw problem('invalid-transition', `The ${what} is ${from}: it cannot become ${to}.`, { from, to })
      return to
    }
  }
}
