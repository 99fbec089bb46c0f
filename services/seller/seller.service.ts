import { problem } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service, type Ctx } from '../../mixins/runtime/service.ts'
import { sellerActions } from './seller.contract.ts'
import { sellerOrderActions } from './seller-orders.contract.ts'

/** The seller that the caller acts for. */
async function sellerOf(ctx: Ctx): Promise<string> {
  const { caller } = ctx.meta
  const { seller } = caller?.kind === 'user' ? await call(ctx, 'seller.worker.ofUser', { userId: caller.userId }) : { seller: null }
  if (!seller) throw problem('forbidden', 'This account acts for no seller.')
  return seller.id
}

/** Sellers as the public sees them, and what a seller sold. */
export default service({
  name: 'seller',
  dependencies: ['seller.worker', 'seller.orders'],

  actions: {
    get: publicAction(sellerActions['seller.get'], { rest: 'GET /sellers/{id}', auth: 'anyone', summary: 'A seller: name, status and rating', cacheSeconds: 60 }, async (ctx) => {
      const { items } = await call(ctx, 'seller.worker.get', { ids: [ctx.params.id] })
      const seller = items[0]
      if (!seller) throw problem('not-found', 'There is no such seller.')
      return { id: seller.id, name: seller.name, status: seller.status, rating: { average: 0, count: 0 } }
    }),

    dashboard: publicAction(
      sellerOrderActions['seller.dashboard'],
      { rest: 'GET /sellers/me/dashboard', auth: ['seller'], summary: 'What the caller has under way, counted and listed as of one moment', problems: ['forbidden'] },
      async (ctx) => call(ctx, 'seller.orders.dashboard', { sellerId: await sellerOf(ctx) })
    ),

    myOrders: publicAction(
      sellerOrderActions['seller.myOrders'],
      { rest: 'GET /sellers/me/orders', auth: ['seller'], summary: "The caller's parts of orders, newest first", problems: ['forbidden'] },
      async (ctx) => call(ctx, 'seller.orders.list', { ...ctx.params, sellerId: await sellerOf(ctx) })
    )
  }
})
