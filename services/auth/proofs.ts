import { Batcher } from '../../mixins/batch/batcher.ts'
import type { Database } from '../../mixins/postgres/database.ts'
import { digest, newToken } from '../../mixins/primitives/ids.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { freeProofs, holdProofs, insertProofs, spendProofs, type Hold, type NewProof } from './proof.store.ts'

/** Seconds a confirmation may be used. */
export const PROOF_SECONDS = 300

const BOUNDS = { max: 256, inFlight: 1, maxWaiting: 5_000, full: () => problem('overloaded', 'Too many purchases are confirmed at once: try again.', { retryAfter: 1 }) }

const all = <I>(run: (items: I[]) => Promise<void>) => new Batcher<I, void>(async (items) => (await run(items), items.map(() => undefined)), BOUNDS)

/** Proofs of identity: what waits together is one statement. */
export class Proofs {
  readonly #made: Batcher<NewProof, void>
  readonly #held: Batcher<Hold, boolean>
  readonly #spent: Batcher<string, void>
  readonly #freed: Batcher<string, void>

  constructor(db: Database) {
    this.#made = all((proofs) => insertProofs(db, proofs, PROOF_SECONDS))
    this.#held = new Batcher((holds) => holdProofs(db, holds), BOUNDS)
    this.#spent = all((holders) => spendProofs(db, holders))
    this.#freed = all((holders) => freeProofs(db, holders))
  }

  /** A confirmation, which is shown once: the store has its digest. */
  async make(proof: Omit<NewProof, 'digest'>): Promise<string> {
    const confirmation = newToken()
    await this.#made.add({ ...proof, digest: digest(confirmation) })
    return confirmation
  }

  /** Whether the holder has the proof that this confirmation stands for, now or before. */
  hold(confirmation: string | undefined, hold: Omit<Hold, 'digest'>): Promise<boolean> {
    return this.#held.add({ ...hold, digest: confirmation === undefined ? '' : digest(confirmation) })
  }

  spend(holder: string): Promise<void> {
    return this.#spent.add(holder)
  }

  free(holder: string): Promise<void> {
    return this.#freed.add(holder)
  }
}
