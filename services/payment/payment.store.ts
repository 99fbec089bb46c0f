import type { Collection, Document } from '../../mixins/documents/port.ts'

/** Payments by id `<order or subscription>.<attempt>`. `due`: when the sweeper has something to do. */
export const PAYMENTS: Collection = { name: 'payment', unique: [], indexed: ['orderId', 'due'] }

/** `wallet` is the owner while the method is in use; `operationId` the Idempotency-Key it was made with. */
export const METHODS: Collection = { name: 'method', unique: ['operationId'], indexed: ['wallet'] }

/** A person's subscriptions, by person. */
export const SUBSCRIBERS: Collection = { name: 'subscriber', unique: [], indexed: ['due'] }

/** A payment method. The token is the provider's name for a card, worth nothing to anybody else; it is never shown again. */
export interface Method extends Document {
  userId: string
  /** The owner; absent once removed. */
  wallet?: string
  token: string
  label: string
  createdAt: string
  operationId?: string
  bodyHash?: string
}
