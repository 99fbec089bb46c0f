import { Database, databaseUrl } from '../postgres/database.ts'
import { Leases } from '../primitives/lease.ts'
import { setting } from '../settings/settings.ts'
import { connectElastic } from './elastic-client.ts'
import { ElasticSearch } from './elastic-search.ts'
import type { IndexDefinition, SearchIndex } from './port.ts'
import { PostgresSearch } from './postgres-search.ts'

/** One client for all indexes of a thread. */
const clients = new Leases(connectElastic, (client) => client.close())

/** An index in the search engine that the configuration names: Elasticsearch where ELASTICSEARCH_URL is set, else PostgreSQL. Its user closes it. */
export function openSearchIndex(definition: IndexDefinition): SearchIndex {
  const urls = setting('ELASTICSEARCH_URL')
  if (!urls) return new PostgresSearch(new Database(databaseUrl('search'), 'search'), definition)
  const { value: client, release } = clients.take(urls)
  return new ElasticSearch(client, definition, release)
}
