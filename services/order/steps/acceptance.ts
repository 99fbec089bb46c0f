import type { OrderState } from '../order.ts'
import type { Saga } from '../saga.ts'
import { takeCart } from './cart.ts'
import { spend } from './proof.ts'

/** What an accepted order keeps of its buyer's, for ever: the proof, and what was in the cart. Idempotent. */
export const acceptance = (saga: Saga, order: OrderState): Promise<unknown>[] => [spend(saga, order), ...(order.attempt === 1 ? [takeCart(saga, order)] : [])]
