import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrate } from '../../mixins/postgres/migrate.ts'

/** Makes a schema with nothing but the tables of actors (and `extra` SQL) in the database at `url`, as migrations would. */
export async function createActorSchema(url: string, schema: string, extra = ''): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'souk-schema-'))
  try {
    const folder = join(root, schema, 'migrations')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `001_${schema}.sql`), `-- schema: ${schema}\n-- uses: actor, outbox, idempotency\n${extra}`)
    await migrate({ main: url, orders: [] }, [root], fileURLToPath(new URL('../../mixins', import.meta.url)))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
