import { indexVersion } from '../../services/search/product-index.ts'
import { paged, type Books } from './books.ts'
import type { Findings, Invariant } from './invariant.ts'

/** Seconds a change may take to be found. */
const BOUND_SECONDS = 20

interface Sold extends Record<string, unknown> {
  id: string
  version: number
  isSold: boolean
  hasMoved: boolean
}

const PRODUCT = `SELECT id, version::float8 AS version, status = 'active' AND offer_id IS NOT NULL AS "isSold", updated_at > now() - make_interval(secs => ${BOUND_SECONDS}) AS "hasMoved" FROM product.product`

type Indexed = { id: string; version: number }

/** Every product that is for sale, and every one that is found, in the live generation of the index. */
async function lookAtIndex(books: Books, found: Findings): Promise<void> {
  const [index, products] = [books.of('search'), books.of('product')]
  if (!(await books.hasTable('search', 'generation'))) return
  const [live] = await index<{ slot: 'a' | 'b' }>(`SELECT slot FROM search.generation WHERE index = 'product' AND state = 'live'`)
  if (!live) return
  const entries = `SELECT id, version::float8 AS version FROM search.product_${live.slot} WHERE NOT removed`
  const sold = (after: string, limit: number): Promise<Sold[]> => products(`${PRODUCT} WHERE status = 'active' AND offer_id IS NOT NULL AND id COLLATE "C" > $1 ORDER BY id COLLATE "C" LIMIT $2`, [after, limit])
  for await (const page of paged('id', sold)) {
    const rows = await index<Indexed>(`${entries} AND id = ANY($1)`, [page.map((p) => p.id)])
    const versions = new Map(rows.map((r) => [r.id, Math.floor(r.version / indexVersion(1))]))
    for (const { id, version, hasMoved } of page) {
      if (!hasMoved) found.expect(versions.get(id) === version, () => `product ${id} is at version ${version}, ${versions.has(id) ? `found at ${versions.get(id)}` : 'not found'}`)
    }
  }
  const indexed = (after: string, limit: number): Promise<Indexed[]> => index(`${entries} AND id COLLATE "C" > $1 ORDER BY id COLLATE "C" LIMIT $2`, [after, limit])
  for await (const page of paged('id', indexed)) {
    const known = new Map((await products<Sold>(`${PRODUCT} WHERE id = ANY($1)`, [page.map((p) => p.id)])).map((p) => [p.id, p]))
    for (const { id } of page) found.expect(known.get(id)?.isSold || known.get(id)?.hasMoved || false, () => `product ${id} is found, but not sold`)
  }
}

const searchable: Invariant = {
  number: 21,
  name: 'search agrees with the catalogue, but for the last moments',
  look: (books, found) => ({ finish: () => lookAtIndex(books, found) })
}

export const catalogue: Invariant[] = [searchable]
