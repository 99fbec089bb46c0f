import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { sellerActions } from './seller.contract.ts'
import { addSellers, sellerOfUser, sellersById } from './seller.store.ts'

type SellerWorker = ServiceThis<WithDatabase>

/** Sellers' accounts: one person acts for at most one seller; each has a default warehouse. */
export default service({
  name: 'seller.worker',
  mixins: [serviceDatabase('seller')],

  actions: {
    get: workerAction(sellerActions['seller.worker.get'], {
      retrySafe: true,
      async handler(this: SellerWorker, ctx) {
        const byId = new Map((await sellersById(this.db, ctx.params.ids)).map((seller) => [seller.id, seller]))
        return { items: ctx.params.ids.flatMap((id) => byId.get(id) ?? []) }
      }
    }),

    ofUser: workerAction(sellerActions['seller.worker.ofUser'], {
      retrySafe: true,
      async handler(this: SellerWorker, ctx) {
        return { seller: await sellerOfUser(this.db, ctx.params.userId) }
      }
    }),

    import: workerAction(sellerActions['seller.worker.import'], {
      retrySafe: true,
      async handler(this: SellerWorker, ctx) {
        return { added: await addSellers(this.db, ctx.params.sellers) }
      }
    })
  }
})
