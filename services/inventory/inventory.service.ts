import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service, type Ctx } from '../../mixins/runtime/service.ts'
import { inventoryActions } from './inventory.contract.ts'
import '../product/product.contract.ts'
import '../seller/seller.contract.ts'

const none = (): Error => problem('not-found', 'There is no such offer, or it is not yours.')

/** The offer's warehouse, if the caller may see its stock: the offer's seller and administrators; to others it is not there. */
async function warehouseOf(ctx: Ctx, offerId: string): Promise<string> {
  const { caller } = ctx.meta
  if (caller?.kind !== 'user') throw none()
  const [{ items }, own] = await Promise.all([call(ctx, 'product.worker.offers', { offerIds: [offerId] }), call(ctx, 'seller.worker.ofUser', { userId: caller.userId })])
  const offer = items[0]
  if (!offer || (!caller.roles.includes('admin') && own.seller?.id !== offer.sellerId)) throw none()
  return offer.warehouseId
}

/** The stock of an offer, for its seller. Owns nothing: rights are checked here, the desk decides. */
export default service({
  name: 'inventory',
  dependencies: ['inventory.worker', 'product.worker', 'seller.worker'],

  actions: {
    stock: publicAction(
      inventoryActions['inventory.stock'],
      { rest: 'GET /offers/{id}/stock', auth: ['seller', 'admin'], summary: 'The stock of one of your offers' },
      async (ctx) => {
        await warehouseOf(ctx, ctx.params.id)
        const { items } = await call(ctx, 'inventory.worker.stock', { offerIds: [ctx.params.id] })
        const { onHand, reserved, available } = items[0]!
        return { onHand, reserved, available }
      }
    ),

    setStock: publicAction(
      inventoryActions['inventory.setStock'],
      { rest: 'PUT /offers/{id}/stock', auth: ['seller', 'admin'], summary: 'Count (onHand) or correct (delta) the stock of one of your offers', idempotent: 'honoured' },
      async (ctx) => {
        const { id, onHand, delta } = ctx.params
        if ((onHand === undefined) === (delta === undefined)) throw invalidField('onHand', 'oneOf', 'give either onHand or delta')
        const warehouseId = await warehouseOf(ctx, id)
        return call(ctx, 'inventory.worker.set', { offerId: id, warehouseId, onHand, delta })
      }
    )
  }
})
