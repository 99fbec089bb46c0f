import { refreshTokenOf, readRefreshToken } from '../../mixins/access/opaque.ts'
import { endEntry, publishEntry, sessionKey, type SessionEntry } from '../../mixins/access/sessions.ts'
import { ACCESS_SECONDS, REFRESH_SECONDS, signAccessToken } from '../../mixins/access/tokens.ts'
import { appendEvents } from '../../mixins/outbox/outbox.ts'
import { wroteOutbox } from '../../mixins/outbox/hint.ts'
import type { Queryable } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import type { SignedIn } from './auth.contract.ts'
import type {} from '../cart/cart.contract.ts'
import { personsById, sharePerson, toUser, type Person } from './person.store.ts'
import { deleteCartMerge, dueCartMerges, endSession, insertCartMerge, insertSession, rotate, type CartMerge, type Origin } from './session.store.ts'
import { now, type AuthWorker } from './worker-state.ts'

/** How long a used refresh token gives its successor again: an answer was lost, and the client asks anew. */
const GRACE_SECONDS = 10
/** How long signing in waits for the guest's cart; what takes longer is done behind it. */
const MERGE_MS = 2_000
/** When the sweeper takes a merge that signing in began. */
const MERGE_RETRY_SECONDS = 10

/** Who signs in, from where, and with which guest's cart. */
export interface Client extends Origin {
  cart?: string | undefined
}

const signedOut = (): Error => problem('token-expired', 'The session is over: sign in again.')

const entryOf = ({ id, roles, site, version }: Person, sessionId: string): SessionEntry => ({ userId: id, sessionId, roles, site, version })

async function tokensOf(person: Person, sessionId: string, generation: number): Promise<SignedIn> {
  const accessToken = await signAccessToken({ userId: person.id, sessionId, site: person.site })
  return { user: toUser(person), accessToken, refreshToken: refreshTokenOf(sessionId, generation), expiresIn: ACCESS_SECONDS }
}

/** Hands the guest's cart over; what fails stays in the store, and the sweeper tries again until the cart's owner has it. */
async function mergeCart(worker: AuthWorker, merge: CartMerge): Promise<void> {
  try {
    await call(worker.broker, 'cart.worker.merge', { from: merge.cart_id, to: merge.person_id }, { timeout: MERGE_MS })
    await deleteCartMerge(worker.db, merge)
  } catch (error) {
    worker.logger.warn(`cart ${merge.cart_id} is not merged yet, will be tried again:`, (error as Error).message)
  }
}

/** Merges that signing in left. True when there may be more. */
export async function sweepCartMerges(worker: AuthWorker): Promise<boolean> {
  const due = await dueCartMerges(worker.db, 50)
  await Promise.all(due.map((merge) => mergeCart(worker, merge)))
  return due.length === 50
}

/** Writes the session in a transaction that has made or seen the person; `signedIn` follows when it is committed. */
export async function writeSession(tx: Queryable, person: Person, client: Client): Promise<string> {
  const sessionId = newId()
  await insertSession(tx, sessionId, person.id, client, REFRESH_SECONDS)
  if (client.cart) await insertCartMerge(tx, client.cart, person.id, MERGE_RETRY_SECONDS)
  await appendEvents(tx, 'auth', [{ topic: 'user_signed_in', aggregate: `user/${person.id}`, body: { userId: person.id, sessionId, address: client.address, at: now() } }])
  return sessionId
}

/** Makes a committed session known to every node, takes the guest's cart over, and answers the tokens. */
export async function signedIn(worker: AuthWorker, person: Person, sessionId: string, client: Client): Promise<SignedIn> {
  wroteOutbox(worker.broker, 'auth')
  await publishEntry(worker.keys, sessionKey(sessionId), entryOf(person, sessionId))
  if (client.cart) await mergeCart(worker, { cart_id: client.cart, person_id: person.id })
  return tokensOf(person, sessionId, 1)
}

/**
 * Opens a session for a person whose password was right. Their row is shared until the commit: a change of roles either is seen here
 * or sees this session, and a password that was changed meanwhile opens nothing (`invalid-credentials`).
 */
export async function openSession(worker: AuthWorker, { id, password_hash }: Person, client: Client): Promise<SignedIn> {
  const { person, sessionId } = await worker.db.tx(async (tx) => {
    const current = await sharePerson(tx, id)
    if (current?.password_hash !== password_hash) throw problem('invalid-credentials', 'The e-mail address or the password is not right.')
    return { person: current, sessionId: await writeSession(tx, current, client) }
  })
  return signedIn(worker, person, sessionId, client)
}

/**
 * Gives a refresh token's successor. A token that was used before ends its session, access tokens included, unless its successor
 * was given moments ago and is unused. Throws `token-expired` for whatever is not good.
 */
export async function refreshSession(worker: AuthWorker, refreshToken: string, client: Client): Promise<SignedIn> {
  const token = readRefreshToken(refreshToken)
  if (!token) throw signedOut()
  const { sessionId, generation } = token
  const rotation = await worker.db.tx(async (tx) => {
    const result = await rotate(tx, sessionId, generation, client, REFRESH_SECONDS, GRACE_SECONDS)
    if (result.outcome === 'reused') await securityEvent(tx, result.personId, 'refresh_reused', result.personId, sessionId)
    return result
  })
  if (rotation.outcome === 'dead') throw signedOut()
  if (rotation.outcome === 'reused') {
    wroteOutbox(worker.broker, 'auth')
    await endEntry(worker.keys, sessionKey(sessionId), rotation.personId)
    throw signedOut()
  }
  const [person] = await personsById(worker.db, [rotation.personId])
  if (!person || !(await publishEntry(worker.keys, sessionKey(sessionId), entryOf(person, sessionId)))) throw signedOut()
  return tokensOf(person, sessionId, generation + 1)
}

/** Ends one session on every node at once; throws `not-found` when it is not the person's. Safe to repeat after a crash half way. */
export async function closeSession(worker: AuthWorker, personId: string, sessionId: string): Promise<void> {
  const outcome = await worker.db.tx(async (tx) => {
    const ended = await endSession(tx, sessionId, personId)
    if (ended === 'ended') await securityEvent(tx, personId, 'session_ended', personId, sessionId)
    return ended
  })
  if (outcome !== 'unknown') await endEntry(worker.keys, sessionKey(sessionId), personId)
  if (outcome === 'unknown') throw problem('not-found', 'There is no such session.')
  wroteOutbox(worker.broker, 'auth')
}

/** What the audit trail keeps of a change to who may sign in. */
export type SecurityChange = 'password' | 'email' | 'roles' | 'totp_on' | 'totp_off' | 'session_ended' | 'refresh_reused' | 'api_key_added' | 'api_key_removed'

export const securityEvent = (tx: Queryable, userId: string, change: SecurityChange, by: string, detail: string | null): Promise<void> =>
  appendEvents(tx, 'auth', [{ topic: 'user_security_changed', aggregate: `user/${userId}`, body: { userId, change, by, detail, at: now() } }])
