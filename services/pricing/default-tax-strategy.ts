import { portion } from '../../mixins/primitives/money.ts'
import type { Destination } from './pricing.contract.ts'
import type { TaxStrategy } from './tax-strategy.ts'

// Basis points of the statewide sales tax, without counties and cities; rates with a fraction of a basis point are rounded up.
const STATES: readonly (readonly [code: string, name: string, basisPoints: number])[] = [
  ['AL', 'Alabama', 400], ['AK', 'Alaska', 0], ['AZ', 'Arizona', 560], ['AR', 'Arkansas', 650], ['CA', 'California', 725],
  ['CO', 'Colorado', 290], ['CT', 'Connecticut', 635], ['DE', 'Delaware', 0], ['DC', 'District of Columbia', 600], ['FL', 'Florida', 600],
  ['GA', 'Georgia', 400], ['HI', 'Hawaii', 400], ['ID', 'Idaho', 600], ['IL', 'Illinois', 625], ['IN', 'Indiana', 700],
  ['IA', 'Iowa', 600], ['KS', 'Kansas', 650], ['KY', 'Kentucky', 600], ['LA', 'Louisiana', 500], ['ME', 'Maine', 550],
  ['MD', 'Maryland', 600], ['MA', 'Massachusetts', 625], ['MI', 'Michigan', 600], ['MN', 'Minnesota', 688], ['MS', 'Mississippi', 700],
  ['MO', 'Missouri', 423], ['MT', 'Montana', 0], ['NE', 'Nebraska', 550], ['NV', 'Nevada', 685], ['NH', 'New Hampshire', 0],
  ['NJ', 'New Jersey', 663], ['NM', 'New Mexico', 488], ['NY', 'New York', 400], ['NC', 'North Carolina', 475], ['ND', 'North Dakota', 500],
  ['OH', 'Ohio', 575], ['OK', 'Oklahoma', 450], ['OR', 'Oregon', 0], ['PA', 'Pennsylvania', 600], ['RI', 'Rhode Island', 700],
  ['SC', 'South Carolina', 600], ['SD', 'South Dakota', 420], ['TN', 'Tennessee', 700], ['TX', 'Texas', 625], ['UT', 'Utah', 485],
  ['VT', 'Vermont', 600], ['VA', 'Virginia', 530], ['WA', 'Washington', 650], ['WV', 'West Virginia', 600], ['WI', 'Wisconsin', 500],
  ['WY', 'Wyoming', 400]
]

/** A region that is no state: the highest of the states, so that tax is never collected short. */
const UNKNOWN_STATE = 725
/** Outside the United States: a common rate of value added tax. */
const ABROAD = 2_000

const byState = new Map(STATES.flatMap(([code, name, rate]) => [[code, rate], [name.toUpperCase(), rate]]))

const rateOf = ({ country, region }: Destination): number =>
  country.toUpperCase() === 'US' ? (byState.get(region.trim().toUpperCase()) ?? UNKNOWN_STATE) : ABROAD

/**
 * One rate per destination, on each line less its discount, rounded half up line by line: the tax of a returned line is then known
 * to the unit. Shipping is not taxed.
 */
export const defaultTaxStrategy: TaxStrategy = {
  taxes(lines, destination) {
    const rate = rateOf(destination)
    return lines.map((line) => portion(line.amount, rate))
  }
}
