import { expect, test } from '@jest/globals'
import { countsOf, facetsOf, pack, TagNames } from '../../../mixins/search/postgres-facets.ts'

const statement = { text: '', values: [], counts: [{ column: 'f0' as const, kept: false, without: null }, { column: 'f1' as const, kept: true, without: 'brand' }] }

test('numbers of tags are counted over documents, small and large ones', () => {
  const documents = [[1, 2, 65_534], [2, 65_535, 70_000], [2, 1_000_000, 65_535], []]
  const kept = Buffer.alloc(16)
  kept.writeInt32BE(7, 0)
  kept.writeInt32BE(300_000, 4)
  kept.writeInt32BE(70_000, 8)
  kept.writeInt32BE(1, 12)
  const counts = countsOf({ live: 1, total: 4, page: null, f0: Buffer.concat(documents.map(pack)), f1: kept }, statement)
  expect(counts.get('')).toEqual(new Map([[1, 1], [2, 3], [65_534, 1], [65_535, 2], [70_000, 1], [1_000_000, 1]]))
  expect(counts.get('brand')).toEqual(new Map([[7, 300_000], [70_000, 1]]))
  expect(countsOf({ live: 1, total: 0, page: null, f0: pack([2]), f1: null }, statement).get('')).toEqual(new Map([[2, 1]])) // nothing is left of the search before
})

test('facets have names; a number not met yet is asked for first', async () => {
  const names = new TagNames(1, 'search.x_tag')
  const counts = new Map([['', new Map([[1, 5], [2, 5], [3, 1]])], ['brand', new Map([[4, 9], [1, 5]])]])
  const wanted = (field: string): boolean => field !== 'seller'
  expect(facetsOf(counts, names, wanted, 'attr')).toBeNull()
  await names.learn({ query: async () => [{ id: 1, field: 'color', value: 'red' }, { id: 2, field: 'color', value: 'blue' }, { id: 3, field: 'seller', value: 's' }, { id: 4, field: 'brand', value: 'Acme' }] as never })
  expect(facetsOf(counts, names, wanted, 'attr')).toEqual({ color: [{ value: 'blue', count: 5 }, { value: 'red', count: 5 }], brand: [{ value: 'Acme', count: 9 }] })
})
