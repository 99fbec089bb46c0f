import { indexVersion } from '../../services/search/product-index.ts'
import { Findings, skipped, type Invariant } from './invariant.ts'

/** Seconds a change may take to be found. */
const BOUND_SECONDS = 20

const searchable: Invariant = {
  number: 21,
  name: 'search agrees with the catalogue, but for the last moments',
  async check(books) {
    if (!(await books.hasTable('search.generation'))) return skipped('the index is not in PostgreSQL')
    const [live] = await books.main<{ slot: 'a' | 'b' }>(`SELECT slot FROM search.generation WHERE index = 'product' AND state = 'live'`)
    if (!live) return skipped('there is no index yet')
    const found = new Findings()
    const rows = await books.main<{ id: string; version: number | null; indexed: number | null }>(
      `SELECT coalesce(p.id, i.id) AS id, p.version, i.version::float8 AS indexed
       FROM (SELECT id, version, updated_at FROM product.product WHERE status = 'active' AND offer_id IS NOT NULL) p
       FULL JOIN (SELECT id, version FROM search.product_${live.slot} WHERE NOT removed) i ON i.id = p.id
       WHERE NOT EXISTS (SELECT FROM product.product r WHERE r.id = coalesce(p.id, i.id) AND r.updated_at > now() - make_interval(secs => $1))`,
      [BOUND_SECONDS]
    )
    for (const { id, version, indexed } of rows) {
      if (version === null) found.expect(false, () => `product ${id} is found, but not sold`)
      else found.expect(indexed !== null && indexed >= indexVersion(version) && indexed < indexVersion(version + 1), () => `product ${id} is at version ${version}, ${indexed === null ? 'not found' : `found at ${Math.floor(indexed / indexVersion(1))}`}`)
    }
    return found.result
  }
}

export const catalogue: Invariant[] = [searchable]
