import { randomUUID } from 'node:crypto'
import { expectStatus, type HttpClient } from '../load/http-client.ts'
import { makePeople, type Person } from '../people.ts'
import { bareHttp } from '../reference.ts'
import type { Scenario } from '../scenario.ts'
import { pagesOf } from './product-pages.ts'

const PEOPLE = 400
/** Distinct offers in a cart: what a cart of a shopper is like. */
const OFFERS = 6

interface Cart {
  lines: { quantity: number }[]
}

const CART = '/api/v1/cart'

/** Who adds, and how often they were told that it worked, or not told. */
interface Buyer {
  person: Person
  sent: number
  told: number
}

const KEY = '{key}'

/** Makes the bytes of adds: all but their key is made once. */
function addsOf(http: HttpClient): (person: Person, offerId: string) => string {
  const made = new Map<string, [before: string, after: string]>()
  return ({ id, authorization }, offerId) => {
    const name = `${id} ${offerId}`
    let parts = made.get(name)
    if (!parts) {
      const bytes = http.bytesOf({ method: 'POST', path: `${CART}/lines`, headers: { authorization, 'idempotency-key': KEY }, body: JSON.stringify({ offerId, quantity: 1 }) })
      made.set(name, (parts = bytes.split(KEY) as [string, string]))
    }
    return parts[0] + randomUUID() + parts[1]
  }
}

/** Each cart holds at least what its owner was told, and at most what they sent. */
async function lost(http: HttpClient, buyers: readonly Buyer[]): Promise<string[]> {
  const wrong: string[] = []
  const next = buyers.values()
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (const { person, sent, told } of next) {
      const cart = expectStatus(await http.request({ method: 'GET', path: CART, headers: { authorization: person.authorization } }), 200).json() as Cart
      const units = cart.lines.reduce((sum, line) => sum + line.quantity, 0)
      if (units < told || units > sent) wrong.push(`cart of ${person.id}: ${units} units, its owner was told of ${told} and sent ${sent}`)
    }
  }))
  return wrong
}

export const cartAdd: Scenario = {
  name: 'cart-add',
  doc: `POST /cart/lines into one's own cart, ${PEOPLE} people, ${OFFERS} offers each`,
  inFlight: 64,
  writes: true,
  inside: true,
  async prepare({ http, shop }) {
    const buyers = (await makePeople(shop.inside!, PEOPLE)).map((person): Buyer => ({ person, sent: 0, told: 0 }))
    const [first] = await pagesOf(http, 100, 1)
    const offers = (first!.page.items as { id: string; offerId: string | null }[]).flatMap(({ offerId }) => offerId ?? []).slice(0, OFFERS)
    const bytesOf = addsOf(http)
    const add = async (n: number): Promise<void> => {
      const buyer = buyers[n % PEOPLE]!
      buyer.sent++
      expectStatus(await http.send(bytesOf(buyer.person, offers[Math.floor(n / PEOPLE) % offers.length]!)), 200, 201)
      buyer.told++
    }
    for (let i = 0; i < OFFERS; i++) await add(i * PEOPLE) // a full cart's answer, for the bare server
    const { person } = buyers[0]!
    const bytes = expectStatus(await http.request({ method: 'GET', path: CART, headers: { authorization: person.authorization } }), 200).text()
    const bare = await bareHttp([[`POST ${CART}/lines`, bytes]], (client) => {
      const ofBare = addsOf(client)
      return (n) => ofBare(buyers[n % PEOPLE]!.person, offers[0]!)
    })
    return { shop: { what: 'an item into the cart', operation: add }, reference: bare, violations: () => lost(http, buyers), close: () => bare.close() }
  }
}
