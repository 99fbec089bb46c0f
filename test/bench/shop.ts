import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { OpenKeys } from '../../mixins/keys/keys.ts'
import { PostgresKeys } from '../../mixins/keys/postgres-keys.ts'
import { RedisKeys } from '../../mixins/keys/redis-keys.ts'
import { Database } from '../../mixins/postgres/database.ts'
import { RedisServer } from '../../mixins/redis/server.ts'
import { SETTINGS } from '../../mixins/settings/settings.ts'
import { runningNode } from '../../nodes/data-directory.ts'
import { visit, type Visit } from '../../nodes/visit.ts'
import { booksOf, type Whereabouts } from '../audit/books.ts'
import { endNode, startNode, temporaryDirectory, type NodeProcess } from '../support/node-process.ts'
import { until } from '../support/until.ts'
import { freePort } from '../support/whole-shop.ts'
import { memoryOf } from './load/cpu.ts'

/** How a fresh shop came up. */
export interface Startup {
  products: number
  /** From the first process to the moment all products can be found. */
  seconds: number
  /** MiB of the node's process, its engines not counted; null where the system does not tell. */
  memory: { peak: number; now: number } | null
}

type Environment = Readonly<Record<string, string | undefined>>

/** The inside of a shop: its stores, and a broker among its own. */
export interface Inside {
  /** What it was told of its engines. */
  engines: Environment
  databases: Whereabouts
  /** Connections to the database that holds this schema. */
  pool(schema: string): pg.Pool
  /** Connections to each of its databases, those of orders too. */
  everyPool(): pg.Pool[]
  /** The shop's own store of sessions. */
  keys: OpenKeys
  /** Of the node's process. */
  pid: number
  /** Address of its operations server. */
  operations: string
  main: pg.Pool
  broker(): Promise<Visit['broker']>
}

/** The shop that is measured. */
export interface Shop {
  url: string
  /** Null for a shop of which only the address is known. */
  inside: Inside | null
  startup: Startup | null
  close(): Promise<void>
}

/** A start may take this long, and this much longer for each thousand products. */
const [PATIENCE_MS, PATIENCE_MS_PER_THOUSAND] = [180_000, 60_000]

/** What the benches' own statements use: enough to keep two cores busy. */
const CONNECTIONS = 16

/** Of a node that is started here, by its options. */
const OWN: ReadonlySet<string> = new Set(['SOUK_PORT', 'SOUK_OPS_PORT', 'SOUK_DATA_DIR', 'SOUK_PRODUCTS', 'SOUK_PROFILE', 'SOUK_NODE'])

/** What the environment says of engines, which a node that is started here does not inherit by itself. */
export const enginesOf = (env: Environment): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value && !name.startsWith('SOUK_LIMIT') && (name in SETTINGS || name.startsWith('DATABASE_URL_')) && !OWN.has(name) ? [[name, value]] : [])))

const openKeys = (env: Environment, url: string): OpenKeys => (env['REDIS_URL'] ? new RedisKeys(new RedisServer(env['REDIS_URL'], { pipelined: true })) : new PostgresKeys(new Database(url, 'keys')))

/** `env`: what the shop was told of its engines, and of the key that signs its tokens where that is not the one in its directory. */
function openInside(dir: string, env: Environment): Inside & { close(): Promise<void> } {
  const node = runningNode(dir)
  if (!node) throw new Error(`${dir}: no node runs there`)
  process.env['SOUK_JWT_KEY'] = env['SOUK_JWT_KEY'] || readFileSync(join(dir, 'jwt-key.pem'), 'utf8')
  const pools = new Map<string, pg.Pool>()
  const poolTo = (url: string): pg.Pool => {
    let pool = pools.get(url)
    if (!pool) pools.set(url, (pool = new pg.Pool({ connectionString: url, max: CONNECTIONS, application_name: 'souk bench' })))
    return pool
  }
  const databases = booksOf(node)
  const urlOf = (schema: string): string => databases.schemas?.[schema] ?? databases.main
  const keys = openKeys(env, urlOf('keys'))
  let visiting: Promise<Visit> | undefined
  return {
    engines: env,
    databases,
    pool: (schema) => poolTo(urlOf(schema)),
    everyPool: () => [...new Set([databases.main, ...Object.values(databases.schemas ?? {}), ...databases.orders])].map(poolTo),
    keys,
    pid: node.pid,
    operations: node.operations,
    main: poolTo(node.databaseUrl),
    broker: async () => (await (visiting ??= visit(dir))).broker,
    async close() {
      await keys.close()
      await Promise.all([...pools.values()].map((pool) => pool.end()))
      const visited = await visiting?.catch(() => undefined)
      await visited?.broker.stop()
      visited?.socket.destroy()
    }
  }
}

/** A shop that runs already; with its data directory also from inside. */
export function joinShop(url: string, dir: string | null): Shop {
  const inside = dir === null ? null : openInside(dir, process.env)
  return { url: url.replace(/\/+$/, ''), inside, startup: null, close: async () => inside?.close() }
}

/** Resolves when the node has said that it serves, and so that all products can be found. */
const shopServes = ({ child, output }: NodeProcess, products: number): Promise<unknown> =>
  until(
    'the shop serves',
    () => {
      if (child.exitCode !== null) throw new Error(`the shop ended: ${output()}`)
      return output().includes('Ctrl-C stops it.')
    },
    PATIENCE_MS + (products / 1_000) * PATIENCE_MS_PER_THOUSAND
  )

/**
 * Starts a shop with so many products in a directory of its own, which goes away with it; `starts` times, stopping it in between.
 * Resolves when every product can be found.
 */
export async function startShop(products: number, env: Record<string, string> = {}, starts = 1): Promise<Shop> {
  const parent = temporaryDirectory()
  const dir = join(parent, 'souk')
  const [port, operations] = [await freePort(), await freePort()]
  const args = ['--port', String(port), '--ops-port', String(operations), '--data-dir', dir, '--products', String(products)]
  // Nobody but the bench signs in here, from one address.
  const start = (): NodeProcess => startNode(args, { SOUK_LIMIT_AUTH_PER_MINUTE: '1000000', ...env })
  const from = performance.now()
  let node = start()
  try {
    await shopServes(node, products)
    const startup = { products, seconds: (performance.now() - from) / 1_000, memory: memoryOf(node.child.pid!) }
    for (let i = 1; i < starts; i++) {
      node.child.kill('SIGTERM')
      await node.exited
      node = start()
      await shopServes(node, products)
    }
    const inside = openInside(dir, env)
    return {
      url: `http://127.0.0.1:${port}`,
      inside,
      startup,
      async close() {
        await inside.close()
        await endNode(node, parent)
      }
    }
  } catch (error) {
    await endNode(node, parent)
    throw error
  }
}
