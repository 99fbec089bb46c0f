import { benchDatabase } from './reference.ts'
import type { ImportResult } from './report.ts'
import type { Inside, Startup } from './shop.ts'

const ROWS_A_STATEMENT = 200

/** How a fresh shop's catalogue got in, beside the same products as plain rows through the bare driver. */
export async function importResult(startup: Startup, { pool: poolOf, databases }: Inside): Promise<ImportResult> {
  const { rows } = await poolOf('product').query<{ id: string; doc: string }>('SELECT p.id, to_jsonb(p)::text AS doc FROM product.product p ORDER BY id LIMIT $1', [startup.products])
  const { pool, drop } = await benchDatabase(databases.main, 'CREATE TABLE product (id text PRIMARY KEY, doc jsonb NOT NULL)')
  const from = performance.now()
  for (let i = 0; i < rows.length; i += ROWS_A_STATEMENT) {
    const some = rows.slice(i, i + ROWS_A_STATEMENT)
    await pool.query('INSERT INTO product SELECT * FROM unnest($1::text[], $2::jsonb[])', [some.map(({ id }) => id), some.map(({ doc }) => doc)])
  }
  const seconds = (performance.now() - from) / 1_000
  await drop()
  return { ...startup, perSecond: startup.products / startup.seconds, reference: { what: `the same products as plain rows, ${ROWS_A_STATEMENT} a statement, bare driver`, seconds } }
}
