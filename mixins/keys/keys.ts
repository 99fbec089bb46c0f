import { Database, databaseUrl } from '../postgres/database.ts'
import { Leases } from '../primitives/lease.ts'
import { RedisServer } from '../redis/server.ts'
import { setting } from '../settings/settings.ts'
import type { KeysStore } from './port.ts'
import { PostgresKeys } from './postgres-keys.ts'
import { RedisKeys } from './redis-keys.ts'

/** A keys store that its user closes. */
export type OpenKeys = KeysStore & { close(): Promise<void> }

const stores = new Leases<OpenKeys>(
  (url) => (/^rediss?:/.test(url) ? new RedisKeys(new RedisServer(url, { pipelined: true })) : new PostgresKeys(new Database(url, 'keys'))),
  (store) => store.close()
)

/**
 * The keys store that the configuration names: Redis where REDIS_URL is set, else PostgreSQL. All users in a thread share one, so that
 * their requests batch together; open it in `created`, close it in `stopped`.
 */
export function openKeys(): OpenKeys {
  const { value: store, release } = stores.take(setting('REDIS_URL') ?? databaseUrl('keys'))
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
