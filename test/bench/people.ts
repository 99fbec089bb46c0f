import { argon2Sync, randomBytes } from 'node:crypto'
import type pg from 'pg'
import { seal } from '../../mixins/access/opaque.ts'
import { ENTRY_MS, publishEntry, sessionKey, type SessionEntry } from '../../mixins/access/sessions.ts'
import { signAccessToken } from '../../mixins/access/tokens.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import type { Role } from '../../mixins/runtime/service.ts'
import { hotp, stepAt } from '../../services/auth/totp.ts'
import { eachOf } from './load/each-of.ts'
import type { Inside } from './shop.ts'

/** Somebody who has signed in, and has an authenticator and an address. */
export interface Person {
  id: string
  sessionId: string
  email: string
  roles: Role[]
  /** Header of their requests. */
  authorization: string
  addressId: string
  /** The code of their authenticator now; each is taken once, so one purchase in 30 seconds. */
  code(): string
}

export const PASSWORD = 'correct horse battery 7'
const TOTP_BYTES = 20
const SITE = 'local'

/** A password's hash as the shop stores it, with a salt of its own. */
export function phcOf(salt: Buffer, hash: Buffer): string {
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=19456,t=2,p=1$${base64(salt)}$${base64(hash)}`
}

export const HASHING = { parallelism: 1, tagLength: 32, memory: 19_456, passes: 2 } as const

let readyHash: string | undefined
const oneHash = (): string => {
  const salt = randomBytes(16)
  return (readyHash ??= phcOf(salt, argon2Sync('argon2id', { message: PASSWORD, nonce: salt, ...HASHING })))
}

/** Sessions that are written at once. */
const AT_ONCE = 64

const entryOf = ({ id, sessionId, roles }: Pick<Person, 'id' | 'sessionId' | 'roles'>): SessionEntry => ({ userId: id, sessionId, roles, site: SITE, version: 1 })

const bulk = (db: pg.Pool, text: string, rows: readonly object[]): Promise<unknown> => db.query(text, [JSON.stringify(rows)])

/**
 * Makes people in the shop's own tables, from outside, with its key: a registration costs a password hash each, which is a benchmark
 * of its own. `hash`: the password of the `n`th; all have one hash of PASSWORD unless told, and shop. They are marked as demo accounts, so that
 * no production node starts on them.
 */
export async function makePeople({ pool, keys }: Pick<Inside, 'pool' | 'keys'>, count: number, hash: (n: number) => string = oneHash, roles: Role[] = ['shopper']): Promise<Person[]> {
  const auth = pool('auth')
  const made = Array.from({ length: count }, (_, n) => ({ id: newId(), email: `bench-${newId()}@souk.example`, sessionId: newId(), addressId: newId(), secret: randomBytes(TOTP_BYTES), hash: hash(n) }))
  await bulk(
    auth,
    `INSERT INTO auth.person (id, email, email_key, name, password_hash, roles, site, totp_secret, demo)
     SELECT id, email, email, 'Ben Bench', hash, roles, '${SITE}', totp, true FROM json_to_recordset($1) AS r (id text, email text, hash text, totp text, roles text[])`,
    made.map((p) => ({ id: p.id, email: p.email, hash: p.hash, roles, totp: seal('totp', p.id, p.secret) }))
  )
  await bulk(
    auth,
    `INSERT INTO auth.session (id, person_id, expires_at, address, user_agent) SELECT "sessionId", id, now() + interval '1 day', '127.0.0.1', 'souk bench' FROM json_to_recordset($1) AS r ("sessionId" text, id text)`,
    made
  )
  await bulk(
    auth,
    `INSERT INTO auth.address (id, person_id, name, line1, city, region, postal_code, country)
     SELECT "addressId", id, 'Ben Bench', '1 Pike St', 'Seattle', 'WA', '98101', 'US' FROM json_to_recordset($1) AS r ("addressId" text, id text)`,
    made
  )
  await eachOf(made, AT_ONCE, ({ id, sessionId }) => keys.set(sessionKey(sessionId), { ...entryOf({ id, sessionId, roles }) }, ENTRY_MS))
  return Promise.all(
    made.map(async (p) => ({
      id: p.id,
      sessionId: p.sessionId,
      email: p.email,
      roles,
      authorization: `Bearer ${await signAccessToken({ userId: p.id, sessionId: p.sessionId, site: SITE })}`,
      addressId: p.addressId,
      code: () => hotp(p.secret, stepAt(Date.now()))
    }))
  )
}

/** Gives people new access tokens, and their sessions another while: for what takes longer than either lasts. */
export const renewPeople = ({ keys }: Pick<Inside, 'keys'>, people: readonly Person[]): Promise<void> =>
  eachOf(people, AT_ONCE, async (person) => {
    await publishEntry(keys, sessionKey(person.sessionId), entryOf(person))
    person.authorization = `Bearer ${await signAccessToken({ userId: person.id, sessionId: person.sessionId, site: SITE })}`
  })
