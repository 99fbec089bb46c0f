import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { expectStatus, HttpClient } from './load/http-client.ts'
import type { Side } from './scenario.ts'

/** Connections the bare server is asked over. */
const CONNECTIONS = 128

/** A bare `node:http` server in a process of its own that answers these bytes; `request(n)` are the bytes of the `n`th request for it. */
export async function bareHttp(answers: readonly [key: string, body: string][], request: (http: HttpClient) => (n: number) => string): Promise<Side & { close(): Promise<void> }> {
  const child = fork(fileURLToPath(new URL('reference-server.ts', import.meta.url)))
  child.send(answers)
  const [port] = (await once(child, 'message')) as [number]
  const http = new HttpClient(`http://127.0.0.1:${port}`, CONNECTIONS)
  const bytes = request(http)
  return {
    what: 'bare node:http, the same bytes',
    operation: async (n) => expectStatus(await http.send(bytes(n)), 200),
    processes: { reference: child.pid! },
    async close() {
      http.close()
      child.disconnect()
      await once(child, 'exit')
    }
  }
}

const DATABASE = 'souk_bench'

/** A database of the bench's own on the shop's server, so that the shop's books hold nothing of it. Made anew; `drop` ends it. */
export async function benchDatabase(main: string, sql = ''): Promise<{ url: string; pool: pg.Pool; drop(): Promise<void> }> {
  const admin = async (...statements: string[]): Promise<void> => {
    const client = new pg.Client({ connectionString: main })
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.end()
  }
  const drop = `DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`
  await admin(drop, `CREATE DATABASE ${DATABASE}`)
  const url = new URL(main)
  url.pathname = `/${DATABASE}`
  const pool = new pg.Pool({ connectionString: url.href, max: 16 })
  pool.on('error', () => {}) // ended with the database
  if (sql) await pool.query(sql)
  return {
    url: url.href,
    pool,
    async drop() {
      await pool.end()
      await admin(drop)
    }
  }
}
