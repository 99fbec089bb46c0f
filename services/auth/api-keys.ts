import { apiKeyOf } from '../../mixins/access/opaque.ts'
import { apiKeyKey, endEntry, publishEntry } from '../../mixins/access/sessions.ts'
import { idempotently } from '../../mixins/idempotency/idempotency.ts'
import { wroteOutbox } from '../../mixins/outbox/hint.ts'
import { digest, newId } from '../../mixins/primitives/ids.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { Ctx } from '../../mixins/runtime/service.ts'
import { insertApiKey, removeApiKey, useApiKey, type ApiKey } from './api-key.store.ts'
import { lockPerson } from './person.store.ts'
import { securityEvent } from './sign-in.ts'
import type { AuthWorker } from './worker-state.ts'

const KEYS_MAX = 20

export const toApiKey = ({ id, name, created_at, last_used_at }: ApiKey) => ({ id, name, createdAt: created_at, lastUsedAt: last_used_at })

/** Makes an API key. What is recorded for a repetition of the request is the key's id, from which its text is made again. */
export async function addApiKey(worker: AuthWorker, ctx: Ctx, userId: string, name: string) {
  const made = await idempotently(ctx, worker.db, 201, async (tx) => {
    await lockPerson(tx, userId)
    const id = newId()
    const inserted = await insertApiKey(tx, id, userId, name, digest(apiKeyOf(id)), KEYS_MAX)
    if (!inserted) throw problem('conflict', `A person has ${KEYS_MAX} API keys at most: remove one first.`)
    await securityEvent(tx, userId, 'api_key_added', userId, id)
    return toApiKey(inserted)
  })
  wroteOutbox(worker.broker, 'auth')
  return { ...made, key: apiKeyOf(made.id) }
}

/** Ends an API key on every node at once. Safe to repeat after a crash half way. */
export async function dropApiKey(worker: AuthWorker, userId: string, keyId: string): Promise<void> {
  const removed = await worker.db.tx(async (tx) => {
    const key = await removeApiKey(tx, keyId, userId)
    if (key?.lived) await securityEvent(tx, userId, 'api_key_removed', userId, keyId)
    return key
  })
  if (removed) await endEntry(worker.keys, apiKeyKey(removed.digest), userId)
  if (!removed?.lived) throw problem('not-found', 'There is no such API key.')
  wroteOutbox(worker.broker, 'auth')
}

/** Publishes the entry of a living API key; false when there is none. */
export async function publishApiKey(worker: AuthWorker, keyDigest: string): Promise<boolean> {
  const key = await useApiKey(worker.db, keyDigest)
  if (!key) return false
  return publishEntry(worker.keys, apiKeyKey(keyDigest), { userId: key.id, sessionId: `key.${key.key_id}`, roles: key.roles, site: key.site, version: key.version })
}
