import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openKeys, type OpenKeys } from '../../mixins/keys/keys.ts'
import { PostgresKeys } from '../../mixins/keys/postgres-keys.ts'
import { Database, databaseUrl } from '../../mixins/postgres/database.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'
import { keysContract } from './keys.contract.ts'

const storeAt = (): PostgresKeys => new PostgresKeys(new Database(databaseUrl('keys'), 'keys'))

keysContract('PostgreSQL', async () => {
  const databases = await createDatabases()
  return { one: storeAt(), other: storeAt(), stop: databases.drop }
})

describe('keys in PostgreSQL, inside', () => {
  let databases: TestDatabases
  let keys: OpenKeys
  beforeAll(async () => {
    databases = await createDatabases()
    keys = openKeys()
  })
  afterAll(async () => {
    await keys.close()
    await databases.drop()
  })
  const rows = async (): Promise<number> => (await databases.query<{ n: string }>('SELECT (SELECT count(*) FROM keys.entry) + (SELECT count(*) FROM keys.hit) AS n').then((r) => Number(r[0]!.n)))

  test('sweeps what has expired and nothing else', async () => {
    const store = storeAt()
    await keys.set('stays', 1, 60_000)
    await Promise.all(Array.from({ length: 1_500 }, (_, i) => keys.hit(`limit ${i}`, 1, 1)))
    await databases.query(`INSERT INTO keys.entry SELECT 'gone ' || i, '1', 1, now() FROM generate_series(1, 2500) i`)
    await until('only the living entry is left', async () => {
      await store.sweep()
      return (await rows()) === 1
    })
    expect(await keys.get(['stays'])).toEqual([{ value: 1, version: 1 }])
    await store.close()
  })

  test('users of a thread share one store until the last has closed it', async () => {
    const other = openKeys()
    await other.close()
    await other.close()
    expect(await keys.get(['stays'])).toEqual([{ value: 1, version: 1 }])
  })

  test('many gets at once each have their own answer', async () => {
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => keys.get([i % 2 ? 'stays' : `absent ${i}`])))
    expect(answers.filter(([entry]) => entry?.value === 1)).toHaveLength(150)
  })

  test('a database that cannot be reached is unavailable', async () => {
    const store = new PostgresKeys(new Database('postgres://nobody@127.0.0.1:1/none', 'keys'))
    await expect(store.get(['a'])).rejects.toMatchObject({ type: 'unavailable', code: 503 })
    await store.close()
  })
})
