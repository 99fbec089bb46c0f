import type { ServiceThis } from '../runtime/service.ts'
import { Database, databaseUrl } from './database.ts'

/** What the mixin puts on `this`. */
export interface WithDatabase {
  db: Database
}

/** A mixin that gives a service its schema in the main database, or in the one the operator gave that schema. */
export const serviceDatabase = (schema: string) => ({
  created(this: ServiceThis<WithDatabase>) {
    this.db = new Database(databaseUrl(schema), schema)
  },

  async stopped(this: ServiceThis<WithDatabase>) {
    await this.db.close()
  }
})
