import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startPostgres, type EmbeddedPostgres } from '../infra/embedded/postgres.ts'
import { reachableDirectory } from '../infra/embedded/unprivileged.ts'
import { migrate } from '../mixins/postgres/migrate.ts'

declare global {
  var soukPostgres: { server: EmbeddedPostgres; files: readonly string[] } | undefined
}

const root = fileURLToPath(new URL('../', import.meta.url))

/** Migrated once; every test file's databases are copies of these. */
async function makeTemplates(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${url}/postgres` })
  await client.connect()
  await client.query('CREATE DATABASE template_main')
  await client.query('CREATE DATABASE template_orders')
  await client.end()
  await migrate({ main: `${url}/template_main`, orders: [`${url}/template_orders`] }, [`${root}services`, `${root}mixins`], `${root}mixins`)
}

/** One PostgreSQL for the whole run. Nothing here survives, so it does not sync. */
export default async function setup(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'souk-test-'))
  chmodSync(dir, 0o755)
  const data = reachableDirectory(join(dir, 'postgres'))
  const server = await startPostgres({ dir: data, settings: ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=300'] })
  globalThis.soukPostgres = { server, files: [dir, data, `${data}.secret`] }
  await makeTemplates(server.url).catch(async (error: unknown) => {
    await server.stop() // a setup that fails is not torn down
    throw error
  })
  process.env['SOUK_TEST_POSTGRES'] = server.url
  process.env['SOUK_JWT_KEY'] ??= generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
}
