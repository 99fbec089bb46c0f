import { eachOf } from '../../bench/load/each-of.ts'
import { goodsOf } from '../../soak/goods.ts'
import { until } from '../../support/until.ts'
import { Customers, order, type Customer } from '../customers.ts'
import { editorOf, setStock, stockOf } from '../editor.ts'
import { Watch, type Check, type Mix } from '../mix.ts'
import { Reservoir } from '../reservoir.ts'

/** Of those who come, so many find something. */
const SOLD_SHARE = 0.5
const REST_SECONDS = 45
const AT_ONCE = 32
const ACKNOWLEDGED_MAX = 100_000
/** What was sold leaves the shelf within this. */
const PATIENCE_MS = 60_000

/** How a sale went: what was there, who was told what, and what the shelf holds. */
export interface Sale {
  units: number
  bought: number
  /** Told that it is sold out. */
  refused: number
  /** Told nothing, or that something went wrong: theirs may be bought or not. */
  unknown: number
  onHand: number
}

/** What is wrong with a sale; empty: it sold out exactly. */
export function saleComplaints({ units, bought, refused, unknown, onHand }: Sale): string[] {
  const sold = units - onHand
  const wrong: string[] = []
  if (onHand < 0 || bought > units) wrong.push(`${bought} people were promised one of ${units} units`)
  if (sold < bought) wrong.push(`${bought} people were promised one, ${sold} have left the shelf`)
  if (sold > bought + unknown) wrong.push(`${sold} have left the shelf, ${bought} people were promised one${unknown > 0 ? ` and ${unknown} know of nothing` : ''}`)
  if (onHand > 0) wrong.push(refused > 0 ? `${refused} people were told that it is sold out, and ${onHand} are left` : `it did not sell out, ${onHand} of ${units} are left: let more people come (--rate, --seconds), or offer fewer (--units)`)
  return wrong
}

export const flashSale: Mix = {
  name: 'flash-sale',
  doc: 'everybody wants the same offer, of which there are too few: each has it in the cart, proves who they are and orders; it must sell out exactly',
  rate: 60,
  inside: false,
  once: true,
  async prepare(context) {
    const { api, rate, seconds, options, onProgress } = context
    const comers = rate * seconds
    const units = options.units ?? Math.max(1, Math.floor(comers * SOLD_SHARE))
    const customers = await Customers.make(context, Math.min(rate, (comers * 1.2) / REST_SECONDS))
    await customers.giveCards(api, onProgress)
    const hot = (await goodsOf(api))[0]!
    const editor = await editorOf(context)
    const before = await stockOf(api, editor, hot.offerId)
    const add = ({ authorization }: Customer): Promise<unknown> => api.ask({ kind: 'cart add', method: 'POST', path: '/cart/lines', authorization, body: { offerId: hot.offerId, quantity: 1 } }, 200)
    onProgress('fills the carts')
    await eachOf(customers.all, AT_ONCE, add)
    await setStock(api, editor, hot.offerId, { onHand: units })
    const acknowledged = new Reservoir<{ orderId: string; status: number }>(ACKNOWLEDGED_MAX)
    const sale = { units, bought: 0, refused: 0, unknown: 0 }
    const emptied = new Set<Customer>()

    const buy = async (customer: Customer): Promise<string> => {
      if (emptied.has(customer)) await add(customer)
      emptied.delete(customer)
      sale.unknown++
      const placed = await order(api, customer)
      sale.unknown--
      if ('refused' in placed) {
        if (placed.refused !== 'out-of-stock') throw Object.assign(new Error(placed.refused), { type: `409 ${placed.refused}` })
        sale.refused++
        return 'sold out'
      }
      sale.bought++
      emptied.add(customer)
      acknowledged.add({ orderId: placed.order.id, status: placed.status })
      return 'bought'
    }

    const check = async (): Promise<Check> => {
      const watch = new Watch('it sells out exactly', 'people who were promised one, people who were told that it is sold out, and what has left the shelf are compared')
      const later = await editorOf(context) // a long sale outlives a token
      const shelf = await until('what was sold has left the shelf', async () => {
        const now = await stockOf(api, later, hot.offerId)
        return now.reserved === 0 && now
      }, PATIENCE_MS)
      const complaints = saleComplaints({ ...sale, onHand: shelf.onHand })
      for (let i = 0; i < Math.max(1, complaints.length); i++) watch.saw(complaints[i] ?? null)
      await setStock(api, later, hot.offerId, { onHand: before.onHand - before.reserved })
      return watch.result(`${units.toLocaleString('en')} units, ${sale.bought.toLocaleString('en')} bought, ${sale.refused.toLocaleString('en')} told that it is sold out, ${sale.unknown} without an answer, ${shelf.onHand} left`)
    }
    return {
      transactions: [{ name: 'buy', doc: `POST /auth/confirm, POST /orders: one of ${units.toLocaleString('en')} units of one offer`, share: 1, run: () => customers.serve(buy) }],
      renew: () => customers.renew(),
      checks: async () => [await check()],
      acknowledged
    }
  }
}
