import type { Context } from 'moleculer'
import { forwardEvents, type ForwardsEvents } from '../../mixins/analytics/forward-events.ts'
import type { BehaviourRecord } from '../../mixins/behaviour/behaviour.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { analyticsActions } from './analytics.contract.ts'
import { ANALYTICS_SCHEMA, readFunnel, readSales } from './analytics.store.ts'
import { behaviourRows, FEED, periodOf } from './analytics.ts'

// Owns the analytics store: every business event is in it once, whatever came twice, so that its reports equal the orders to the
// cent. It follows the log at its own pace, and the shop never waits for it. Views and searches are best effort.

type Analytics = ServiceThis<ForwardsEvents>

export default service({
  name: 'analytics.worker',
  mixins: [forwardEvents({ ...FEED, schema: ANALYTICS_SCHEMA })],

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
        await this.feed.writeBestEffort()
        return readFunnel(this.store, days)
      }
    }),
    status: workerAction(analyticsActions['analytics.worker.status'], {
      async handler(this: Analytics) {
        return { off: this.feed.off, behind: await this.log.lag(FEED.group) }
      }
    })
  },

  events: {
    'behaviour.recorded'(this: Analytics, ctx: Context<{ records: BehaviourRecord[] }>) {
      this.feed.takeBestEffort(behaviourRows(ctx.params.records))
    }
  }
})
