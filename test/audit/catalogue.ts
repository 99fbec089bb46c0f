import { indexVersion } from '../../services/search/product-index.ts'
import type { Books } from './books.ts'
import type { Findings, Invariant } from './invariant.ts'

/** Seconds a change may take to be found. */
const BOUND_SECONDS = 20

const compared = (slot: 'a' | 'b'): string => `FROM (SELECT id, version, updated_at FROM product.product WHERE status = 'active' AND offer_id IS NOT NULL) p
  FULL JOIN (SELECT id, version FROM search.product_${slot} WHERE NOT removed) i ON i.id = p.id
  WHERE NOT EXISTS (SELECT FROM product.product r WHERE r.id = coalesce(p.id, i.id) AND r.updated_at > now() - make_interval(secs => $1))`

async function lookAtIndex(books: Books, found: Findings): Promise<void> {
  if (!(await books.hasTable('search.generation'))) return
  const [live] = await books.main<{ slot: 'a' | 'b' }>(`SELECT slot FROM search.generation WHERE index = 'product' AND state = 'live'`)
  if (!live) return
  const [all] = await books.main<{ n: number }>(`SELECT count(*)::int AS n ${compared(live.slot)}`, [BOUND_SECONDS])
  found.looked(all!.n)
  const wrong = await books.main<{ id: string; version: number | null; indexed: number | null }>(
    `SELECT coalesce(p.id, i.id) AS id, p.version::float8 AS version, i.version::float8 AS indexed ${compared(live.slot)}
       AND (p.version IS NULL OR i.version IS NULL OR i.version::float8 < p.version * $2::float8 OR i.version::float8 >= (p.version + 1) * $2::float8)`,
    [BOUND_SECONDS, indexVersion(1)]
  )
  for (const { id, version, indexed } of wrong) {
    found.violation(version === null ? `product ${id} is found, but not sold` : `product ${id} is at version ${version}, ${indexed === null ? 'not found' : `found at ${Math.floor(indexed / indexVersion(1))}`}`)
  }
}

const searchable: Invariant = {
  number: 21,
  name: 'search agrees with the catalogue, but for the last moments',
  look: (books, found) => ({ finish: () => lookAtIndex(books, found) })
}

export const catalogue: Invariant[] = [searchable]
