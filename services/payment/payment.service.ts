import { holdsCardNumber } from '../../mixins/primitives/card.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service, type Ctx } from '../../mixins/runtime/service.ts'
import { isSigned, SIGNATURE_HEADER, webhookSecret } from '../../mixins/webhooks/signature.ts'
import { paymentActions } from './payment.contract.ts'

/** The signed-in person, whose id the access middleware has put there. */
function person(ctx: Ctx): { userId: string; sessionId: string } {
  const { caller } = ctx.meta
  if (caller?.kind !== 'user') throw problem('token-expired', 'Sign in first.')
  return { userId: caller.userId, sessionId: caller.sessionId }
}

/** Card numbers must not reach any store or log: the provider's page turns them into tokens. */
function refuseCards(params: unknown): void {
  if (holdsCardNumber(params)) throw problem('card-data-refused', 'Send the token that the payment provider gave for the card, never its number.')
}

/**
 * Payments as shoppers, administrators and the provider see them. Charging an order is the order's own affair; here are payment
 * methods, subscriptions, the provider's webhooks and the books.
 */
export default service({
  name: 'payment',

  actions: {
    methods: publicAction(
      paymentActions['payment.methods'],
      { rest: 'GET /payment-methods', auth: 'user', summary: 'My payment methods, newest first' },
      (ctx) => call(ctx, 'payment.worker.methods', { userId: person(ctx).userId, ...ctx.params })
    ),

    addMethod: publicAction(
      paymentActions['payment.addMethod'],
      { rest: 'POST /payment-methods', auth: 'user', status: 201, idempotent: 'honoured', problems: ['card-data-refused'], summary: 'Store a token of the payment provider' },
      (ctx) => {
        refuseCards(ctx.params)
        return call(ctx, 'payment.worker.addMethod', { userId: person(ctx).userId, ...ctx.params })
      }
    ),

    removeMethod: publicAction(
      paymentActions['payment.removeMethod'],
      { rest: 'DELETE /payment-methods/{id}', auth: 'user', status: 204, problems: ['not-found'], summary: 'Take a payment method out of use' },
      (ctx) => call(ctx, 'payment.worker.removeMethod', { userId: person(ctx).userId, methodId: ctx.params.id })
    ),

    subscriptions: publicAction(
      paymentActions['payment.subscriptions'],
      { rest: 'GET /subscriptions', auth: 'user', summary: 'My subscriptions, newest first' },
      (ctx) => call(ctx, 'payment.worker.subscriptions', { userId: person(ctx).userId, ...ctx.params })
    ),

    subscribe: publicAction(
      paymentActions['payment.subscribe'],
      {
        rest: 'POST /subscriptions',
        auth: 'user',
        status: 201,
        alternateStatus: 202,
        idempotent: 'required',
        problems: ['payment-declined', 'identity-confirmation-required', 'not-found', 'conflict', 'card-data-refused'],
        summary: 'Subscribe to Prime; 202 while the first charge is not settled'
      },
      (ctx) => {
        refuseCards(ctx.params)
        return call(ctx, 'payment.worker.subscribe', { ...person(ctx), ...ctx.params })
      }
    ),

    unsubscribe: publicAction(
      paymentActions['payment.unsubscribe'],
      { rest: 'DELETE /subscriptions/{id}', auth: 'user', idempotent: 'required', problems: ['not-found', 'invalid-transition'], summary: 'Cancel a subscription; its benefits last until renewsAt' },
      (ctx) => call(ctx, 'payment.worker.unsubscribe', { userId: person(ctx).userId, subscriptionId: ctx.params.id })
    ),

    webhook: publicAction(
      paymentActions['payment.webhook'],
      { rest: 'POST /webhooks/payments', auth: 'open', signature: SIGNATURE_HEADER, problems: ['invalid-credentials'], summary: 'What happened at the payment provider, signed by it' },
      (ctx) => {
        const { signed } = ctx.meta
        if (!signed || !isSigned(webhookSecret(), signed.body, signed.signature)) throw problem('invalid-credentials', 'The signature does not fit the body, or is too old.')
        return call(ctx, 'payment.worker.webhook', ctx.params)
      }
    ),

    books: publicAction(
      paymentActions['payment.books'],
      { rest: 'GET /orders/{id}/payments', auth: ['admin'], problems: ['not-found', 'unavailable'], summary: "An order's money in our rows and in the provider's ledger" },
      (ctx) => call(ctx, 'payment.worker.books', { orderId: ctx.params.id })
    )
  },

  created() {
    webhookSecret() // without one no webhook could be told from a forgery: refuse to start
  }
})
