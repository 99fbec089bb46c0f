import { problem, problemType } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service, type Ctx } from '../../mixins/runtime/service.ts'
import { logisticsActions as contracts } from './logistics.contract.ts'
import { maySee } from './logistics.ts'

const noOrder = (): Error => problem('not-found', 'There is no such order.')
const noParcel = (): Error => problem('not-found', 'There is no such parcel.')

/** The seller that the caller acts for. */
async function sellerOf(ctx: Ctx): Promise<string | null> {
  const { caller } = ctx.meta
  if (caller?.kind !== 'user' || !caller.roles.includes('seller')) return null
  const { seller } = await call(ctx, 'seller.worker.ofUser', { userId: caller.userId })
  return seller?.id ?? null
}

/** An order that has no parcels (yet) is shown as such to its buyer, its sellers and administrators; `not-found` to everybody else. */
async function checkOrder(ctx: Ctx, orderId: string, sellerId: string | null): Promise<void> {
  const { caller } = ctx.meta
  if (caller?.kind !== 'user') throw noOrder()
  const buyerId = caller.roles.includes('admin') ? null : caller.userId
  try {
    await call(ctx, 'order.worker.get', { orderId, buyerId })
  } catch (error) {
    if (problemType(error) !== 'not-found') throw error
    if (sellerId === null) throw noOrder()
    const order = await call(ctx, 'order.worker.get', { orderId, buyerId: null })
    if (!order.subOrders.some((sub) => sub.sellerId === sellerId)) throw noOrder()
  }
}

/** The face of logistics. Parcels are seen by the order's buyer, the sub-order's seller, carriers and administrators; only carriers report. */
export default service({
  name: 'logistics',
  dependencies: ['logistics.worker'],

  actions: {
    ofOrder: publicAction(
      contracts['logistics.ofOrder'],
      { rest: 'GET /orders/{id}/shipments', auth: 'user', summary: 'Parcels of an order, with their histories', problems: ['not-found'] },
      async (ctx) => {
        const { id: orderId } = ctx.params
        const [{ items }, sellerId] = await Promise.all([call(ctx, 'logistics.worker.shipmentsOf', { orderIds: [orderId] }), sellerOf(ctx)])
        const seen = items.filter((record) => maySee(ctx.meta.caller, sellerId, record))
        if (seen.length === 0) {
          if (items.length > 0) throw noOrder()
          await checkOrder(ctx, orderId, sellerId)
        }
        return { items: seen.map((record) => record.shipment) }
      }
    ),

    track: publicAction(
      contracts['logistics.track'],
      { rest: 'GET /shipments/{trackingNumber}', auth: 'user', summary: 'A parcel by its tracking number', problems: ['not-found'] },
      async (ctx) => {
        const [{ found }, sellerId] = await Promise.all([call(ctx, 'logistics.worker.find', { trackingNumber: ctx.params.trackingNumber }), sellerOf(ctx)])
        if (!found || !maySee(ctx.meta.caller, sellerId, found)) throw noParcel()
        return found.shipment
      }
    ),

    report: publicAction(
      contracts['logistics.report'],
      {
        rest: 'POST /shipments/{id}/events', auth: 'user', summary: 'A carrier reports what it saw of a parcel',
        idempotent: 'honoured', problems: ['forbidden', 'not-found', 'invalid-transition']
      },
      async (ctx) => {
        const { caller } = ctx.meta
        const { id: shipmentId, ...seen } = ctx.params
        if (caller?.kind === 'user' && caller.roles.includes('carrier')) return call(ctx, 'logistics.worker.event', { shipmentId, ...seen })
        const [{ found }, sellerId] = await Promise.all([call(ctx, 'logistics.worker.find', { shipmentId }), sellerOf(ctx)])
        if (!found || !maySee(caller, sellerId, found)) throw noParcel()
        throw problem('forbidden', 'Only carriers report what parcels do.')
      }
    )
  }
})
