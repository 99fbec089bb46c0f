import type { ServiceBroker } from 'moleculer'
import { Batcher } from '../batch/batcher.ts'
import { publishedHint } from '../events/hint.ts'
import { openEventLog } from '../events/log.ts'
import type { EventLog, EventRecord } from '../events/port.ts'
import type { ServiceThis } from '../runtime/service.ts'

/**
 * Sends events of documents that carry their own outbox: those that wait together go to the log in one call, each document's in
 * their order. A second sender is harmless, for consumers skip what is not newer.
 */
export class Publisher {
  readonly #log: EventLog
  readonly #batcher: Batcher<readonly EventRecord[], void>

  constructor(broker: Pick<ServiceBroker, 'broadcast'>) {
    this.#log = openEventLog()
    this.#batcher = new Batcher<readonly EventRecord[], void>(
      async (outboxes) => {
        const events = outboxes.flat()
        await this.#log.publish(events)
        publishedHint(broker, new Set(events.map((e) => e.topic)))
        return outboxes.map(() => undefined)
      },
      { max: 256, inFlight: 1, maxWaiting: 10_000, full: () => new Error('too many events wait for the log') }
    )
  }

  /** Resolves when the log has them. */
  publish(events: readonly EventRecord[]): Promise<void> {
    return this.#batcher.add(events)
  }

  close(): Promise<void> {
    return this.#log.close()
  }
}

/** Gives a service `this.publisher`: there from `created` on, closed when the service has stopped. */
export const servicePublisher = () => ({
  created(this: ServiceThis<{ publisher: Publisher }>) {
    this.publisher = new Publisher(this.broker)
  },

  async stopped(this: ServiceThis<{ publisher: Publisher }>) {
    await this.publisher.close()
  }
})
