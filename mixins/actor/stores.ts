import type { ActorStores } from './types.ts'

/** Actors in one schema of one PostgreSQL database (its migrations use `actor, outbox, idempotency`). */
export declare function postgresStores(schema: string): () => ActorStores

/** Actors of one schema spread over several databases; `shardOf` gives the index of a key's database. */
export declare function shardedPostgresStores(schema: string, urls: () => readonly string[], shardOf: (key: string) => number): () => ActorStores
