import { afterAll, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { DataDirectory } from '../../../nodes/data-directory.ts'
import { Engines } from '../../../nodes/engines.ts'
import { cleanUp, temporaryDirectory } from '../../support/node-process.ts'
import { until } from '../../support/until.ts'

afterAll(cleanUp)

const ask = async (url: string): Promise<string | null> => {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<{ now: string }>('SELECT version() AS now')).rows[0]!.now
  } catch {
    return null
  } finally {
    await client.end().catch(() => {})
  }
}

test('a PostgreSQL that is killed comes back on the same port, with everything that was committed', async () => {
  delete process.env['DATABASE_URL']
  delete process.env['ORDERS_DATABASE_URLS']
  const directory = DataDirectory.open(join(temporaryDirectory(), 'data'))
  const lines: string[] = []
  const engines = new Engines(directory, { log: (line) => lines.push(line), lost: () => {} })
  await engines.start()
  const url = process.env['DATABASE_URL']!
  expect(process.env['ORDERS_DATABASE_URLS']!.split(',')).toHaveLength(2)
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query('CREATE TABLE kept AS SELECT 42 AS answer')

  process.kill(Number(readFileSync(directory.file('postgres/postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL')
  await until('it has been started anew', () => lines.length > 0)
  expect(lines[0]).toMatch(/^PostgreSQL ended .*: it is started anew$/)
  await until('it answers again', () => ask(url))
  const again = new pg.Client({ connectionString: url })
  await again.connect()
  expect((await again.query('SELECT answer FROM kept')).rows).toEqual([{ answer: 42 }])
  await again.end()

  await engines.stop()
  expect(await ask(url)).toBeNull()
  directory.close()
})
