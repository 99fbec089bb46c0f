import type { KeysStore } from '../keys/port.ts'
import type { Role } from '../runtime/service.ts'

/**
 * What lies in the keys store for each live session and API key, read on every request that presents one: missing or ended is dead.
 * The truth is the auth domain's own store; `version` (the person's) makes sure that an older copy never replaces a newer one.
 */
export interface SessionEntry {
  userId: string
  /** `<session id>`, or `key.<id>` of an API key. */
  sessionId: string
  roles: Role[]
  site: string
  version: number
  ended?: true
}

/** Longer than an access token lives, so a live session's entry outlives every token made with it. */
export const ENTRY_MS = 15 * 60_000

export const sessionKey = (sessionId: string): string => `session:${sessionId}`

/** `digest` is that of the whole key text. */
export const apiKeyKey = (digest: string): string => `api-key:${digest}`

/**
 * Publishes an entry unless the key has ended or holds a newer version, whose life it prolongs then. Answers false when it has ended.
 * Safe against any order of concurrent publishes and `endEntry`: compare-and-set on what was read, and ended stays ended.
 */
export async function publishEntry(keys: KeysStore, key: string, entry: SessionEntry): Promise<boolean> {
  for (;;) {
    const [found] = await keys.get([key])
    const current = found?.value as SessionEntry | undefined
    if (current?.ended) return false
    const next = current && current.version > entry.version ? current : entry
    if ((await keys.set(key, { ...next }, ENTRY_MS, { ifVersion: found?.version ?? 0 })) !== null) return true
  }
}

/** Ends a key on every node at once. The mark stays as long as any publisher may be under way and any token of it may live. */
export const endEntry = async (keys: KeysStore, key: string, userId: string): Promise<void> => {
  await keys.set(key, { userId, ended: true }, ENTRY_MS)
}
