import type { Actors } from '../../mixins/actor/actors.ts'
import { problem, problemType } from '../../mixins/primitives/problem.ts'
import type { Ctx, ServiceThis } from '../../mixins/runtime/service.ts'
import { isClaimedBy } from './answers.ts'
import type { OrderState } from './order.ts'
import type { OrderStore } from './order.store.ts'
import { turnOf, type Saga, type Timings } from './saga.ts'

/** What a service must have for its calls to work on sagas. */
export type SagaHost = ServiceThis<{ actors: Actors<OrderState>; store: OrderStore; settings: Timings }>

/** Thrown out of a turn that has nothing to change: then nothing is written, and the turn rested on committed state. */
class Unchanged extends Error {
  readonly order: OrderState | null

  constructor(order: OrderState | null) {
    super('unchanged')
    this.order = order
  }
}

/** The saga's tools for the length of one call. */
export function openSaga(host: SagaHost, ctx: Ctx): Saga {
  const { actors, store, settings: timings, logger: log } = host
  // Turns are told apart by the call's number and their order in it; but a call that is repeated after its thread was lost goes on
  // elsewhere in the saga than where it began. Its phase keeps each choice from being made twice, so these turns have no number.
  const unnumbered = Object.create(ctx, { headers: { value: {} } }) as Ctx
  return {
    source: ctx,
    store,
    log,
    timings,

    async turn(orderId, decide) {
      try {
        const order = await actors.turn(
          unnumbered,
          orderId,
          (known) => {
            const change = decide(known)
            if (!change) throw new Unchanged(known)
            return turnOf(change, change.order, timings)
          },
          { record: false, recall: (state) => state }
        )
        return { order, changed: true }
      } catch (error) {
        if (error instanceof Unchanged) return { order: error.order, changed: false }
        throw error
      }
    },

    async claim(orderId, claimId, decide) {
      let order: OrderState | undefined
      try {
        const answer = await actors.turn(ctx, orderId, (known, version) => {
          const change = decide(known, version)
          order = change.order
          return { ...turnOf(change, { claim: claimId }, timings), status: null }
        })
        if (ctx.meta.replayed) return { answer }
      } catch (error) {
        if (problemType(error) !== 'idempotency-key-in-progress' || !(await isOwn(store, ctx, orderId, claimId))) throw error
        order = (await store.read(orderId))?.state // the commit was made, and its outcome lost
      }
      if (!order) throw problem('unavailable', 'The answer to this was lost: try again.', { retryAfter: 1 })
      return { order }
    }
  }
}

/** Whether the request's Idempotency-Key is claimed by this very request. */
const isOwn = async (store: OrderStore, ctx: Ctx, orderId: string, claimId: string): Promise<boolean> =>
  isClaimedBy(ctx.meta.operation && (await store.record(orderId, ctx.meta.operation.id)), claimId)
