import { Database, databaseUrl } from '../postgres/database.ts'
import { Leases } from '../primitives/lease.ts'
import { setting } from '../settings/settings.ts'
import { connectMongo, MongoDocuments } from './mongo-documents.ts'
import type { Collection, Document, DocumentStore } from './port.ts'
import { PostgresDocuments } from './postgres-documents.ts'

/** A document store that its user closes. */
export type OpenDocuments<T extends Document> = DocumentStore<T> & {
  /** Resolves when the collection and its indexes are there; every other call waits for it too. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** One client for all collections of a thread. */
const clients = new Leases(connectMongo, (client) => client.close())

/**
 * A collection of the service that owns `schema`, in the engine that the configuration names: MongoDB where MONGODB_URL is set, else
 * PostgreSQL (the service has a migration for its schema). Table or collection, and indexes, follow from the declaration. Open it in
 * `created`, close it in `stopped`.
 */
export function openDocuments<T extends Document>(schema: string, collection: Collection): OpenDocuments<T> {
  const url = setting('MONGODB_URL')
  if (url) {
    const { value: client, release } = clients.take(url)
    return Object.assign(new MongoDocuments<T>(client, schema, collection), { close: release })
  }
  return new PostgresDocuments<T>(new Database(databaseUrl(schema), schema), collection)
}
