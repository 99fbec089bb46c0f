import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import pg from 'pg'
import { roleOf } from './database.ts'

// A store's schema is a folder `migrations/` of numbered .sql files beside its owner. A file's head may say
//   -- schema: orders          (first file) the schema's name; the folder's own name unless told
//   -- database: orders        (first file) `orders` = every order database; `main` unless told
//   -- uses: actor, outbox     shared tables, from mixins/<name>/tables.sql, made in this schema before the file, with what
//                              has changed in them since: tables_<number>_<what>.sql
// `{schema}` in a file stands for the schema's name.

/** Where each kind of database is. */
export interface MigrationTargets {
  main: string
  orders: readonly string[]
  /** Database of one schema that the operator gave a server of its own. */
  urlOf?: (schema: string) => string | undefined
}

interface Step {
  schema: string
  database: 'main' | 'orders'
  name: string
  sql: string
}

const head = (sql: string, key: string): string | undefined => new RegExp(`^-- ${key}: (.+)$`, 'm').exec(sql)?.[1]?.trim()

/** Folders named `migrations` one level below each root that hold any .sql, in order. */
function migrationFolders(roots: readonly string[]): string[] {
  return roots.flatMap((root) => readdirSync(root).sort().map((name) => join(root, name, 'migrations'))).filter((path) => existsSync(path) && readdirSync(path).some((f) => f.endsWith('.sql')))
}

function stepsOf(folder: string, mixins: string): Step[] {
  const files = readdirSync(folder).filter((f) => f.endsWith('.sql')).sort()
  const first = readFileSync(join(folder, files[0]!), 'utf8')
  const schema = head(first, 'schema') ?? basename(dirname(folder))
  const database = (head(first, 'database') ?? 'main') as Step['database']
  const step = (name: string, path: string): Step => ({ schema, database, name, sql: readFileSync(path, 'utf8').replaceAll('{schema}', schema) })
  const used = (path: string): string[] => (head(readFileSync(path, 'utf8'), 'uses') ?? '').split(',').map((u) => u.trim()).filter(Boolean)
  const shared = (name: string): Step[] =>
    readdirSync(join(mixins, name)).filter((f) => /^tables(_\w+)?\.sql$/.test(f)).sort().map((f) => step(`uses/${name}${f.slice('tables'.length, -'.sql'.length)}`, join(mixins, name, f)))
  return files.flatMap((f) => [...used(join(folder, f)).flatMap(shared), step(f, join(folder, f))])
}

const checksum = (sql: string): string => createHash('sha256').update(sql).digest('hex')

async function prepare(client: pg.Client): Promise<void> {
  await client.query('CREATE TABLE IF NOT EXISTS public.souk_note (name text PRIMARY KEY, value text NOT NULL, at timestamptz NOT NULL DEFAULT now())')
  await client.query(`CREATE TABLE IF NOT EXISTS public.souk_migration (schema text, name text, checksum text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (schema, name))`)
  await client.query(`DO $$ BEGIN CREATE ROLE souk_relay NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
  await client.query(`DO $$ BEGIN IF NOT pg_has_role('souk_relay', 'MEMBER') THEN GRANT souk_relay TO CURRENT_USER; END IF; END $$`)
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE EXTENSION IF NOT EXISTS unaccent')
}

async function apply(client: pg.Client, step: Step): Promise<boolean> {
  const done = await client.query<{ checksum: string }>('SELECT checksum FROM public.souk_migration WHERE schema = $1 AND name = $2', [step.schema, step.name])
  const known = done.rows[0]?.checksum
  if (known === checksum(step.sql)) return false
  if (known) throw new Error(`this database was made by another version of Souk (${step.schema}/${step.name} differs): use the version that made it, or another data directory`)
  const role = roleOf(step.schema)
  await client.query('BEGIN')
  try {
    await client.query(`DO $$ BEGIN CREATE ROLE ${role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${step.schema} AUTHORIZATION ${role}; GRANT ${role} TO CURRENT_USER; SET LOCAL ROLE ${role}; SET LOCAL search_path TO ${step.schema}, public`)
    await client.query(step.sql)
    await client.query('RESET ROLE')
    await client.query('INSERT INTO public.souk_migration (schema, name, checksum) VALUES ($1, $2, $3)', [step.schema, step.name, checksum(step.sql)])
    await client.query('COMMIT')
    return true
  } catch (error) {
    await client.query('ROLLBACK')
    throw new Error(`migration ${step.schema}/${step.name} failed: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Brings every database to this version: each file runs once, in one transaction, in its own schema and with that schema's role.
 * Nodes may start together (an advisory lock lets one go first). Throws when a file that was applied has changed since.
 * `roots` are folders whose children may have a `migrations` folder; returns how many steps ran.
 */
export async function migrate(targets: MigrationTargets, roots: readonly string[], mixins: string, onStep: (name: string) => void = () => {}): Promise<number> {
  const steps = migrationFolders(roots).flatMap((folder) => stepsOf(folder, mixins))
  const plans = new Map<string, Step[]>()
  for (const step of steps) {
    const urls = step.database === 'orders' ? targets.orders : [targets.urlOf?.(step.schema) ?? targets.main]
    for (const url of urls) plans.set(url, [...(plans.get(url) ?? []), step])
  }
  let count = 0
  for (const [url, plan] of plans) {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      await client.query('SELECT pg_advisory_lock(7236401)')
      await prepare(client)
      for (const step of plan) {
        if (!(await apply(client, step))) continue
        count++
        onStep(`${step.schema}/${step.name}`)
      }
    } finally {
      await client.end()
    }
  }
  return count
}
