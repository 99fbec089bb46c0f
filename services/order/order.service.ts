import { problem } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service, type Ctx } from '../../mixins/runtime/service.ts'
import { orderActions } from './order.contract.ts'
import { newOrderId } from './order.store.ts'

/** The signed-in person; `auth` has made sure that there is one. */
function buyerOf(ctx: Ctx): { buyerId: string; sessionId: string; roles: readonly string[] } {
  const { caller } = ctx.meta
  if (caller?.kind !== 'user') throw problem('token-expired', 'Sign in first.')
  return { buyerId: caller.userId, sessionId: caller.sessionId, roles: caller.roles }
}

/** The seller that a caller acts for; null for an administrator. */
async function sellerOf(ctx: Ctx): Promise<string | null> {
  const { buyerId, roles } = buyerOf(ctx)
  if (roles.includes('admin')) return null
  const { seller } = await call(ctx, 'seller.worker.ofUser', { userId: buyerId })
  if (!seller) throw problem('forbidden', 'Only a seller or an administrator refunds.')
  return seller.id
}

/** Orders as shoppers, sellers and administrators use them over HTTP. */
export default service({
  name: 'order',
  actions: {
    quote: publicAction(
      orderActions['order.quote'],
      { rest: 'POST /checkout/quote', auth: 'user', summary: 'Prices the cart for an address and a shipping method', problems: ['cart-empty', 'out-of-stock', 'not-found'] },
      (ctx) => call(ctx, 'order.worker.quote', { ...ctx.params, buyerId: buyerOf(ctx).buyerId })
    ),

    place: publicAction(
      orderActions['order.place'],
      {
        rest: 'POST /orders',
        auth: 'user',
        summary: 'Orders the whole cart: 201 when it is paid, 202 while the payment is not settled',
        status: 201,
        alternateStatus: 202,
        idempotent: 'required',
        problems: ['cart-empty', 'conflict', 'out-of-stock', 'price-changed', 'payment-declined', 'identity-confirmation-required', 'not-found']
      },
      (ctx) => {
        const { buyerId, sessionId } = buyerOf(ctx)
        return call(ctx, 'order.worker.place', { ...ctx.params, orderId: newOrderId(buyerId), buyerId, sessionId })
      }
    ),

    list: publicAction(orderActions['order.list'], { rest: 'GET /orders', auth: 'user', summary: "The caller's orders, newest first" }, (ctx) =>
      call(ctx, 'order.worker.list', { ...ctx.params, buyerId: buyerOf(ctx).buyerId })
    ),

    get: publicAction(orderActions['order.get'], { rest: 'GET /orders/{id}', auth: 'user', summary: 'One order of the caller; an administrator sees any', problems: ['not-found'] }, (ctx) => {
      const { buyerId, roles } = buyerOf(ctx)
      return call(ctx, 'order.worker.get', { orderId: ctx.params.id, buyerId: roles.includes('admin') ? null : buyerId })
    }),

    pay: publicAction(
      orderActions['order.pay'],
      {
        rest: 'POST /orders/{id}/payments',
        auth: 'user',
        summary: 'Pays an order in payment_failed again, at the accepted price',
        alternateStatus: 202,
        idempotent: 'required',
        problems: ['not-found', 'invalid-transition', 'out-of-stock', 'payment-declined', 'identity-confirmation-required']
      },
      (ctx) => {
        const { id, ...body } = ctx.params
        const { buyerId, sessionId } = buyerOf(ctx)
        return call(ctx, 'order.worker.pay', { ...body, orderId: id, buyerId, sessionId })
      }
    ),

    cancel: publicAction(
      orderActions['order.cancel'],
      {
        rest: 'POST /orders/{id}/cancel',
        auth: 'user',
        summary: 'Cancels an order that has not left yet; 202 while its money is being released',
        alternateStatus: 202,
        idempotent: 'required',
        problems: ['not-found', 'invalid-transition']
      },
      (ctx) => {
        const { id, ...body } = ctx.params
        return call(ctx, 'order.worker.cancel', { ...body, orderId: id, buyerId: buyerOf(ctx).buyerId })
      }
    ),

    return: publicAction(
      orderActions['order.return'],
      { rest: 'POST /orders/{id}/returns', auth: 'user', summary: 'Returns delivered lines for their money', status: 201, idempotent: 'required', problems: ['not-found', 'invalid-transition'] },
      (ctx) => {
        const { id, ...body } = ctx.params
        return call(ctx, 'order.worker.return', { ...body, orderId: id, buyerId: buyerOf(ctx).buyerId })
      }
    ),

    refund: publicAction(
      orderActions['order.refund'],
      {
        rest: 'POST /orders/{id}/refunds',
        auth: ['admin', 'seller'],
        summary: "Gives money back: an administrator any, a seller of his own part; without amount and lines all that is left",
        status: 201,
        idempotent: 'required',
        problems: ['not-found', 'invalid-transition']
      },
      async (ctx) => {
        const { id, ...body } = ctx.params
        return call(ctx, 'order.worker.refund', { ...body, orderId: id, sellerId: await sellerOf(ctx) })
      }
    )
  }
})
