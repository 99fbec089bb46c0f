import { Database, databaseUrl } from '../postgres/database.ts'
import { Leases } from '../primitives/lease.ts'
import { setting } from '../settings/settings.ts'
import type { KeysStore } from './port.ts'
import { PostgresKeys } from './postgres-keys.ts'

/** A keys store that its user closes. */
export type OpenKeys = KeysStore & { close(): Promise<void> }

const stores = new Leases(
  (url) => new PostgresKeys(new Database(url, 'keys')),
  (store) => store.close()
)

/**
 * The keys store that the configuration names: PostgreSQL. All users in a thread share one, so that their requests batch together;
 * open it in `created`, close it in `stopped`. Throws when REDIS_URL is set: there is no Redis adapter yet.
 */
export function openKeys(): OpenKeys {
  if (setting('REDIS_URL')) throw new Error('REDIS_URL is set, but keys are not yet kept in Redis: unset it to keep them in PostgreSQL')
  const { value: store, release } = stores.take(databaseUrl('keys'))
  return {
    get: (keys) => store.get(keys),
    set: (key, value, ttlMs, options) => store.set(key, value, ttlMs, options),
    del: (keys) => store.del(keys),
    hit: (key, windowMs, limit) => store.hit(key, windowMs, limit),
    close: release
  }
}

/** Gives a service `this.keys`: there from `created` on, closed when the service has stopped. */
export const withKeys = () => ({
  created(this: { keys: OpenKeys }) {
    this.keys = openKeys()
  },
  async stopped(this: { keys: OpenKeys }) {
    await this.keys.close()
  }
})
