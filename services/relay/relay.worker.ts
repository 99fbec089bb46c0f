import type { Context } from 'moleculer'
import { routerOf } from '../../mixins/actor/router.ts'
import { publishedHint } from '../../mixins/events/hint.ts'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog } from '../../mixins/events/port.ts'
import { gauge } from '../../mixins/metrics/registry.ts'
import { RedisRelay } from '../../mixins/outbox/redis-relay.ts'
import { DatabaseRelay, outboxDatabases, type OutboxState, type Relay } from '../../mixins/outbox/relay.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import { relayActions } from './relay.contract.ts'

// Owns the way of every business event from its outbox into the log. Invariants: an event leaves its outbox only when the log has
// stored it; events of one aggregate arrive in their order. Any number of relays may run; they share the lanes.

type RelayWorker = ServiceThis<{ log: EventLog; relays: Relay[]; sampler: NodeJS.Timeout }>

const SAMPLE_EVERY_MS = 5_000
const waiting = gauge('souk_outbox_waiting', 'Events that are committed and not yet in the log; every relay reports all of them')
const oldest = gauge('souk_outbox_oldest_seconds', 'Age of the oldest event that waits in an outbox')

async function statusOf(relays: readonly Relay[]): Promise<OutboxState[]> {
  const answers = await Promise.allSettled(relays.map((relay) => relay.status()))
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}

async function sample(relays: readonly Relay[]): Promise<void> {
  for (const { database, schema, ...state } of await statusOf(relays)) {
    waiting.with({ database, schema }).set(state.waiting)
    oldest.with({ database, schema }).set(state.oldestSeconds ?? 0)
  }
}

/** Slots of Redis are divided among the relays as actors are among their owners. */
function ownsSlot(worker: RelayWorker, slot: number): boolean {
  const owner = routerOf(worker.broker).owner(`${worker.fullName}.status`, 'outbox', String(slot))
  return owner === null || owner === worker.broker.nodeID
}

export default service({
  name: 'relay.worker',

  actions: {
    status: workerAction(relayActions['relay.worker.status'], {
      async handler(this: RelayWorker) {
        return { outboxes: await statusOf(this.relays) }
      }
    })
  },

  events: {
    'outbox.wrote'(this: RelayWorker, ctx: Context<{ schemas: string[] }>) {
      for (const relay of this.relays) relay.wake(ctx.params.schemas)
    }
  },

  created(this: RelayWorker) {
    this.relays = []
  },

  started(this: RelayWorker) {
    this.log = openEventLog()
    const options = {
      log: this.log,
      published: (topics: string[]) => publishedHint(this.broker, topics),
      trouble: (message: string) => this.logger.warn(message)
    }
    this.relays = outboxDatabases().map(({ name, url }) => new DatabaseRelay(name, url, options))
    const redis = setting('REDIS_URL')
    if (redis) this.relays.push(new RedisRelay(redis, { ...options, owns: (slot) => ownsSlot(this, slot) }))
    this.sampler = setInterval(() => void sample(this.relays), SAMPLE_EVERY_MS).unref()
  },

  async stopped(this: RelayWorker) {
    clearInterval(this.sampler)
    await Promise.all(this.relays.map((relay) => relay.stop()))
    await this.log.close()
  }
})
