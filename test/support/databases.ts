import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** Fresh, migrated databases of one test file. */
export interface TestDatabases {
  main: string
  orders: readonly [string, string]
  /** Runs a statement as superuser, for looking at or planting what no service would. */
  query: <R = Record<string, unknown>>(sql: string, values?: unknown[], url?: string) => Promise<R[]>
  /** Copies of all three as they are now; nobody may be connected to them. */
  copy: () => Promise<TestDatabases>
  drop: () => Promise<void>
}

async function admin<T>(fn: (client: pg.Client) => Promise<T>, url = `${process.env['SOUK_TEST_POSTGRES']}/postgres`): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await fn(client)
  } finally {
    await client.end()
  }
}

/** Makes migrated databases on the run's PostgreSQL and points the environment's DATABASE_URL and ORDERS_DATABASE_URLS at them. */
export async function createDatabases(): Promise<TestDatabases> {
  const databases = await copiesOf(['template_main', 'template_orders', 'template_orders'])
  process.env['DATABASE_URL'] = databases.main
  process.env['ORDERS_DATABASE_URLS'] = databases.orders.join(',')
  return databases
}

async function copiesOf(templates: readonly [string, string, string]): Promise<TestDatabases> {
  const name = `t${randomBytes(6).toString('hex')}`
  const names = [name, `${name}_o0`, `${name}_o1`] as const
  await admin(async (client) => {
    await client.query('SELECT pg_advisory_lock(1)') // a template can be copied by one session at a time
    for (const [i, n] of names.entries()) await client.query(`CREATE DATABASE ${n} TEMPLATE ${templates[i]} STRATEGY FILE_COPY`)
  })
  const [main, first, second] = names.map((n) => `${process.env['SOUK_TEST_POSTGRES']}/${n}`) as [string, string, string]
  return {
    main,
    orders: [first, second],
    query: (sql, values = [], url = main) => admin(async (client) => (await client.query(sql, values)).rows as never, url),
    copy: () => copiesOf(names),
    drop: () =>
      admin(async (client) => {
        for (const n of names) await client.query(`DROP DATABASE IF EXISTS ${n} WITH (FORCE)`)
      })
  }
}
