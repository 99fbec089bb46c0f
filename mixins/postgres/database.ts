import pg from 'pg'
import { gauge } from '../metrics/registry.ts'
import { setting } from '../settings/settings.ts'

// int8 as number: our counters stay below 2^53. Timestamps as RFC 3339 text, as every answer shows them.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString())

type Row = Record<string, unknown>

/** One transaction, or a single statement outside of one. */
export interface Queryable {
  /** Runs one statement, prepared once per connection; pass `prepare: false` for text that varies. Rejects with pg's DatabaseError. */
  query<R = Row>(text: string, values?: readonly unknown[], options?: { prepare?: boolean }): Promise<R[]>
}

/** Connections of one thread to one database in all. */
const POOL_MAX = 8
const pools = new Map<string, { pool: pg.Pool; users: number; unmeasure: () => void }>()
const connections = gauge('souk_postgres_connections', 'Connections of the thread to a database: in use, idle, and callers that wait for one.')

function measure(url: string, pool: pg.Pool): () => void {
  const database = new URL(url).pathname.slice(1)
  const ends = [
    connections.read({ database, state: 'used' }, () => pool.totalCount - pool.idleCount),
    connections.read({ database, state: 'idle' }, () => pool.idleCount),
    connections.read({ database, state: 'waiting' }, () => pool.waitingCount)
  ]
  return () => ends.forEach((end) => end())
}

interface RoleClient extends pg.PoolClient {
  soukRole?: string
}

/** Statement texts are constants of the code, so their number is bounded; the cap protects against a mistake. */
const statementNames = new Map<string, string>()
function statementName(text: string): string | undefined {
  let name = statementNames.get(text)
  if (name === undefined && statementNames.size < 1_000) statementNames.set(text, (name = `s${statementNames.size}`))
  return name
}

const run = async <R>(client: pg.ClientBase, text: string, values: readonly unknown[], prepare: boolean): Promise<R[]> => {
  const name = prepare ? statementName(text) : undefined
  const result = await client.query({ text, values: values as unknown[], ...(name ? { name } : {}) })
  return result.rows as R[]
}

/**
 * Puts a connection that has this role already where the pool lends from next, or else the one that was used longest ago, so that
 * roles keep their connections: a change of role is a round trip. pg's pool has no say in which connection it lends, so this
 * reorders its list of idle ones; where that list is not what we know, nothing but the saving is lost.
 */
function preferRole(pool: pg.Pool, role: string): void {
  const idle = (pool as unknown as { _idle?: { client: RoleClient }[] })._idle
  if (!Array.isArray(idle) || idle.length < 2) return
  const at = Math.max(0, idle.findLastIndex(({ client }) => client.soukRole === role))
  if (at < idle.length - 1) idle.push(...idle.splice(at, 1))
}

/**
 * A service's own schema in a database. Every statement runs with the service's role, which reaches that schema and no other.
 * Threads share one pool per database: at most eight connections, taken for a statement or a transaction, never kept.
 */
export class Database implements Queryable {
  readonly schema: string
  readonly #url: string
  readonly #pool: pg.Pool
  readonly #role: string

  constructor(url: string, schema: string) {
    this.#url = url
    this.schema = schema
    this.#role = roleOf(schema)
    let entry = pools.get(url)
    if (!entry) {
      const pool = new pg.Pool({ connectionString: url, max: POOL_MAX, idleTimeoutMillis: 30_000, connectionTimeoutMillis: 10_000, application_name: 'souk' })
      pool.on('error', () => {}) // an idle connection that broke: the pool replaces it
      pool.on('connect', (client) => client.on('error', () => {})) // one that broke while it was lent: its next statement rejects
      pools.set(url, (entry = { pool, users: 0, unmeasure: measure(url, pool) }))
    }
    entry.users++
    this.#pool = entry.pool
  }

  async query<R = Row>(text: string, values: readonly unknown[] = [], { prepare = true }: { prepare?: boolean } = {}): Promise<R[]> {
    preferRole(this.#pool, this.#role)
    return this.#with(async (client) => {
      if (client.soukRole !== this.#role) {
        await client.query(`SET ROLE ${this.#role}`)
        client.soukRole = this.#role
      }
      return run<R>(client, text, values, prepare)
    })
  }

  /** Runs `fn` in one transaction (read committed): committed when it resolves, rolled back when it rejects. */
  async tx<T>(fn: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#with(async (client) => {
      await client.query(`BEGIN; SET LOCAL ROLE ${this.#role}`)
      try {
        const result = await fn({ query: (text, values = [], { prepare = true } = {}) => run(client, text, values, prepare) })
        await client.query('COMMIT')
        return result
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {})
        throw error
      }
    })
  }

  /**
   * A connection of its own, outside the pool, with the service's role: for LISTEN and session advisory locks. The caller ends it,
   * and listens to `end` to know when it broke. A statement that gets no answer within 10 s rejects.
   */
  async dedicated(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#url, application_name: 'souk dedicated', keepAlive: true, connectionTimeoutMillis: 10_000, query_timeout: 10_000 })
    client.on('error', () => {}) // `end` follows
    await client.connect()
    await client.query(`SET ROLE ${this.#role}`)
    return client
  }

  /** Releases this user's part of the thread's pool; the last one closes it. */
  async close(): Promise<void> {
    const entry = pools.get(this.#url)
    if (!entry || --entry.users > 0) return
    pools.delete(this.#url)
    entry.unmeasure()
    await entry.pool.end()
  }

  async #with<T>(fn: (client: RoleClient) => Promise<T>): Promise<T> {
    const client = (await this.#pool.connect()) as RoleClient
    try {
      const result = await fn(client)
      client.release()
      return result
    } catch (error) {
      client.release(isConnectionError(error) ? true : undefined)
      throw error
    }
  }
}

export const roleOf = (schema: string): string => `souk_${schema}`

/** The database of a schema: `DATABASE_URL_<SCHEMA>` if the operator gave it a server of its own, else `DATABASE_URL`. */
export function databaseUrl(schema: string): string {
  const url = process.env[`DATABASE_URL_${schema.toUpperCase()}`] ?? setting('DATABASE_URL')
  if (!url) throw new Error('DATABASE_URL is not set: start the node with npm start, which starts an embedded PostgreSQL, or set it')
  return url
}

/** Schemas that the operator gave a server or database of their own, and where. */
export function schemaUrls(): Record<string, string> {
  const own = Object.entries(process.env).filter((entry): entry is [string, string] => /^DATABASE_URL_\w+$/.test(entry[0]) && Boolean(entry[1]))
  return Object.fromEntries(own.map(([name, url]) => [name.slice('DATABASE_URL_'.length).toLowerCase(), url]))
}

const NETWORK_ERRORS = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** True when the outcome of the statement is unknown: the connection broke or could not be had, or the server is going down. */
export function isConnectionError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== 'string') return error instanceof Error && /terminat|connect|timeout/i.test(error.message) // the driver's own have no code
  return code.startsWith('08') || code.startsWith('57P') || code === '53300' || NETWORK_ERRORS.has(code)
}

/** PostgreSQL's error code for a violated unique index or primary key. */
export const isUniqueViolation = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === '23505'

/** Rows as one array per column, for `unnest($1::text[], $2::int[], …)`: many rows in one statement. */
export const columns = <R extends object>(rows: readonly R[], names: readonly (keyof R)[]): unknown[][] => names.map((name) => rows.map((row) => row[name]))
