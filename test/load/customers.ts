import { setTimeout as sleep } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import { eachOf } from '../bench/load/each-of.ts'
import { makePeople, PASSWORD, renewPeople, type Person } from '../bench/people.ts'
import { json, problemOf, type Api } from './api.ts'
import type { MixContext } from './mix.ts'

/** Somebody who shops: one thing at a time. */
export interface Customer {
  authorization: string
  addressId: string
  refreshToken?: string
  /** Says who they are: by their authenticator, or by password. */
  secret(): { method: 'totp' | 'password'; secret: string }
  /** Their card with the payment provider, once they have one. */
  cardId?: string
}

/** People made by one statement; more would be too large for it. */
const STEP = 2_000
/** An authenticator's code lasts 30 seconds and is taken once: nobody comes back sooner. */
const REST_SECONDS = 45
/** Each registration costs a password hash, and an address may make so many a minute. */
const REGISTERED_MAX = 400
const AT_ONCE = 8
const CARDS_AT_ONCE = 32

const ADDRESS = { name: 'Lou Load', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' }

interface SignIn {
  accessToken: string
  refreshToken: string
}

async function registered(api: Api): Promise<Customer> {
  const body = { email: `load-${randomUUID()}@souk.example`, password: PASSWORD, name: 'Lou Load' }
  for (;;) {
    const answer = await api.ask({ kind: 'register', method: 'POST', path: '/auth/register', body }, 201, 429)
    if (answer.status === 429) {
      await sleep(Number(answer.header('retry-after') ?? 1) * 1_000)
      continue
    }
    const { accessToken, refreshToken } = json<SignIn & Record<string, unknown>>(answer)
    const authorization = `Bearer ${accessToken}`
    const { id } = json(await api.ask({ kind: 'address', method: 'POST', path: '/me/addresses', authorization, body: ADDRESS }, 201))
    return { authorization, refreshToken, addressId: String(id), secret: () => ({ method: 'password', secret: PASSWORD }) }
  }
}

const customerOf = (person: Person): Customer => ({
  get authorization() {
    return person.authorization
  },
  addressId: person.addressId,
  secret: () => ({ method: 'totp', secret: person.code() })
})

/** The customers of a run, each of whom comes again when all others have been there. */
export class Customers {
  readonly #renew: () => Promise<void>
  readonly all: readonly Customer[]
  #waiting: Customer[]
  #at = 0
  readonly #uncertain = new Set<Customer>()

  private constructor(all: Customer[], renew: () => Promise<void>) {
    this.all = all
    this.#waiting = [...all]
    this.#renew = renew
  }

  /**
   * So many that none comes back too soon at `perSecond` visits a second, or as many as the options say. Without the inside of the shop
   * they register like anybody, so they are few, and prove who they are by password.
   */
  static async make({ api, inside, options, onProgress }: MixContext, perSecond: number): Promise<Customers> {
    const wanted = options.customers ?? Math.max(100, Math.ceil(perSecond * REST_SECONDS))
    if (inside) {
      const people: Person[] = []
      while (people.length < wanted) {
        onProgress(`${people.length.toLocaleString('en')} of ${wanted.toLocaleString('en')} customers`)
        people.push(...(await makePeople(inside, Math.min(STEP, wanted - people.length))))
      }
      return new Customers(people.map(customerOf), () => renewPeople(inside, people))
    }
    const all: Customer[] = []
    await eachOf(Array.from({ length: Math.min(wanted, REGISTERED_MAX) }), AT_ONCE, async () => {
      all.push(await registered(api))
      if (all.length % 20 === 0) onProgress(`${all.length} customers have registered`)
    })
    return new Customers(all, () => eachOf(all, AT_ONCE, (customer) => refresh(api, customer)))
  }

  /** Gives each of them a card that works. */
  async giveCards(api: Api, onProgress: (what: string) => void): Promise<void> {
    let given = 0
    await eachOf(this.all, CARDS_AT_ONCE, async (customer) => {
      const body = { token: 'tok_demo_ok', label: 'Load card' }
      customer.cardId = String(json(await api.ask({ kind: 'card', method: 'POST', path: '/payment-methods', authorization: customer.authorization, body }, 201))['id'])
      if (++given % 500 === 0) onProgress(`${given.toLocaleString('en')} of ${this.all.length.toLocaleString('en')} customers have a card`)
    })
  }

  /** Tokens and sessions for another while. */
  renew(): Promise<void> {
    return this.#renew()
  }

  /** Lets the one who has waited longest do something. Rejects (`no-customer`) when all are busy: then there are too few for the rate. */
  async serve<T>(visit: (customer: Customer) => Promise<T>): Promise<T> {
    const customer = this.#waiting[this.#at]
    if (!customer) throw Object.assign(new Error('every customer is busy'), { type: 'no-customer' })
    this.#at++
    if (this.#at > this.all.length) {
      this.#waiting = this.#waiting.slice(this.#at)
      this.#at = 0
    }
    try {
      return await visit(customer)
    } finally {
      this.#waiting.push(customer)
    }
  }

  /** The same with an empty cart: after a visit that went wrong nobody knows what it holds. */
  serveAnew<T>(api: Api, visit: (customer: Customer) => Promise<T>): Promise<T> {
    return this.serve(async (customer) => {
      if (this.#uncertain.has(customer)) await emptyCart(api, customer)
      this.#uncertain.add(customer)
      const result = await visit(customer)
      this.#uncertain.delete(customer)
      return result
    })
  }
}

export const emptyCart = (api: Api, { authorization }: Customer): Promise<unknown> => api.ask({ kind: 'cart clear', method: 'DELETE', path: '/cart', authorization }, 200)

async function refresh(api: Api, customer: Customer): Promise<void> {
  const answer = await api.ask({ kind: 'refresh', method: 'POST', path: '/auth/refresh', body: { refreshToken: customer.refreshToken } }, 200)
  const { accessToken, refreshToken } = json<SignIn & Record<string, unknown>>(answer)
  customer.authorization = `Bearer ${accessToken}`
  customer.refreshToken = refreshToken
}

/** What an order came to: accepted, and when that was asked and answered (of `performance.now`), or why not. */
export type Placed = { order: Order; status: 201 | 202; from: number; to: number } | { refused: string }

export interface Order {
  id: string
  status: string
  subOrders: { id: string; sellerId: string; status: string; lines: { offerId: string; productId: string; quantity: number; unitPrice: Money; lineTotal: Money }[]; totals: { total: Money } }[]
  totals: { subtotal: Money; discount: Money; shipping: Money; tax: Money; total: Money }
  timeline: { at: string; status: string }[]
}

export interface Money {
  amount: number
  currency: string
}

/** Proves who they are, and orders what is in the cart; a refusal for good reason (409) is an answer too. */
export async function order(api: Api, customer: Customer): Promise<Placed> {
  const { authorization, addressId, cardId } = customer
  const { confirmation } = json(await api.ask({ kind: 'confirm', method: 'POST', path: '/auth/confirm', authorization, body: { ...customer.secret(), purpose: 'checkout' } }, 200))
  const from = performance.now()
  const answer = await api.ask({ kind: 'order', method: 'POST', path: '/orders', authorization, body: { addressId, shippingMethod: 'standard', paymentMethodId: cardId, confirmation } }, 201, 202, 409)
  if (answer.status === 409) return { refused: problemOf(answer) }
  return { order: json<Order & Record<string, unknown>>(answer), status: answer.status as 201 | 202, from, to: performance.now() }
}
