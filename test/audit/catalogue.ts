import { indexVersion } from '../../services/search/product-index.ts'
import { NO_INDEX, paged, type Books, type Indexed } from './books.ts'
import type { Findings, Invariant } from './invariant.ts'

/** Seconds a change may take to be found. */
const BOUND_SECONDS = 20

interface Sold extends Record<string, unknown> {
  id: string
  version: number
  isSold: boolean
  hasMoved: boolean
}

type Entry = { id: string; version: number }

/** Every product that is for sale, and every one that is found, in the index that serves. */
async function lookAtIndex(books: Books, { query: index, table, leadSeconds }: Indexed, found: Findings): Promise<void> {
  const products = books.of('product')
  const product = `SELECT id, version::float8 AS version, status = 'active' AND offer_id IS NOT NULL AS "isSold", updated_at > now() - make_interval(secs => ${BOUND_SECONDS + leadSeconds}) AS "hasMoved" FROM product.product`
  const entries = `SELECT id, version FROM ${table} AS entry`
  const sold = (after: string, limit: number): Promise<Sold[]> => products(`${product} WHERE status = 'active' AND offer_id IS NOT NULL AND id COLLATE "C" > $1 ORDER BY id COLLATE "C" LIMIT $2`, [after, limit])
  for await (const page of paged('id', sold)) {
    const rows = await index<Entry>(`${entries} WHERE id = ANY($1)`, [page.map((p) => p.id)])
    const versions = new Map(rows.map((r) => [r.id, Math.floor(r.version / indexVersion(1))]))
    for (const { id, version, hasMoved } of page) {
      if (!hasMoved) found.expect(versions.get(id) === version, () => `product ${id} is at version ${version}, ${versions.has(id) ? `found at ${versions.get(id)}` : 'not found'}`)
    }
  }
  const indexed = (after: string, limit: number): Promise<Entry[]> => index(`${entries} WHERE id > $1 ORDER BY id LIMIT $2`, [after, limit])
  for await (const page of paged('id', indexed)) {
    const known = new Map((await products<Sold>(`${product} WHERE id = ANY($1)`, [page.map((p) => p.id)])).map((p) => [p.id, p]))
    for (const { id } of page) found.expect(known.get(id)?.isSold || known.get(id)?.hasMoved || false, () => `product ${id} is found, but not sold`)
  }
}

const searchable: Invariant = {
  number: 21,
  name: 'search agrees with the catalogue, but for the last moments',
  look: (books, found) => (books.index ? { finish: () => lookAtIndex(books, books.index!, found) } : NO_INDEX)
}

export const catalogue: Invariant[] = [searchable]
