import type { Context, Service } from 'moleculer'
import { openEventLog } from '../events/log.ts'
import type { EventLog } from '../events/port.ts'
import { gauge } from '../metrics/registry.ts'
import { openAnalytics } from './analytics.ts'
import { EventFeed, type FeedOptions } from './event-feed.ts'
import type { AnalyticsSchema, AnalyticsStore } from './port.ts'

/** What a service has from `created` on. */
export interface ForwardsEvents {
  log: EventLog
  store: AnalyticsStore
  feed: EventFeed
}

/** A node that starts has better things to do than to install or start an analytics engine; who needs it at once calls `feed.start()`. */
const FIRST_MS = 30_000
const SAMPLE_EVERY_MS = 10_000
const lagging = gauge('souk_events_lag', 'Events that a group has still to handle; every member reports the whole group')

/**
 * Forwards business events from the log (Kafka) to the analytics store (ClickHouse). All services that take it with one group, on
 * whatever threads and nodes, share the events: each is stored at least once, in the group's own pace, and counted once by its id.
 * An event's place in the log moves when the store has it on disk; where the store cannot be used the events wait in the log.
 */
export const forwardEvents = ({ schema, ...options }: FeedOptions & { schema: AnalyticsSchema }) => {
  const samplers = new WeakMap<Service, NodeJS.Timeout>()
  return {
    events: {
      'log.published'(this: Service & ForwardsEvents, ctx: Context<{ topics: string[] }>) {
        this.feed.wake(ctx.params.topics)
      }
    },

    created(this: Service & ForwardsEvents) {
      this.log = openEventLog()
      this.store = openAnalytics(schema)
      this.feed = new EventFeed(this.log, this.store, options, (line) => this.logger.warn(line))
    },

    started(this: Service & ForwardsEvents) {
      this.feed.startIn(FIRST_MS)
      const sample = (): void => void this.log.lag(options.group).then((n) => lagging.with({ group: options.group }).set(n), () => {}) // unknown: the last one stands
      samplers.set(this, setInterval(sample, SAMPLE_EVERY_MS).unref())
    },

    async stopped(this: Service & ForwardsEvents) {
      clearInterval(samplers.get(this))
      await this.feed.stop()
      await this.store.close()
      await this.log.close()
    }
  }
}
