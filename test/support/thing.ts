import { actors, type Actors } from '../../mixins/actor/actors.ts'
import { postgresStores } from '../../mixins/actor/stores.ts'
import type { ActorLimits, ActorStores, Decide, TurnOptions } from '../../mixins/actor/types.ts'
import { service, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'

export type Thing = { log: string[]; [field: string]: unknown }
export type ThingService = ServiceThis<{ actors: Actors<Thing> }>

export interface ThingTurn {
  key: string
  decide: Decide<Thing, unknown>
  options?: TurnOptions<Thing, unknown>
}

/** A turn that appends to the thing's log and answers its length. */
export const appending =
  (word: string, more: object = {}): Decide<Thing, number> =>
  (state) => {
    const log = [...(state?.log ?? []), word]
    return { state: { ...state, log }, answer: log.length, ...more }
  }

export interface ThingOptions {
  schema: string
  stores?: () => ActorStores
  limits?: Partial<ActorLimits>
  onReminder?: (this: ThingService, ctx: Ctx, key: string, name: string) => Promise<void>
}

/** An actor type whose turns the test gives as functions (on the same thread), or by words (from any node). */
export const thingService = ({ schema, stores = postgresStores(schema), limits = {}, onReminder }: ThingOptions) =>
  service({
    name: 'thing',
    mixins: [actors<Thing, ThingService>({ type: 'thing', stores, limits, ...(onReminder ? { onReminder } : {}) })],
    actions: {
      turn(this: ThingService, ctx: Ctx<ThingTurn>) {
        return this.actors.turn(ctx, ctx.params.key, ctx.params.decide, ctx.params.options)
      },
      append: {
        actor: { type: 'thing', key: 'key' },
        async handler(this: ThingService, ctx: Ctx<{ key: string; word: string }>) {
          const length = await this.actors.turn(ctx, ctx.params.key, appending(ctx.params.word))
          return { length, by: this.broker.nodeID }
        }
      },
      safeAppend: {
        actor: { type: 'thing', key: 'key' },
        retrySafe: true,
        async handler(this: ThingService, ctx: Ctx<{ key: string; word: string }>) {
          const length = await this.actors.turn(ctx, ctx.params.key, appending(ctx.params.word))
          return { length, by: this.broker.nodeID }
        }
      },
      /** Two turns of one call. */
      async appendTwice(this: ThingService, ctx: Ctx<{ key: string; word: string }>) {
        const { key, word } = ctx.params
        return [await this.actors.turn(ctx, key, appending(`${word}1`)), await this.actors.turn(ctx, key, appending(`${word}2`))]
      },
      read(this: ThingService, ctx: Ctx<{ key: string }>) {
        return this.actors.read(ctx.params.key)
      }
    }
  })
