import { actors, type Actors } from '../../mixins/actor/actors.ts'
import { postgresStores, redisOrPostgresStores } from '../../mixins/actor/stores.ts'
import type { ActorStore, ActorStores, Turn, TurnOutcome } from '../../mixins/actor/types.ts'
import type { NewEvent } from '../../mixins/outbox/outbox.ts'
import { service, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'

/** An actor that can be checked for lost and doubled writes: every entry ever written, in its order. */
export interface Ledger {
  entries: string[]
}

export type LedgerService = ServiceThis<{ actors: Actors<Ledger> }>

/** Turns of a ledger: `add` is what faults are tried on. */
export const ledgerService = (stores: () => ActorStores) =>
  service({
    name: 'ledger',
    mixins: [actors({ type: 'ledger', stores })],
    actions: {
      add: {
        actor: { type: 'ledger', key: 'key' },
        retrySafe: true,
        params: { key: 'string', entry: 'string' },
        handler(this: LedgerService, ctx: Ctx<{ key: string; entry: string }>): Promise<number> {
          const { key, entry } = ctx.params
          return this.actors.turn(ctx, key, (state) => {
            const entries = [...((state as Ledger | null)?.entries ?? []), entry]
            return { state: { entries }, answer: entries.length, events: [{ topic: 'added', aggregate: `ledger/${key}`, body: { entry } } as unknown as NewEvent] }
          })
        }
      }
    }
  })

/** Defects seeded around a store, each of which a fault test must find. */
export const MUTANTS = ['no compare-and-set', 'no operation ids', 'only the last operation', 'acknowledged before the commit'] as const
export type Mutant = (typeof MUTANTS)[number]

/** Ledgers in a PostgreSQL schema; without one in the Redis that the configuration names. */
export function ledgerStores(schema: string | null, mutant: Mutant | null): () => ActorStores {
  const open = schema === null ? redisOrPostgresStores('ledger') : postgresStores(schema)
  if (mutant === null) return open
  return () => {
    const stores = open()
    const all = stores.all.map((store) => broken(store, mutant))
    return { all, of: () => all[0]!, close: () => stores.close() }
  }
}

function broken(store: ActorStore, mutant: Mutant): ActorStore {
  const rest = {
    record: store.record.bind(store),
    due: store.due.bind(store),
    settle: store.settle.bind(store),
    postpone: store.postpone.bind(store)
  }
  const load: ActorStore['load'] = (type, keys) => store.load(type, keys)
  const commit: ActorStore['commit'] = (turns) => store.commit(turns)
  switch (mutant) {
    case 'no compare-and-set':
      return { ...rest, load, commit: (turns) => blindly(store, turns) }
    case 'no operation ids':
      return { ...rest, commit, load: async (type, keys) => (await load(type, keys)).map((row) => row && { ...row, operations: [] }) }
    case 'only the last operation':
      return { ...rest, commit, load: async (type, keys) => (await load(type, keys)).map((row) => row && { ...row, operations: row.operations.slice(-1).map((o) => ({ ...o, low: 0 })) }) }
    case 'acknowledged before the commit':
      return { ...rest, load, commit: async (turns) => (void store.commit(turns).catch(() => {}), turns.map((): TurnOutcome => 'done')) }
  }
}

/** Writes over whatever is there: on the version of this moment, until that holds. */
async function blindly(store: ActorStore, turns: readonly Turn[]): Promise<TurnOutcome[]> {
  const outcomes: TurnOutcome[] = []
  for (const turn of turns) {
    let outcome: TurnOutcome = 'stale'
    while (outcome === 'stale') {
      const [row] = await store.load(turn.type, [turn.key])
      outcome = (await store.commit([{ ...turn, loaded: row?.version ?? 0 }]))[0]!
    }
    outcomes.push(outcome)
  }
  return outcomes
}
