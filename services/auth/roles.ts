import { apiKeyKey, publishEntry, sessionKey } from '../../mixins/access/sessions.ts'
import { wroteOutbox } from '../../mixins/outbox/hint.ts'
import type { Role } from '../../mixins/runtime/service.ts'
import { livingKeys } from './api-key.store.ts'
import type { User } from './auth.contract.ts'
import { lockPerson, setRoles, toUser } from './person.store.ts'
import { liveSessions } from './session.store.ts'
import { securityEvent } from './sign-in.ts'
import { checkTag, noSuchPerson, type AuthWorker } from './worker-state.ts'

/** Everybody is a shopper. */
export const withShopper = (roles: readonly Role[]): Role[] => [...new Set<Role>(['shopper', ...roles])]

/** Sets a person's roles, and makes them hold in every session and API key before it answers. */
export async function changeRoles(worker: AuthWorker, userId: string, by: string, next: (roles: readonly Role[]) => readonly Role[], ifMatch?: string): Promise<User> {
  const { person, sessions, keys } = await worker.db.tx(async (tx) => {
    const old = await lockPerson(tx, userId)
    if (!old) throw noSuchPerson()
    checkTag(ifMatch, toUser(old))
    const roles = withShopper(next(old.roles))
    const same = roles.length === old.roles.length && roles.every((role) => old.roles.includes(role))
    const changed = same ? old : await setRoles(tx, userId, roles)
    if (!same) await securityEvent(tx, userId, 'roles', by, roles.join(' '))
    return { person: changed, sessions: await liveSessions(tx, userId), keys: await livingKeys(tx, userId) }
  })
  const entry = { userId, roles: person.roles, site: person.site, version: person.version }
  await Promise.all([
    ...sessions.map((id) => publishEntry(worker.keys, sessionKey(id), { ...entry, sessionId: id })),
    ...keys.map((key) => publishEntry(worker.keys, apiKeyKey(key.digest), { ...entry, sessionId: `key.${key.id}` }))
  ])
  wroteOutbox(worker.broker, 'auth')
  return toUser(person)
}
