import { afterAll, beforeAll, describe } from '@jest/globals'
import { Database, databaseUrl } from '../../mixins/postgres/database.ts'
import { PostgresSearch } from '../../mixins/search/postgres-search.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { searchContract } from './search.contract.ts'

describe('search in PostgreSQL', () => {
  let databases: TestDatabases
  beforeAll(async () => {
    databases = await createDatabases()
  })
  afterAll(() => databases.drop())

  searchContract((definition) => new PostgresSearch(new Database(databaseUrl('search'), 'search'), definition))
})
