import type { Context } from 'moleculer'
import { openAnalytics } from '../../mixins/analytics/analytics.ts'
import type { AnalyticsStore } from '../../mixins/analytics/port.ts'
import type { BehaviourRecord } from '../../mixins/behaviour/behaviour.ts'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog } from '../../mixins/events/port.ts'
import { gauge } from '../../mixins/metrics/registry.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { analyticsActions } from './analytics.contract.ts'
import { AnalyticsFeed, GROUP } from './analytics.feed.ts'
import { ANALYTICS_SCHEMA, readFunnel, readSales } from './analytics.store.ts'
import { periodOf } from './analytics.ts'

// Owns the analytics store: every business event is in it once, whatever came twice, so that its reports equal the orders to the
// cent. It follows the log at its own pace, and the shop never waits for it. Views and searches are best effort.

type Analytics = ServiceThis<{ log: EventLog; store: AnalyticsStore; feed: AnalyticsFeed; sampler: NodeJS.Timeout }>

/** A node that starts has better things to do than to install or start an analytics engine; a report that is asked for begins at once. */
const FIRST_MS = 30_000
const SAMPLE_EVERY_MS = 10_000
const lagging = gauge('souk_events_lag', 'Events that a group has still to handle; every member reports the whole group')

export default service({
  name: 'analytics.worker',

  actions: {
    sales: workerAction(analyticsActions['analytics.worker.sales'], {
      async handler(this: Analytics, ctx) {
        const { groupBy = 'day', ...period } = ctx.params
        const days = periodOf(period)
        await this.feed.start()
        return readSales(this.store, days, groupBy)
      }
    }),
    funnel: workerAction(analyticsActions['analytics.worker.funnel'], {
      async handler(this: Analytics, ctx) {
        const days = periodOf(ctx.params)
        await this.feed.start()
        await this.feed.writeBehaviour()
        return readFunnel(this.store, days)
      }
    }),
    status: workerAction(analyticsActions['analytics.worker.status'], {
      async handler(this: Analytics) {
        return { off: this.feed.off, behind: await this.log.lag(GROUP) }
      }
    })
  },

  events: {
    'log.published'(this: Analytics, ctx: Context<{ topics: string[] }>) {
      this.feed.wake(ctx.params.topics)
    },
    'behaviour.recorded'(this: Analytics, ctx: Context<{ records: BehaviourRecord[] }>) {
      this.feed.takeBehaviour(ctx.params.records)
    }
  },

  created(this: Analytics) {
    this.log = openEventLog()
    this.store = openAnalytics(ANALYTICS_SCHEMA)
    this.feed = new AnalyticsFeed(this.log, this.store, (line) => this.logger.warn(line))
  },

  started(this: Analytics) {
    this.feed.startIn(FIRST_MS)
    this.sampler = setInterval(() => void this.log.lag(GROUP).then((n) => lagging.with({ group: GROUP }).set(n), () => {}), SAMPLE_EVERY_MS).unref() // unknown: the last one stands
  },

  async stopped(this: Analytics) {
    clearInterval(this.sampler)
    await this.feed.stop()
    await this.store.close()
    await this.log.close()
  }
})
