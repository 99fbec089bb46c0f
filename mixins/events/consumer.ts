import type { Context, Service } from 'moleculer'
import { counter, gauge, histogram } from '../metrics/registry.ts'
import type { EventName, Events } from '../runtime/calls.ts'
import { openEventLog } from './log.ts'
import type { DeliveryFailure, EventLog, EventRecord, Subscription } from './port.ts'

/** A topic's handler gets events of that topic, those of an aggregate in their order. */
export type TopicHandlers<This> = { [N in EventName]?: (this: This, batch: readonly EventRecord<Events[N]>[]) => Promise<void> }

export interface ConsumerOptions<This> {
  /** Members with the same group share the events: all threads and nodes that run this service. */
  group: string
  topics: TopicHandlers<This>
  /** Events of one batch at most; 200 unless told. */
  maxBatch?: number
}

interface Running {
  log: EventLog
  subscription: Subscription
  sampler: NodeJS.Timeout
}

const LAG_EVERY_MS = 5_000
const consumed = counter('souk_events_consumed_total', 'Events whose handler has taken them')
const failed = counter('souk_events_failures_total', 'Batches that their handler rejected; they come again')
const lagging = gauge('souk_events_lag', 'Events that a group has still to handle; every member reports the whole group')
const delay = histogram('souk_events_delay_seconds', 'From the commit of a change to the end of its handler', [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600])

/**
 * Lets a service consume business events, one handler per topic, as `EventLog` promises: at least once, in order per aggregate
 * within a topic, no order between topics. So a handler makes its effect once itself: with `takeFresh` in the effect's own
 * transaction, or with a write that may be repeated (an upsert by version, an insert by event id).
 *
 * A handler that rejects sees the same events again, after a pause that grows to 30 s, for ever: an event that cannot be handled
 * holds up its partition of that topic for this group, is named in the log from the third try on and shows in `souk_events_lag`; nothing is
 * skipped, other partitions, topics and groups go on. An event that shall be ignored is ignored by its handler.
 *
 * Consuming starts when the broker has started, and ends, the batches in hand finished, before the service's own `stopped` runs.
 */
export function consumer<This = Service>({ group, topics, maxBatch }: ConsumerOptions<This>) {
  const running = new WeakMap<Service, Running>()
  const handlers = topics as Record<string, (this: unknown, batch: readonly EventRecord[]) => Promise<void>>

  async function deliver(service: Service, batch: readonly EventRecord[]): Promise<void> {
    const { topic, at } = batch.at(-1)!
    await handlers[topic]!.call(service, batch)
    consumed.with({ group, topic }).add(batch.length)
    delay.with({ group }).observe(Math.max(0, Date.now() - Date.parse(at)) / 1_000)
  }

  function begin(service: Service): void {
    if (running.has(service)) return
    const log = openEventLog()
    const subscription = log.consume(Object.keys(topics), group, (batch) => deliver(service, batch), {
      ...(maxBatch ? { maxBatch } : {}),
      onFailure(failure) {
        if (failure.topic) failed.with({ group, topic: failure.topic }).add()
        // At first it may only wait for an event of another topic; the log that cannot be read says so now and again.
        if (failure.topic ? failure.attempt >= 3 : failure.attempt % 20 === 3) service.logger.warn(describe(group, failure))
        else service.logger.info(describe(group, failure))
      }
    })
    const sampler = setInterval(() => void log.lag(group).then((n) => lagging.with({ group }).set(n), () => {}), LAG_EVERY_MS).unref() // unknown: the last one stands
    running.set(service, { log, subscription, sampler })
  }

  async function end(service: Service): Promise<void> {
    const { log, subscription, sampler } = running.get(service) ?? {}
    running.delete(service)
    clearInterval(sampler)
    await subscription?.stop()
    await log?.close()
  }

  return {
    events: {
      '$broker.started'(this: Service) {
        begin(this)
      },
      'log.published'(this: Service, ctx: Context<{ topics: string[] }>) {
        running.get(this)?.subscription.wake(ctx.params.topics)
      }
    },
    // Moleculer runs `stopped` in reverse: as the last one this comes first, while the service still has its stores.
    merged(schema: { stopped?: unknown }) {
      schema.stopped = [
        ...[schema.stopped ?? []].flat(),
        function (this: Service) {
          return end(this)
        }
      ]
    },
    started(this: Service) {
      if (this.broker.started) begin(this) // a service that came later than its broker's start
    }
  }
}

function describe(group: string, { topic, events, attempt, retryMs, error }: DeliveryFailure): string {
  const why = error instanceof Error ? error.message : String(error)
  if (!topic) return `${group}: the event log cannot be read (${why}), trying again`
  const [first, ...more] = events
  const what = more.length > 0 ? `${events.length} events from ${first!.id}` : `event ${first!.id} of ${first!.aggregate}`
  return `${group}: ${topic} was not handled (${why}); ${what}, failure ${attempt} in a row, again in ${retryMs / 1_000} s`
}
