import { endEntry, sessionKey } from '../../mixins/access/sessions.ts'
import { counter } from '../../mixins/metrics/registry.ts'
import { wroteOutbox } from '../../mixins/outbox/hint.ts'
import { appendEvents } from '../../mixins/outbox/outbox.ts'
import { isUniqueViolation, type Queryable } from '../../mixins/postgres/database.ts'
import { digest, newId } from '../../mixins/primitives/ids.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import type { Role } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import type { SignedIn, User } from './auth.contract.ts'
import { checkNewPassword } from './passwords.ts'
import { emailKey, insertPerson, lockPerson, personByEmail, setPassword, setProfile, toUser, type NewPerson, type Person } from './person.store.ts'
import { proveIdentity } from './prove-identity.ts'
import { withShopper } from './roles.ts'
import { endOtherSessions } from './session.store.ts'
import { openSession, securityEvent, signedIn, writeSession, type Client } from './sign-in.ts'
import { checkTag, noSuchPerson, now, personOf, type AuthWorker } from './worker-state.ts'

const signIns = counter('souk_sign_ins_total', 'Attempts to sign in, by outcome; a registration signs in too')
const outcomes = { registered: signIns.with({ outcome: 'registered' }), right: signIns.with({ outcome: 'right' }), wrong: signIns.with({ outcome: 'wrong' }) }

const wrongCredentials = (): Error => problem('invalid-credentials', 'The e-mail address or the password is not right.')
const emailTaken = (): Error => problem('email-taken', 'This e-mail address has an account: sign in, or take another.')

const registered = (tx: Queryable, { id, site }: Person): Promise<void> =>
  appendEvents(tx, 'auth', [{ topic: 'user_registered', aggregate: `user/${id}`, body: { userId: id, site, at: now() } }])

/** Makes an account and signs it in: one commit. Throws `email-taken`. */
export async function register(worker: AuthWorker, { email, password, name }: { email: string; password: string; name: string }, client: Client): Promise<SignedIn> {
  checkNewPassword('password', password, email)
  if (await personByEmail(worker.db, email)) throw emailTaken() // spares the hash; the unique index decides
  const newPerson: NewPerson = { id: newId(), email, name, passwordHash: await worker.passwords.hash(password), roles: ['shopper'], site: setting('SOUK_SITE'), demo: false }
  const { person, sessionId } = await worker.db.tx(async (tx) => {
    const inserted = await insertPerson(tx, newPerson)
    if (!inserted) throw emailTaken()
    await registered(tx, inserted)
    return { person: inserted, sessionId: await writeSession(tx, inserted, client) }
  })
  outcomes.registered.add()
  return signedIn(worker, person, sessionId, client)
}

/** Signs in by password; an unknown address and a wrong password cannot be told apart, by answer, by time or by limit. */
export async function login(worker: AuthWorker, email: string, password: string, client: Client): Promise<SignedIn> {
  const person = await personByEmail(worker.db, email)
  const right = await worker.attempts.on(`login:${digest(emailKey(email))}`, () => worker.passwords.verify(password, person?.password_hash ?? null))
  if (!person || !right) {
    outcomes.wrong.add()
    throw wrongCredentials()
  }
  outcomes.right.add()
  return openSession(worker, person, client)
}

/** Accounts of the demo marketplace, whose password everybody knows; those that are there stay as they are. */
export async function seedAccounts(worker: AuthWorker, accounts: readonly { email: string; password: string; name: string; roles: readonly Role[] }[]): Promise<{ email: string; userId: string }[]> {
  if (!setting('SOUK_DEMO')) throw problem('forbidden', 'Demo accounts are not made in production (SOUK_DEMO=0).')
  const items = []
  for (const { email, password, name, roles } of accounts) {
    const known = await personByEmail(worker.db, email)
    items.push({ email, userId: known?.id ?? (await seedAccount(worker, { id: newId(), email, name, passwordHash: await worker.passwords.hash(password), roles: withShopper(roles), site: setting('SOUK_SITE'), demo: true })) })
  }
  wroteOutbox(worker.broker, 'auth')
  return items
}

async function seedAccount(worker: AuthWorker, account: NewPerson): Promise<string> {
  return worker.db.tx(async (tx) => {
    const inserted = await insertPerson(tx, account)
    if (inserted) await registered(tx, inserted)
    return (inserted ?? (await personByEmail(tx, account.email))!).id
  })
}

/** Changes name and address; another address needs the password. Throws `version-conflict` when `ifMatch` is not the profile's tag. */
export async function updateProfile(worker: AuthWorker, userId: string, change: { name?: string | undefined; email?: string | undefined; password?: string | undefined; ifMatch?: string | undefined }): Promise<User> {
  const { email, password } = change
  if (email !== undefined) {
    if (password === undefined) throw invalidField('password', 'required', 'is needed to change the e-mail address')
    await proveIdentity(worker, userId, 'password', password)
  }
  try {
    const person = await worker.db.tx(async (tx) => {
      const old = await lockPerson(tx, userId)
      if (!old) throw noSuchPerson()
      checkTag(change.ifMatch, toUser(old))
      const changed = await setProfile(tx, userId, { name: change.name ?? old.name, email: email ?? old.email })
      if (changed.email_key !== old.email_key) await securityEvent(tx, userId, 'email', userId, null)
      return changed
    })
    wroteOutbox(worker.broker, 'auth')
    return toUser(person)
  } catch (error) {
    throw isUniqueViolation(error) ? emailTaken() : error
  }
}

/** Sets a new password and ends every other session at once. */
export async function changePassword(worker: AuthWorker, userId: string, sessionId: string, currentPassword: string, newPassword: string): Promise<void> {
  await proveIdentity(worker, userId, 'password', currentPassword)
  const { email } = await personOf(worker, userId)
  checkNewPassword('newPassword', newPassword, email)
  const hash = await worker.passwords.hash(newPassword)
  const ended = await worker.db.tx(async (tx) => {
    await lockPerson(tx, userId)
    await setPassword(tx, userId, hash)
    await securityEvent(tx, userId, 'password', userId, null)
    return endOtherSessions(tx, userId, sessionId)
  })
  await Promise.all(ended.map((id) => endEntry(worker.keys, sessionKey(id), userId)))
  wroteOutbox(worker.broker, 'auth')
}
