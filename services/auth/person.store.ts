import type { Database, Queryable } from '../../mixins/postgres/database.ts'
import type { Role } from '../../mixins/runtime/service.ts'
import type { Subscription, User } from './auth.contract.ts'

/** A person as the store has them. */
export interface Person {
  id: string
  email: string
  email_key: string
  name: string
  password_hash: string
  roles: Role[]
  site: string
  version: number
  subscription: Subscription | null
  totp_secret: string | null
  totp_pending: string | null
}

const COLUMNS = 'id, email, email_key, name, password_hash, roles, site, version, subscription, totp_secret, totp_pending'

/** What accounts are told apart by: one form of an address, whatever case and composition it was typed in. */
export const emailKey = (email: string): string => email.trim().normalize('NFC').toLowerCase()

export const shownSubscription = (subscription: Subscription | null): Subscription | null =>
  subscription && { id: subscription.id, plan: subscription.plan, status: subscription.status, renewsAt: subscription.renewsAt }

export const toUser = ({ id, email, name, roles, subscription }: Person): User => ({
  id,
  email,
  name,
  roles,
  subscription: shownSubscription(subscription)
})

export interface NewPerson {
  id: string
  email: string
  name: string
  passwordHash: string
  roles: readonly Role[]
  site: string
  demo: boolean
}

/** Inserts a person; null when the address has an account. */
export async function insertPerson(tx: Queryable, { id, email, name, passwordHash, roles, site, demo }: NewPerson): Promise<Person | null> {
  const rows = await tx.query<Person>(
    `INSERT INTO auth.person (id, email, email_key, name, password_hash, roles, site, demo) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (email_key) DO NOTHING RETURNING ${COLUMNS}`,
    [id, email, emailKey(email), name, passwordHash, roles, site, demo]
  )
  return rows[0] ?? null
}

export async function personByEmail(db: Queryable, email: string): Promise<Person | null> {
  const rows = await db.query<Person>(`SELECT ${COLUMNS} FROM auth.person WHERE email_key = $1`, [emailKey(email)])
  return rows[0] ?? null
}

export async function personsById(db: Queryable, ids: readonly string[]): Promise<Person[]> {
  return db.query<Person>(`SELECT ${COLUMNS} FROM auth.person WHERE id = ANY($1)`, [ids])
}

/** A person, kept as they are until the transaction ends. */
export async function lockPerson(tx: Queryable, id: string): Promise<Person | null> {
  const rows = await tx.query<Person>(`SELECT ${COLUMNS} FROM auth.person WHERE id = $1 FOR NO KEY UPDATE`, [id])
  return rows[0] ?? null
}

/** The same for those who only need that roles stay: several may hold it at once. */
export async function sharePerson(tx: Queryable, id: string): Promise<Person | null> {
  const rows = await tx.query<Person>(`SELECT ${COLUMNS} FROM auth.person WHERE id = $1 FOR SHARE`, [id])
  return rows[0] ?? null
}

/** Sets what people call themselves; rejects with a unique violation when the address has another account. */
export async function setProfile(tx: Queryable, id: string, { name, email }: { name: string; email: string }): Promise<Person> {
  const [row] = await tx.query<Person>(`UPDATE auth.person SET name = $2, email = $3, email_key = $4 WHERE id = $1 RETURNING ${COLUMNS}`, [id, name, email, emailKey(email)])
  return row!
}

export async function setPassword(tx: Queryable, id: string, passwordHash: string): Promise<void> {
  await tx.query('UPDATE auth.person SET password_hash = $2 WHERE id = $1', [id, passwordHash])
}

/** Sets roles and counts the version up, by which copies in the keys store are compared. */
export async function setRoles(tx: Queryable, id: string, roles: readonly Role[]): Promise<Person> {
  const [row] = await tx.query<Person>(`UPDATE auth.person SET roles = $2, version = version + 1 WHERE id = $1 RETURNING ${COLUMNS}`, [id, roles])
  return row!
}

/** Sets a subscription unless a newer version was set before. */
export async function setSubscription(db: Queryable, id: string, subscription: Subscription | null, version: number): Promise<void> {
  await db.query('UPDATE auth.person SET subscription = $2, subscription_version = $3 WHERE id = $1 AND subscription_version < $3', [id, subscription === null ? null : JSON.stringify(subscription), version])
}

export async function setTotpPending(db: Queryable, id: string, sealed: string): Promise<void> {
  await db.query('UPDATE auth.person SET totp_pending = $2 WHERE id = $1', [id, sealed])
}

/** Makes the pending secret the one that counts, taking the time step of the code that proved it. False when it is not pending any more. */
export async function activateTotp(tx: Queryable, id: string, sealed: string, step: number): Promise<boolean> {
  const rows = await tx.query(
    'UPDATE auth.person SET totp_secret = totp_pending, totp_pending = NULL, totp_step = $3 WHERE id = $1 AND totp_pending = $2 RETURNING id',
    [id, sealed, step]
  )
  return rows.length > 0
}

/** True when there was one. */
export async function clearTotp(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx.query<{ had: boolean }>(
    `UPDATE auth.person p SET totp_secret = NULL, totp_pending = NULL FROM auth.person old WHERE p.id = $1 AND old.id = p.id RETURNING old.totp_secret IS NOT NULL AS had`,
    [id]
  )
  return rows[0]?.had ?? false
}

/** Takes a time step once: false when this or a later one was taken. */
export async function takeTotpStep(db: Queryable, id: string, step: number): Promise<boolean> {
  const rows = await db.query('UPDATE auth.person SET totp_step = $2 WHERE id = $1 AND totp_step < $2 RETURNING id', [id, step])
  return rows.length > 0
}

/** People by the start of their address, in its order, from after `after`. */
export async function listPersons(db: Queryable, prefix: string, after: string | null, limit: number): Promise<Person[]> {
  const pattern = `${emailKey(prefix).replaceAll(/[\\%_]/g, '\\$&')}%`
  return db.query<Person>(`SELECT ${COLUMNS} FROM auth.person WHERE email_key LIKE $1 AND ($2::text IS NULL OR email_key COLLATE "C" > $2) ORDER BY email_key COLLATE "C" LIMIT $3`, [pattern, after, limit])
}

export async function hasDemoAccounts(db: Database): Promise<boolean> {
  const rows = await db.query('SELECT 1 FROM auth.person WHERE demo LIMIT 1')
  return rows.length > 0
}
