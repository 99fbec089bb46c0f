import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Database, databaseUrl } from '../../mixins/postgres/database.ts'
import type { IndexDefinition } from '../../mixins/search/port.ts'
import { searchStatement } from '../../mixins/search/postgres-query.ts'
import { PostgresSearch } from '../../mixins/search/postgres-search.ts'
import type { Generation } from '../../mixins/search/postgres-tables.ts'
import { parseText, Synonyms } from '../../mixins/search/text-query.ts'
import { productIndex } from '../../services/search/product-index.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { searchContract } from './search.contract.ts'

describe('search in PostgreSQL', () => {
  let databases: TestDatabases
  beforeAll(async () => {
    databases = await createDatabases()
  })
  afterAll(() => databases.drop())

  const open = (definition: IndexDefinition): PostgresSearch => new PostgresSearch(new Database(databaseUrl('search'), 'search'), definition)
  searchContract(open)

  test('a build whose process has died is taken over after a minute, and its late writes are refused', async () => {
    const index = open({ ...productIndex, name: 'left' })
    const dead = await index.build()
    await dead.put([{ id: '1', version: 1, doc: { title: 'Half done' } }])
    await expect(index.build()).rejects.toMatchObject({ type: 'conflict' })
    await databases.query(`UPDATE search.generation SET touched_at = now() - interval '61 seconds' WHERE index = 'left' AND state = 'building'`)
    const next = await index.build()
    await next.put([{ id: '2', version: 1, doc: { title: 'Anew' } }])
    for (const late of [dead.put([{ id: '3', version: 1, doc: {} }]), dead.switch(), dead.abandon()]) await expect(late).rejects.toMatchObject({ type: 'conflict' })
    await next.switch()
    expect((await index.scan(undefined, 10)).map(({ id }) => id)).toEqual(['2'])
    await index.close()
  })

  test('documents of any size are taken', async () => {
    const index = open({ ...productIndex, name: 'large' })
    const many = Array.from({ length: 500 }, (_, i) => `seller-${i}`)
    await index.put([
      { id: 'x'.repeat(100), version: 2 ** 52, doc: { title: 'Large '.repeat(40), description: Array.from({ length: 2_000 }, (_, i) => `word${i}`).join(' '), seller: many, attr: { note: 'y'.repeat(200) }, price: Number.MAX_SAFE_INTEGER } },
      { id: 'empty', version: 1, doc: {} }
    ])
    const { total, facets } = await index.query({ text: 'word1999', filters: { seller: ['seller-7'] }, facets: ['seller'], sort: 'price', limit: 5 })
    expect([total, facets['seller']!.length]).toEqual([1, 100])
    expect((await index.query({ filters: {}, facets: [], sort: 'price', limit: 5 })).hits.map(({ id }) => id)).toEqual(['x'.repeat(100), 'empty'])
    await index.close()
  })

  test('statements of one form have one text, so that their plans are kept; what was asked is in the values', () => {
    const live: Generation = { generation: 1, slot: 'a', state: 'live', definition: productIndex, built: true, idleSeconds: 0 }
    const text = (q: string, brand: string): string =>
      searchStatement({ filters: { brand: [brand], price: { gte: 1 } }, facets: ['brand'], sort: 'price', limit: 3 }, live, parseText(q, new Synonyms([]))).text
    expect(text('lamp & shade', 'A')).toBe(text("x'); DROP TABLE y", 'B'))
  })
})
