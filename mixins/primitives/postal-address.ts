import { nullable, object, optional, text } from './schema.ts'

/** A postal address as it is written on a parcel. `country` is ISO 3166-1 alpha-2. */
export const postalAddressRule = object({
  name: text({ max: 200 }),
  line1: text({ max: 200 }),
  line2: optional(nullable(text({ max: 200, min: 0 }))),
  city: text({ max: 100 }),
  region: text({ max: 100, min: 0 }),
  postalCode: text({ max: 20, min: 0 }),
  country: text({ min: 2, max: 2 }),
  phone: optional(nullable(text({ max: 40, min: 0 })))
})
