import { mkdtempSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, type EmbeddedPostgres } from '../infra/embedded/postgres.ts'

declare global {
  var soukPostgres: { server: EmbeddedPostgres; dir: string } | undefined
}

/** One PostgreSQL for the whole run; every test file makes databases of its own in it. Nothing here survives, so it does not sync. */
export default async function setup(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'souk-test-'))
  chmodSync(dir, 0o755)
  const server = await startPostgres({ dir: join(dir, 'postgres'), settings: ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=300'] })
  globalThis.soukPostgres = { server, dir }
  process.env['SOUK_TEST_POSTGRES'] = server.url
}
