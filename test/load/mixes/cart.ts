import { eachOf } from '../../bench/load/each-of.ts'
import { favourite, goodsOf, type Goods } from '../../soak/goods.ts'
import { json, type Api } from '../api.ts'
import { Customers, type Customer } from '../customers.ts'
import { Watch, type Check, type Mix } from '../mix.ts'
import { Reservoir } from '../reservoir.ts'

/** Lines of a cart; one more and the oldest goes. */
const LINES_MAX = 8
const QUANTITY_MAX = 900
const SET_MAX = 5
/** Carts that are looked at behind the load. */
const LOOKED_MAX = 2_000
const AT_ONCE = 16

interface Cart {
  lines: { offerId: string; quantity: number }[]
}

/** What a cart must hold, as its owner was told; null: an answer was lost, so it may be either. */
type Known = Map<string, number | null>

/** What is wrong with a cart, given what its owner knows; null: nothing. */
export function cartComplaint(known: Known, { lines }: Cart): string | null {
  const held = new Map(lines.map(({ offerId, quantity }) => [offerId, quantity]))
  for (const [offerId, quantity] of known) {
    if (quantity !== null && (held.get(offerId) ?? 0) !== quantity) return `${held.get(offerId) ?? 0} of ${offerId}, its owner was told of ${quantity}`
  }
  for (const offerId of held.keys()) if (!known.has(offerId)) return `it holds ${offerId}, which nobody put there`
  return null
}

/** The carts of the customers, with what each was told. */
class Carts {
  readonly #api: Api
  readonly #goods: readonly Goods[]
  readonly #known = new Map<Customer, Known>()

  constructor(api: Api, goods: readonly Goods[]) {
    this.#api = api
    this.#goods = goods
  }

  /** A full cart loses its first line instead. */
  async add(customer: Customer): Promise<string | void> {
    const known = this.#of(customer)
    const { offerId } = favourite(this.#goods)
    const before = known.has(offerId) ? known.get(offerId)! : 0
    if (known.size >= LINES_MAX || (before !== null && before >= QUANTITY_MAX)) {
      await this.remove(customer)
      return 'removed, for it was full'
    }
    await this.#change(customer, offerId, before === null ? null : before + 1, { kind: 'add', method: 'POST', path: '/cart/lines', body: { offerId, quantity: 1 } })
  }

  async set(customer: Customer): Promise<string | void> {
    const [offerId] = this.#of(customer).keys()
    if (offerId === undefined) return this.#begin(customer)
    const quantity = 1 + Math.floor(Math.random() * SET_MAX)
    await this.#change(customer, offerId, quantity, { kind: 'set', method: 'PATCH', path: `/cart/lines/${offerId}`, body: { quantity } })
  }

  async remove(customer: Customer): Promise<string | void> {
    const [offerId] = this.#of(customer).keys()
    if (offerId === undefined) return this.#begin(customer)
    await this.#change(customer, offerId, 0, { kind: 'remove', method: 'DELETE', path: `/cart/lines/${offerId}` })
  }

  async #begin(customer: Customer): Promise<string> {
    await this.add(customer)
    return 'added, for it was empty'
  }

  async look(customer: Customer): Promise<void> {
    await this.#api.get('cart', '/cart', customer.authorization)
  }

  /** `quantity`: what the cart then holds of the offer; while nobody has answered, that is not known. */
  async #change(customer: Customer, offerId: string, quantity: number | null, ask: Parameters<Api['ask']>[0]): Promise<void> {
    const known = this.#of(customer)
    known.set(offerId, null)
    await this.#api.ask({ ...ask, authorization: customer.authorization }, 200)
    if (quantity === 0) known.delete(offerId)
    else known.set(offerId, quantity)
  }

  #of(customer: Customer): Known {
    let known = this.#known.get(customer)
    if (!known) this.#known.set(customer, (known = new Map()))
    return known
  }

  async check(): Promise<Check> {
    const watch = new Watch('no acknowledged change is lost', 'each cart is read once more and compared with what its owner was told')
    await eachOf([...this.#known].slice(0, LOOKED_MAX), AT_ONCE, async ([customer, known]) => {
      const complaint = cartComplaint(known, json<Cart & Record<string, unknown>>(await this.#api.get('cart', '/cart', customer.authorization)))
      watch.saw(complaint && `a cart: ${complaint}`)
    })
    return watch.result(`${Math.min(LOOKED_MAX, this.#known.size).toLocaleString('en')} carts of ${this.#known.size.toLocaleString('en')}`)
  }
}

export const cart: Mix = {
  name: 'cart',
  doc: 'signed-in people fill their carts: adds, changed quantities, removals, looks',
  rate: 300,
  inside: false,
  async prepare(context) {
    const { api, rate } = context
    const customers = await Customers.make(context, Math.min(rate, 20)) // nobody has to prove anything: they may come again at once
    const carts = new Carts(api, await goodsOf(api))
    const as = (act: (customer: Customer) => Promise<string | void>) => () => customers.serve(act)
    return {
      transactions: [
        { name: 'add', doc: 'POST /cart/lines', share: 60, run: as((c) => carts.add(c)) },
        { name: 'look', doc: 'GET /cart', share: 25, run: as((c) => carts.look(c)) },
        { name: 'set', doc: 'PATCH /cart/lines/{offerId}', share: 10, run: as((c) => carts.set(c)) },
        { name: 'remove', doc: 'DELETE /cart/lines/{offerId}', share: 5, run: as((c) => carts.remove(c)) }
      ],
      renew: () => customers.renew(),
      checks: async () => [await carts.check()],
      acknowledged: new Reservoir(0)
    }
  }
}
