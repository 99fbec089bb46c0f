import { Database, databaseUrl } from '../postgres/database.ts'
import { setting } from '../settings/settings.ts'
import type { IndexDefinition, SearchIndex } from './port.ts'
import { PostgresSearch } from './postgres-search.ts'

/**
 * An index in the search engine that the configuration names: PostgreSQL. Its user closes it. Throws when ELASTICSEARCH_URL is set:
 * there is no adapter for it yet.
 */
export function openSearchIndex(definition: IndexDefinition): SearchIndex {
  if (setting('ELASTICSEARCH_URL')) throw new Error('ELASTICSEARCH_URL is set, but indexes are not yet kept in Elasticsearch: unset it to keep them in PostgreSQL')
  return new PostgresSearch(new Database(databaseUrl('search'), 'search'), definition)
}
