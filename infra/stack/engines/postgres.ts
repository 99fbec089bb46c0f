import pg from 'pg'
import { createDatabases } from '../../../mixins/postgres/prepare.ts'
import { preparedCluster } from '../../embedded/postgres.ts'
import type { Engine, Program } from '../engine.ts'
import { serviceSchemas } from '../schemas.ts'
import type { Stack } from '../stack.ts'

const MAIN = 'main'
const ORDERS = ['orders-1', 'orders-2'] as const
const SERVERS = [MAIN, ...ORDERS] as const

/** The server of all services but orders has a pool for each of their databases from every thread. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  [MAIN]: ['max_connections=600', 'shared_buffers=192MB'],
  'orders-1': ['max_connections=200', 'shared_buffers=96MB'],
  'orders-2': ['max_connections=200', 'shared_buffers=96MB']
}

const databaseOf = (schema: string): string => `souk_${schema}`
const portOf = (stack: Stack, server: string): number => stack.port('postgres', server)

async function program(stack: Stack, server: string): Promise<Program> {
  const dir = stack.path('postgres', server)
  const { postgres, password, flags } = await preparedCluster(dir, stack.user)
  stack.secret(`postgres.${server}`, () => password)
  const settings = SETTINGS[server]!.flatMap((setting) => ['-c', setting])
  // SIGINT: sessions are ended, committed work is kept.
  return { name: `postgres-${server}`, command: postgres, args: ['-D', dir, '-p', String(portOf(stack, server)), ...flags, ...settings], stopSignal: 'SIGINT' }
}

const serverUrl = (stack: Stack, server: string): string => `postgres://souk:${stack.secret(`postgres.${server}`)}@${stack.host}:${portOf(stack, server)}`

async function answers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${url}/postgres`, connectionTimeoutMillis: 2_000, query_timeout: 2_000 })
  client.on('error', () => {}) // the call that is under way says it
  try {
    await client.connect()
    await client.query('SELECT 1')
  } finally {
    await client.end().catch(() => {})
  }
}

export const postgres: Engine = {
  name: 'postgres',
  title: 'PostgreSQL 18.4, three servers',
  byDefault: true,
  needs: [],
  packages: [],
  ports: { [MAIN]: 15432, 'orders-1': 15433, 'orders-2': 15434 },

  isInstalled: () => true, // with the project's own packages
  install: async () => {},

  async configure(stack) {
    stack.own('postgres')
    return Promise.all(SERVERS.map((server) => program(stack, server)))
  },

  async probe(stack) {
    await Promise.all(SERVERS.map((server) => answers(serverUrl(stack, server))))
  },

  async provision(stack) {
    await createDatabases(serverUrl(stack, MAIN), ['souk', ...serviceSchemas().map(databaseOf)])
    await Promise.all(ORDERS.map((server) => createDatabases(serverUrl(stack, server), [databaseOf('orders')])))
  },

  environment: (stack) => ({
    DATABASE_URL: `${serverUrl(stack, MAIN)}/souk`,
    ...Object.fromEntries(serviceSchemas().map((schema) => [`DATABASE_URL_${schema.toUpperCase()}`, `${serverUrl(stack, MAIN)}/${databaseOf(schema)}`])),
    ORDERS_DATABASE_URLS: ORDERS.map((server) => `${serverUrl(stack, server)}/${databaseOf('orders')}`).join(',')
  })
}
