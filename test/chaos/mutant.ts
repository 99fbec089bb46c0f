import { fileURLToPath } from 'node:url'

/** A place in the code, and what stands there in the broken shop. */
interface Change {
  file: string
  sound: string
  broken: string
}

/** Defects that are put into a shop, to see that its faults show them. */
export const MUTANTS = {
  /** Every request is one of its own, whatever key it carries. */
  'no-idempotency': [{ file: 'mixins/idempotency/middleware.ts', sound: 'operationOf(owner, action, key, ctx.params)', broken: 'operationOf(owner, action, key + Math.random(), ctx.params)' }],
  /** Whoever thinks that an actor is theirs writes, whatever was written since they loaded it. */
  'no-compare-and-set': [
    { file: 'mixins/actor/commit-statement.ts', sound: 'coalesce(l.version, 0) = i.loaded', broken: 'true' },
    { file: 'mixins/actor/commit-statement.ts', sound: 'WHEN MATCHED AND a.version = i.loaded THEN', broken: 'WHEN MATCHED THEN' }
  ]
} as const satisfies Record<string, readonly Change[]>
export type Mutant = keyof typeof MUTANTS

/** Settings of a node whose threads all have the defect of that name; none for null. Throws one clear line for what there is not. */
export function mutated(name: string | null): Record<string, string> {
  if (name === null) return {}
  if (!Object.hasOwn(MUTANTS, name)) throw new Error(`there is no mutant "${name}": there are ${Object.keys(MUTANTS).join(', ')}`)
  return { NODE_OPTIONS: `--import=${fileURLToPath(new URL('./mutate.ts', import.meta.url))}`, SOUK_TEST_MUTANT: name }
}
