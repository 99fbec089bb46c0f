import { problem } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service } from '../../mixins/runtime/service.ts'
import { sellerActions } from './seller.contract.ts'

/** Sellers as the public sees them. */
export default service({
  name: 'seller',
  dependencies: ['seller.worker'],

  actions: {
    get: publicAction(sellerActions['seller.get'], { rest: 'GET /sellers/{id}', auth: 'anyone', summary: 'A seller: name, status and rating', cacheSeconds: 60 }, async (ctx) => {
      const { items } = await call(ctx, 'seller.worker.get', { ids: [ctx.params.id] })
      const seller = items[0]
      if (!seller) throw problem('not-found', 'There is no such seller.')
      return { id: seller.id, name: seller.name, status: seller.status, rating: { average: 0, count: 0 } }
    })
  }
})
