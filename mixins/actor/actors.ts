import type { ServiceSchema } from 'moleculer'
import type { Ctx, ServiceThis } from '../runtime/service.ts'
import { TypeHost } from './actor-host.ts'
import { ownAction } from './mailbox.ts'
import type { ActorHeader } from './operations.ts'
import { ReminderClock, retryDelay, tickId } from './reminders.ts'
import type { ActorLimits, Actors, ActorStores, DueReminder } from './types.ts'

export type { Actors } from './types.ts'

export interface ActorsOptions<This> {
  /** Names the actors, and with the key their events' aggregate `<type>/<key>`. One actor type per service. */
  type: string
  /** Opens the type's stores; called when the service is created. See stores.ts. */
  stores: () => ActorStores
  limits?: Partial<ActorLimits>
  /**
   * A reminder is due. At least once: turns taken with this `ctx` have their effect once per tick, in whatever number of tries
   * within ten minutes; any other effect, and a try that comes later, must be idempotent by itself. A rejection is tried again,
   * with growing pauses up to five minutes. A reminder that is taken back in the moment it is due may still run.
   */
  onReminder?: (this: This, ctx: Ctx, key: string, name: string) => Promise<void>
}

const DEFAULT_LIMITS: ActorLimits = { perKey: 1_000, unanswered: 10_000, activations: 10_000, idleMs: 5 * 60_000 }
/** A tick may be a saga that takes up its work where it stands. */
const TICK_TIMEOUT_MS = 60_000

/** What the mixin keeps on the service, and is its own. */
interface Held {
  actors: TypeHost<unknown>
  reminderClock?: ReminderClock
  ticks: Set<string>
}

/**
 * A mixin that gives a service `this.actors`. Actions that take turns declare `actor: { type, key }`, so that they run on the key's
 * owner; one that declares `retrySafe` as well is repeated on the next owner when the first is lost. With `onReminder` the service
 * has one action more, `reminder`, through which ticks reach their owner.
 */
export function actors<S, This = ServiceThis<{ actors: Actors<S> }>>(options: ActorsOptions<This>): Partial<ServiceSchema> {
  const { type } = options
  return {
    ...(options.onReminder ? { actions: { reminder: reminderAction(type, options.onReminder) } } : {}),

    created(this: ServiceThis<Held>) {
      if (this.actors) throw new Error(`${this.fullName} has actors of two types: one type per service`)
      const stores = options.stores()
      this.ticks = new Set()
      this.actors = new TypeHost({
        broker: this.broker,
        type,
        action: ownAction(this, type),
        stores,
        limits: { ...DEFAULT_LIMITS, ...options.limits },
        onReminders: (reminders) => this.reminderClock?.expect(reminders)
      })
      if (options.onReminder) this.reminderClock = clockOf(this, type, stores)
    },

    started(this: ServiceThis<Held>) {
      this.reminderClock?.start()
    },

    async stopped(this: ServiceThis<Held>) {
      await this.reminderClock?.stop()
      await this.actors.stop()
    }
  } as unknown as Partial<ServiceSchema>
}

const clockOf = (service: ServiceThis<Held>, type: string, stores: ActorStores): ReminderClock =>
  new ReminderClock({
    type,
    stores: stores.all,
    owns: (key) => service.actors.owns(key),
    send: (reminder) => service.broker.call(`${service.fullName}.reminder`, reminder, { timeout: TICK_TIMEOUT_MS }),
    onError: (error) => service.logger.warn(`reminders of ${type} could not be read, will be tried again:`, error)
  })

/** Runs a tick on the actor's owner, then forgets it, or puts it off. The tick's id stands for the call's number, so its turns are taken once. */
function reminderAction<This>(type: string, onReminder: NonNullable<ActorsOptions<This>['onReminder']>) {
  return {
    visibility: 'public',
    actor: { type, key: 'key' },
    timeout: TICK_TIMEOUT_MS,
    params: { type: 'string', key: 'string', name: 'string', at: 'string', attempts: 'number', overdueMs: 'number' },
    async handler(this: ServiceThis<Held>, ctx: Ctx<DueReminder>): Promise<void> {
      const { key, name } = ctx.params
      const store = this.actors.storeOf(key)
      const id = `${key} ${tickId(ctx.params)}`
      if (this.ticks.has(id)) return
      this.ticks.add(id)
      ;(ctx as { headers: object }).headers = { actor: { by: tickId(ctx.params), n: 0, low: 0, deadline: 0, key, here: true } satisfies ActorHeader }
      try {
        await onReminder.call(this as never, ctx, key, name)
        await store.settle(ctx.params)
      } catch (error) {
        this.logger.warn(`reminder ${name} of ${type}/${key} failed, will be tried again:`, error)
        await store.postpone(ctx.params, retryDelay(ctx.params.attempts))
      } finally {
        this.ticks.delete(id)
      }
    }
  }
}
