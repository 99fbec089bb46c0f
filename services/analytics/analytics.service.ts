import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service } from '../../mixins/runtime/service.ts'
import { analyticsActions } from './analytics.contract.ts'

const problems = ['unavailable']

export default service({
  name: 'analytics',
  dependencies: ['analytics.worker'],

  actions: {
    sales: publicAction(
      analyticsActions['analytics.sales'],
      { rest: 'GET /analytics/sales', auth: ['admin'], summary: 'What was sold, by day, seller or category', problems },
      (ctx) => call(ctx, 'analytics.worker.sales', ctx.params)
    ),
    funnel: publicAction(
      analyticsActions['analytics.funnel'],
      { rest: 'GET /analytics/funnel', auth: ['admin'], summary: 'How many viewed, added to the cart, ordered and paid', problems },
      (ctx) => call(ctx, 'analytics.worker.funnel', ctx.params)
    )
  }
})
