import { argon2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { expectStatus } from '../load/http-client.ts'
import { HASHING, makePeople, PASSWORD, phcOf, type Person } from '../people.ts'
import type { Scenario } from '../scenario.ts'

const hashOf = promisify(argon2)
/** What its threads take; more would wait. */
const AT_ONCE = 4

export const passwordProof: Scenario = {
  name: 'password-proof',
  doc: 'POST /auth/confirm by password, each person once: a right password is remembered for minutes',
  inFlight: AT_ONCE,
  perSecond: 1_000, // no more than the reference made hashes
  writes: true,
  inside: true,
  async prepare({ http, shop }) {
    // The reference's hashes become the people's: each is a hash of its own, and none is made twice.
    let hashes: string[] = []
    let people: Person[] = []
    return {
      reference: {
        what: 'bare argon2id',
        async operation() {
          const salt = randomBytes(16)
          hashes.push(phcOf(salt, await hashOf('argon2id', { message: PASSWORD, nonce: salt, ...HASHING })))
        }
      },
      shop: {
        what: 'a password proved',
        async operation(n) {
          const { authorization } = people[n]!
          expectStatus(await http.request({ method: 'POST', path: '/api/v1/auth/confirm', headers: { authorization }, body: JSON.stringify({ method: 'password', secret: PASSWORD, purpose: 'checkout' }) }), 200, 201)
        }
      },
      async provide(count) {
        people = await makePeople(shop.inside!, Math.min(count, hashes.length), (n) => hashes[n]!)
        hashes = []
        return people.length
      }
    }
  }
}
