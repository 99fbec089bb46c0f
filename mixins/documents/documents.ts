import { Database, databaseUrl } from '../postgres/database.ts'
import { setting } from '../settings/settings.ts'
import type { Collection, Document, DocumentStore } from './port.ts'
import { PostgresDocuments } from './postgres-documents.ts'

/** A document store that its user closes. */
export type OpenDocuments<T extends Document> = DocumentStore<T> & {
  /** Resolves when the collection and its indexes are there; every other call waits for it too. */
  ready(): Promise<void>
  close(): Promise<void>
}

/**
 * A collection of the service that owns `schema`, in the engine that the configuration names: PostgreSQL (the service has a
 * migration for its schema; table and indexes follow from the declaration). Open it in `created`, close it in `stopped`.
 * Throws when MONGODB_URL is set: there is no MongoDB adapter yet.
 */
export function openDocuments<T extends Document>(schema: string, collection: Collection): OpenDocuments<T> {
  if (setting('MONGODB_URL')) throw new Error('MONGODB_URL is set, but documents are not yet kept in MongoDB: unset it to keep them in PostgreSQL')
  return new PostgresDocuments<T>(new Database(databaseUrl(schema), schema), collection)
}
