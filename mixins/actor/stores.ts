import { Database, databaseUrl } from '../postgres/database.ts'
import { RedisServer } from '../redis/server.ts'
import { setting } from '../settings/settings.ts'
import { PostgresActors } from './postgres-actors.ts'
import { RedisActors } from './redis-actors.ts'
import type { ActorStores } from './types.ts'

/** Actors in one schema of one PostgreSQL database, whose migrations use `actor, outbox, idempotency`. */
export const postgresStores = (schema: string) => (): ActorStores => sharded(schema, [databaseUrl(schema)], () => 0)

/** Actors of one schema spread over several databases; `shardOf` gives the index of a key's database, the same for ever. */
export const shardedPostgresStores = (schema: string, urls: () => readonly string[], shardOf: (key: string) => number) => (): ActorStores =>
  sharded(schema, urls(), shardOf)

/**
 * Actors in Redis where REDIS_URL is set, else in one PostgreSQL schema: for types that need no writes beside their state and no
 * operation that is unique over several actors.
 */
export const redisOrPostgresStores = (schema: string) => (): ActorStores => {
  const url = setting('REDIS_URL')
  return url ? redisStores(url) : postgresStores(schema)()
}

function redisStores(url: string): ActorStores {
  const server = new RedisServer(url)
  const store = new RedisActors(server)
  return { all: [store], of: () => store, close: () => server.close() }
}

function sharded(schema: string, urls: readonly string[], shardOf: (key: string) => number): ActorStores {
  const databases = urls.map((url) => new Database(url, schema))
  const all = databases.map((db) => new PostgresActors(db))
  return {
    all,
    of(key) {
      const store = all[shardOf(key)]
      if (!store) throw new Error(`the key ${key} belongs to database ${shardOf(key)} of ${schema}, and there are ${all.length}`)
      return store
    },
    async close() {
      await Promise.all(databases.map((db) => db.close()))
    }
  }
}
