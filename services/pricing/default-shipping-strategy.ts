import { DEFAULT_CURRENCY } from '../../mixins/primitives/money.ts'
import type { ShippingMethod } from './pricing.contract.ts'
import type { ShippingStrategy } from './shipping-strategy.ts'

interface Tariff {
  /** Minor units for a parcel with one item. */
  first: number
  /** Minor units for each further item. */
  further: number
  transitDays: number
}

const DOMESTIC: Readonly<Record<ShippingMethod, Tariff>> = {
  standard: { first: 499, further: 50, transitDays: 5 },
  express: { first: 1_499, further: 100, transitDays: 2 }
}
const ABROAD: Readonly<Record<ShippingMethod, Tariff>> = {
  standard: { first: 1_999, further: 200, transitDays: 14 },
  express: { first: 3_999, further: 400, transitDays: 5 }
}
/** A domestic parcel worth this much travels free by standard. */
const FREE_FROM = 3_500

/** A tariff by items, in US dollars alone. Standard is free with Prime, and from 35 dollars a parcel within the country. */
export const defaultShippingStrategy: ShippingStrategy = {
  rates(method, parcels, { country }, { prime }) {
    if (parcels.some((p) => p.currency !== DEFAULT_CURRENCY)) return null
    const domestic = country.toUpperCase() === 'US'
    const tariff = (domestic ? DOMESTIC : ABROAD)[method]
    return parcels.map(({ items, value, handlingDays }) => ({
      price: method === 'standard' && (prime || (domestic && value >= FREE_FROM)) ? 0 : tariff.first + tariff.further * (items - 1),
      estimatedDays: handlingDays + tariff.transitDays
    }))
  }
}
