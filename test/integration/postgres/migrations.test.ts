import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '../../../mixins/postgres/migrate.ts'
import { createDatabases, type TestDatabases } from '../../support/databases.ts'

const root = mkdtempSync(join(tmpdir(), 'souk-migrations-'))
const write = (path: string, sql: string): void => {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), sql)
}

let databases: TestDatabases
beforeAll(async () => {
  databases = await createDatabases()
})
afterAll(async () => {
  rmSync(root, { recursive: true })
  await databases.drop()
})

const run = async (): Promise<string[]> => {
  const steps: string[] = []
  await migrate({ main: databases.main, orders: [] }, [join(root, 'services')], join(root, 'mixins'), (name) => steps.push(name))
  return steps
}

test('shared tables are made before the file that uses them, and what has changed in them since reaches schemas that have them already', async () => {
  write('mixins/tally/tables.sql', 'CREATE TABLE {schema}.tally (n int PRIMARY KEY);')
  write('services/attic/migrations/001_attic.sql', '-- schema: attic\n-- uses: tally\nINSERT INTO attic.tally VALUES (1);')
  expect(await run()).toEqual(['attic/uses/tally', 'attic/001_attic.sql'])

  write('mixins/tally/tables_002_words.sql', 'ALTER TABLE {schema}.tally ALTER n TYPE text;')
  write('services/barn/migrations/001_barn.sql', '-- schema: barn\n-- uses: tally\nINSERT INTO barn.tally VALUES (\'two\');')
  expect(await run()).toEqual(['attic/uses/tally_002_words', 'barn/uses/tally', 'barn/uses/tally_002_words', 'barn/001_barn.sql'])
  expect(await databases.query('SELECT n FROM attic.tally UNION ALL SELECT n FROM barn.tally')).toEqual([{ n: '1' }, { n: 'two' }])
  expect(await run()).toEqual([])
})

test('a file that was applied and has changed since is refused', async () => {
  write('mixins/tally/tables.sql', 'CREATE TABLE {schema}.tally (n bigint PRIMARY KEY);')
  await expect(run()).rejects.toThrow('this database was made by another version of Souk (attic/uses/tally differs)')
})
