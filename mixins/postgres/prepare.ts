import pg from 'pg'

async function connected<T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {}) // whoever uses it next hears of it
  await client.connect()
  try {
    return await fn(client)
  } finally {
    await client.end()
  }
}

/** Makes the databases of these names on a server that are not there yet. `url` has no database name. */
export const createDatabases = (url: string, names: readonly string[]): Promise<void> =>
  connected(`${url}/postgres`, async (client) => {
    const there = await client.query<{ datname: string }>('SELECT datname FROM pg_database')
    for (const name of names) {
      if (!there.rows.some(({ datname }) => datname === name)) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
    }
  })

/** Runs `work` while no other node runs what has the same name on this database; waits for it for as long as that takes. */
export const alone = <T>(url: string, name: string, work: () => Promise<T>): Promise<T> =>
  connected(url, async (client) => {
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`alone ${name}`])
    return work()
  })

/** What a node noted about the data in this database; null when it noted nothing under that name. */
export const readNote = (url: string, name: string): Promise<string | null> =>
  connected(url, async (client) => {
    const found = await client.query<{ value: string }>('SELECT value FROM public.souk_note WHERE name = $1', [name])
    return found.rows[0]?.value ?? null
  })

/** Notes something about the data in this database, for every node that uses it. */
export const writeNote = (url: string, name: string, value: string): Promise<void> =>
  connected(url, async (client) => {
    await client.query('INSERT INTO public.souk_note (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = now()', [name, value])
  })
