import type { Destination, ShippingMethod } from './pricing.contract.ts'

/** One seller's part of an order, which travels as one parcel. */
export interface Parcel {
  sellerId: string
  currency: string
  items: number
  /** Goods less discount, in minor units. */
  value: number
  /** Days until the seller hands it over. */
  handlingDays: number
}

export interface ShippingRate {
  /** Whole minor units of the parcel's currency. */
  price: number
  /** Days from the order to the door. */
  estimatedDays: number
}

/** What sending a parcel costs. An implementation may ask a carrier. */
export interface ShippingStrategy {
  /** The rate of each parcel by a method, in the parcels' order; null when the method does not go there. */
  rates(method: ShippingMethod, parcels: readonly Parcel[], destination: Destination, buyer: { prime: boolean }): ShippingRate[] | null | Promise<ShippingRate[] | null>
}
