import { afterAll, beforeAll } from '@jest/globals'
import { openDocuments } from '../../mixins/documents/documents.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { documentsContract, NOTES } from './documents.contract.ts'

let databases: TestDatabases
beforeAll(async () => {
  databases = await createDatabases()
})
afterAll(() => databases.drop())

documentsContract('PostgreSQL', async () => openDocuments('payment', NOTES))
