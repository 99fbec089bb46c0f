import type { ActorStore, Turn } from '../../mixins/actor/types.ts'

export const TURNS_A_STATEMENT = 64

const STATE = JSON.stringify({ n: 1, padding: 'x'.repeat(170) })

/** The commit of turns (one statement, one script) without actors around it: full batches of states that are ready. */
export class BareTurns {
  readonly #store: ActorStore
  readonly #versions: number[]

  constructor(store: ActorStore, actors: number) {
    this.#store = store
    this.#versions = new Array<number>(actors).fill(0)
  }

  /** The `n`th batch; answers how many of its turns were done. Neighbours may run at once, as far as they have no actor in common. */
  async commit(n: number): Promise<number> {
    const numbers = Array.from({ length: TURNS_A_STATEMENT }, (_, i) => (n * TURNS_A_STATEMENT + i) % this.#versions.length)
    const operations = JSON.stringify([{ by: 'abcdefgh', n: 1, turn: 0, low: 1, answer: 1, at: Date.now() }])
    const turns = numbers.map((k): Turn => ({
      type: 'bare', key: `k${k}`, loaded: this.#versions[k]!, state: STATE, operations,
      events: [{ topic: 'counted', aggregate: `bare/k${k}`, body: { n: k } } as never], reminders: [], writes: []
    }))
    const outcomes = await this.#store.commit(turns)
    let done = 0
    outcomes.forEach((outcome, i) => {
      if (outcome !== 'done') return
      this.#versions[numbers[i]!]!++
      done++
    })
    return done
  }
}
