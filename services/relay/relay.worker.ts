import type { Context } from 'moleculer'
import { publishedHint } from '../../mixins/events/hint.ts'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog } from '../../mixins/events/port.ts'
import { gauge } from '../../mixins/metrics/registry.ts'
import { DatabaseRelay, outboxDatabases, type OutboxState } from '../../mixins/outbox/relay.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { relayActions } from './relay.contract.ts'

// Owns the way of every business event from its outbox into the log. Invariants: an event leaves its outbox only when the log has
// stored it; events of one aggregate arrive in their order. Any number of relays may run; they share the lanes.

type Relay = ServiceThis<{ log: EventLog; relays: DatabaseRelay[]; sampler: NodeJS.Timeout }>

const SAMPLE_EVERY_MS = 5_000
const waiting = gauge('souk_outbox_waiting', 'Events that are committed and not yet in the log; every relay reports all of them')
const oldest = gauge('souk_outbox_oldest_seconds', 'Age of the oldest event that waits in an outbox')

async function statusOf(relays: readonly DatabaseRelay[]): Promise<OutboxState[]> {
  const answers = await Promise.allSettled(relays.map((relay) => relay.status()))
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}

async function sample(relays: readonly DatabaseRelay[]): Promise<void> {
  for (const { database, schema, ...state } of await statusOf(relays)) {
    waiting.with({ database, schema }).set(state.waiting)
    oldest.with({ database, schema }).set(state.oldestSeconds ?? 0)
  }
}

export default service({
  name: 'relay.worker',

  actions: {
    status: workerAction(relayActions['relay.worker.status'], {
      async handler(this: Relay) {
        return { outboxes: await statusOf(this.relays) }
      }
    })
  },

  events: {
    'outbox.wrote'(this: Relay, ctx: Context<{ schemas: string[] }>) {
      for (const relay of this.relays) relay.wake(ctx.params.schemas)
    }
  },

  created(this: Relay) {
    this.relays = []
  },

  started(this: Relay) {
    this.log = openEventLog()
    const options = {
      log: this.log,
      published: (topics: string[]) => publishedHint(this.broker, topics),
      trouble: (message: string) => this.logger.warn(message)
    }
    this.relays = outboxDatabases().map(({ name, url }) => new DatabaseRelay(name, url, options))
    this.sampler = setInterval(() => void sample(this.relays), SAMPLE_EVERY_MS).unref()
  },

  async stopped(this: Relay) {
    clearInterval(this.sampler)
    await Promise.all(this.relays.map((relay) => relay.stop()))
    await this.log.close()
  }
})
