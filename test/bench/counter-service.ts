import { actors, type Actors } from '../../mixins/actor/actors.ts'
import { redisOrPostgresStores } from '../../mixins/actor/stores.ts'
import type { NewEvent } from '../../mixins/outbox/outbox.ts'
import { service, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'

/** A counter with as much state as a small cart, and an event for each change. */
export interface Counter {
  n: number
  padding: string
}

const PADDING = 'x'.repeat(170)

type CounterService = ServiceThis<{ actors: Actors<Counter> }>

/** Counters in Redis where the configuration names one, else in this schema. */
export const counterService = (schema: string) =>
  service({
    name: 'counter',
    mixins: [actors({ type: 'counter', stores: redisOrPostgresStores(schema) })],
    actions: {
      add: {
        actor: { type: 'counter', key: 'key' },
        params: { key: 'string', $$strict: true },
        handler(this: CounterService, ctx: Ctx<{ key: string }>): Promise<number> {
          const { key } = ctx.params
          return this.actors.turn(ctx, key, (state) => {
            const n = (state?.n ?? 0) + 1
            return { state: { n, padding: PADDING }, answer: n, events: [{ topic: 'counted', aggregate: `counter/${key}`, body: { n } } as unknown as NewEvent] }
          })
        }
      }
    }
  })
