import { consumer } from '../../mixins/events/consumer.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { decodeCursor, PAGE_LIMIT, pageOf } from '../../mixins/primitives/page.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { sellerOrderActions } from './seller-orders.contract.ts'
import { applyCancelled, applyChanged, applyConfirmed, dashboardOf, subOrdersOf } from './seller-orders.store.ts'

type SellerOrders = ServiceThis<WithDatabase>

/**
 * Sellers' lists of what they sold, projected from the orders' events. Follows them a moment behind; each event has its effect
 * once. Nothing orders events of several topics, so the latest number of a part decides, whatever comes first.
 */
export default service({
  name: 'seller.orders',
  mixins: [
    consumer<SellerOrders>({
      group: 'seller.orders',
      topics: {
        order_confirmed(batch) {
          return applyConfirmed(this.db, batch)
        },
        order_cancelled(batch) {
          return applyCancelled(this.db, batch)
        },
        sub_order_changed(batch) {
          return applyChanged(this.db, batch)
        }
      }
    }),
    serviceDatabase('seller')
  ],

  actions: {
    dashboard: workerAction(sellerOrderActions['seller.orders.dashboard'], {
      retrySafe: true,
      handler(this: SellerOrders, ctx) {
        return dashboardOf(this.db, ctx.params.sellerId)
      }
    }),

    list: workerAction(sellerOrderActions['seller.orders.list'], {
      retrySafe: true,
      async handler(this: SellerOrders, ctx) {
        const { sellerId, status = null, limit = PAGE_LIMIT.default, cursor } = ctx.params
        const before = decodeCursor(cursor, 1)
        const rows = await subOrdersOf(this.db, sellerId, status, before === null ? null : String(before[0]), limit + 1)
        return pageOf(rows, limit, (row) => row, (row) => [row.id])
      }
    })
  }
})
