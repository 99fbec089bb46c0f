import { eachOf } from '../../bench/load/each-of.ts'
import { goodsOf, type Goods } from '../../soak/goods.ts'
import type { Api } from '../api.ts'
import { Customers, emptyCart, order, type Customer, type Order } from '../customers.ts'
import { editorOf, setStock } from '../editor.ts'
import { Watch, type Mix } from '../mix.ts'
import { Reservoir } from '../reservoir.ts'

/** Offers that are bought, all with enough on the shelf. */
const OFFERS = 200
const LINES_MAX = 3
const QUANTITY = 1
const AT_ONCE = 16
const ACKNOWLEDGED_MAX = 100_000

/** What is wrong with an accepted order, given what was in the cart; null: nothing. */
export function orderComplaint({ id, subOrders, totals }: Order, cart: ReadonlyMap<string, number>): string | null {
  const lines = subOrders.flatMap((sub) => sub.lines)
  const ordered = new Map(lines.map(({ offerId, quantity }) => [offerId, quantity]))
  for (const [offerId, quantity] of cart) if (ordered.get(offerId) !== quantity) return `order ${id}: ${ordered.get(offerId) ?? 0} of ${offerId}, the cart held ${quantity}`
  if (lines.length !== cart.size) return `order ${id}: ${lines.length} lines, the cart held ${cart.size}`
  const wrongLine = lines.find((line) => line.lineTotal.amount !== line.unitPrice.amount * line.quantity)
  if (wrongLine) return `order ${id}: ${wrongLine.quantity} × ${wrongLine.unitPrice.amount} is not ${wrongLine.lineTotal.amount}`
  const { subtotal, discount, shipping, tax, total } = totals
  if (total.amount !== subtotal.amount - discount.amount + shipping.amount + tax.amount) return `order ${id}: its total ${total.amount} is not what its parts give`
  const parts = subOrders.reduce((sum, sub) => sum + sub.totals.total.amount, 0)
  return parts === total.amount ? null : `order ${id}: its total is ${total.amount}, its sellers' parts give ${parts}`
}

/** One to three different things. */
async function fill(api: Api, { authorization }: Customer, goods: readonly Goods[]): Promise<Map<string, number>> {
  const cart = new Map<string, number>()
  for (let n = 1 + Math.floor(Math.random() * LINES_MAX); n > 0; n--) {
    const { offerId } = goods[Math.floor(Math.random() * goods.length)]!
    if (cart.has(offerId)) continue
    await api.ask({ kind: 'cart add', method: 'POST', path: '/cart/lines', authorization, body: { offerId, quantity: QUANTITY } }, 200)
    cart.set(offerId, QUANTITY)
  }
  return cart
}

export const checkout: Mix = {
  name: 'checkout',
  doc: 'signed-in people buy: one to three things into the cart, a quote, a proof of who they are, the order',
  rate: 40,
  inside: false,
  async prepare(context) {
    const { api, rate, seconds, onProgress } = context
    const customers = await Customers.make(context, rate)
    await customers.giveCards(api, onProgress)
    const goods = (await goodsOf(api)).slice(0, OFFERS)
    const editor = await editorOf(context)
    onProgress('fills the shelves')
    await eachOf(goods, AT_ONCE, ({ offerId }) => setStock(api, editor, offerId, { delta: Math.ceil(rate * seconds) }))
    const acknowledged = new Reservoir<{ orderId: string; status: number }>(ACKNOWLEDGED_MAX)
    const watch = new Watch('an order is the whole cart, priced exactly', 'the answer of each order is compared with what was put into the cart, and its totals with their parts')

    const buy = async (customer: Customer): Promise<string | void> => {
      const { authorization, addressId } = customer
      const wanted = await fill(api, customer, goods)
      const placed = await api.steps.time('checkout (quote, confirm, order)', async () => {
        await api.ask({ kind: 'quote', method: 'POST', path: '/checkout/quote', authorization, body: { addressId, shippingMethod: 'standard' } }, 200)
        return order(api, customer)
      })
      if ('refused' in placed) {
        await emptyCart(api, customer)
        return `refused: ${placed.refused}`
      }
      acknowledged.add({ orderId: placed.order.id, status: placed.status })
      watch.saw(orderComplaint(placed.order, wanted))
      return placed.status === 201 ? undefined : 'accepted, payment pending'
    }
    return {
      transactions: [{ name: 'purchase', doc: 'POST /cart/lines (1–3), POST /checkout/quote, POST /auth/confirm, POST /orders', share: 1, run: () => customers.serveAnew(api, buy) }],
      renew: () => customers.renew(),
      checks: async () => [watch.result(`${acknowledged.added.toLocaleString('en')} orders accepted`)],
      acknowledged
    }
  }
}
