import { eachOf } from '../../bench/load/each-of.ts'
import { renewPeople } from '../../bench/people.ts'
import { Customers } from '../customers.ts'
import type { Mix } from '../mix.ts'
import { Criteria } from './criteria.ts'
import { Transactions } from './transactions.ts'
import { makeWorld } from './world.ts'

/** The benchmark's shares, of a hundred. */
const SHARES = { session: 30, dashboard: 5, price: 3, replace: 2, deliver: 60 }
/** Sessions before the load, so that the first carrier finds something to deliver. */
const FIRST_SESSIONS = 5

/**
 * The transactions and mix of the Online Marketplace benchmark (Laigner et al., SIGMOD 2025) through the REST API, with its seven
 * criteria. What is ours: a session proves who it is before it pays; a delivery update delivers the parcels of the oldest order.
 */
export const onlineMarketplace: Mix = {
  name: 'online-marketplace',
  doc: 'the transactions and mix of the Online Marketplace benchmark, through the REST API, with its seven criteria checked: sessions 30 %, dashboards 5 %, price updates 3 %, replacements 2 %, delivery updates 60 %',
  rate: 40,
  inside: true,
  async prepare(context) {
    const { api, inside, rate, onProgress } = context
    const world = await makeWorld(context)
    const customers = await Customers.make(context, (rate * SHARES.session) / 100)
    await customers.giveCards(api, onProgress)
    const criteria = new Criteria(api, inside!)
    const transactions = new Transactions(api, world, criteria)
    const session = (): Promise<string | void> => customers.serveAnew(api, (customer) => transactions.session(customer))
    onProgress('first sessions')
    await eachOf(Array.from({ length: FIRST_SESSIONS }), 1, session)
    const staff = [world.carrier, ...world.sellers.map(({ person }) => person)]
    return {
      transactions: [
        { name: 'customer session', doc: '1–10 products, 1–10 of each: POST /cart/lines, POST /auth/confirm, POST /orders', share: SHARES.session, run: session },
        { name: 'seller dashboard', doc: 'GET /sellers/me/dashboard', share: SHARES.dashboard, run: () => transactions.dashboard() },
        { name: 'price update', doc: 'PATCH /offers/{id}', share: SHARES.price, run: () => transactions.price() },
        { name: 'product replacement', doc: 'DELETE /products/{id}, POST /products, POST /products/{id}/offers, PUT /offers/{id}/stock', share: SHARES.replace, run: () => transactions.replace() },
        { name: 'delivery update', doc: 'GET /orders/{id}/shipments of the oldest order under way, POST /shipments/{id}/events for each parcel', share: SHARES.deliver, run: () => transactions.deliver() }
      ],
      async renew() {
        await Promise.all([customers.renew(), renewPeople(inside!, staff)])
      },
      async checks() {
        await renewPeople(inside!, staff)
        await customers.renew()
        return criteria.checks(world, customers)
      },
      acknowledged: criteria.acknowledged
    }
  }
}
