import { money } from '../../../mixins/primitives/money.ts'
import { paymentIdOf, type OrderState } from '../order.ts'
import { ask, type Saga } from '../saga.ts'

/**
 * Holds the buyer's proof of identity for this attempt and answers the grant that the payment wants. Rejects with
 * `identity-confirmation-required`. Undone by `free`, finished by `spend`.
 */
export async function hold(saga: Saga, order: OrderState): Promise<string> {
  const { grant } = await ask(saga, 'auth.worker.holdProof', {
    ...(order.confirmation === null ? {} : { confirmation: order.confirmation }),
    userId: order.buyerId,
    sessionId: order.sessionId,
    purpose: order.attempt === 1 ? 'checkout' : 'payment',
    holder: paymentIdOf(order),
    amount: money(order.totals.total, order.currency)
  })
  return grant
}

export const spend = (saga: Saga, order: OrderState): Promise<unknown> => ask(saga, 'auth.worker.spendProof', { holder: paymentIdOf(order) })

export const free = (saga: Saga, order: OrderState): Promise<unknown> => ask(saga, 'auth.worker.freeProof', { holder: paymentIdOf(order) })
