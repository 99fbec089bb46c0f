import type pg from 'pg'
import { ask, connectElastic, isMissing } from '../../mixins/search/elastic-client.ts'
import { aliasOf } from '../../mixins/search/elastic-generations.ts'
import { columns } from '../../mixins/postgres/database.ts'

const PAGE = 2_000

const TABLE = 'CREATE TEMP TABLE audit_indexed (id text COLLATE "C" PRIMARY KEY, version float8 NOT NULL) ON COMMIT PRESERVE ROWS'
const INSERT = 'INSERT INTO audit_indexed SELECT * FROM unnest($1::text[], $2::float8[])'

/** An index in Elasticsearch. */
export interface ElasticIndex {
  urls: string
  name: string
}

interface Entry {
  id: string
  version: number
}

/** Copies what can be found, by id and version, from Elasticsearch into a table of the session, a page at a time; an index that is not there holds nothing. */
export async function copyIndex({ urls, name }: ElasticIndex, into: pg.Client): Promise<void> {
  await into.query(TABLE)
  const client = connectElastic(urls)
  const page = async (after: string | undefined): Promise<Entry[]> => {
    const body = { query: { term: { removed: false } }, sort: [{ id: { order: 'asc' as const } }], size: PAGE, track_total_hits: false, _source: false, version: true, allow_partial_search_results: false }
    const { hits } = await ask('read', client.search({ index: aliasOf(name), ...body, ...(after === undefined ? {} : { search_after: [after] }) }))
    return hits.hits.map(({ _id, _version }) => ({ id: _id!, version: _version! }))
  }
  try {
    for (let after: string | undefined; ; ) {
      const entries = await page(after)
      await into.query(INSERT, columns(entries, ['id', 'version']))
      if (entries.length < PAGE) break
      after = entries.at(-1)!.id
    }
  } catch (error) {
    if (!isMissing(error)) throw error
  } finally {
    await client.close()
  }
  await into.query('ANALYZE audit_indexed')
}
