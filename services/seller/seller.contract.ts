import { actions, type ActionsOf } from '../../mixins/runtime/calls.ts'
import { decimal, id, int, list, nullable, object, oneOf, text, type Infer } from '../../mixins/primitives/schema.ts'

/** Where a seller's account stands. Only a verified seller sells. */
export const SELLER_STATUSES = ['verified'] as const

/** The warehouse a seller ships from unless told otherwise; its id is the key of its stock desk. */
export const defaultWarehouse = (sellerId: string): string => `wh.${sellerId}`

/** A seller as other services see it. */
export const sellerRule = object({
  id: id(),
  name: text({ max: 120 }),
  status: oneOf(SELLER_STATUSES),
  userId: id(),
  warehouseId: id()
})

export type Seller = Infer<typeof sellerRule>

/** A seller as anyone sees it. */
export const publicSellerRule = object({
  id: id(),
  name: text({ max: 120 }),
  status: oneOf(SELLER_STATUSES),
  rating: object({ average: decimal({ min: 0, max: 5 }), count: int({ min: 0 }) })
})

export const sellerActions = actions({
  'seller.get': { params: { id: id() }, returns: publicSellerRule },
  /** Sellers in the order of `ids`; a missing one is left out. */
  'seller.worker.get': { params: { ids: list(id(), { max: 500 }) }, returns: object({ items: list(sellerRule) }) },
  /** The seller that a person acts for, or null. */
  'seller.worker.ofUser': { params: { userId: id() }, returns: object({ seller: nullable(sellerRule) }) },
  /** Adds sellers that are verified already; one whose id is there is left as it is. */
  'seller.worker.import': {
    params: { sellers: list(object({ id: id(), name: text({ max: 120 }), userId: id() }), { min: 1, max: 500 }) },
    returns: object({ added: int({ min: 0 }) })
  }
})

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof sellerActions> {}
}
