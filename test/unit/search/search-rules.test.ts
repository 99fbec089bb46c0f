import { describe, expect, test } from '@jest/globals'
import { decayed, HALF_LIFE_MS, popularityOf } from '../../../services/search/popularity.ts'
import { indexedDocument, withScore } from '../../../services/search/product-index.ts'
import { toAnswer, toQuery } from '../../../services/search/search.ts'

const product: Parameters<typeof indexedDocument>[0] = {
  id: 'p', version: 3, removed: false, title: 'Lamp', slug: 'lamp', brand: 'Acme', categoryPath: [{ slug: 'home', name: 'Home' }, { slug: 'lamps', name: 'Lamps' }], description: 'Bright.',
  attributes: { color: 'red' }, sellerIds: ['s'], price: { amount: 5, currency: 'USD' }, offerId: 'o', sellerId: 's', availability: 'in_stock', rating: { average: 4.5, count: 100 }, images: [], createdAt: '2026-01-01T00:00:00.000Z'
}

describe('a search', () => {
  test('asks the index for filters, one hit more than the page, and every facet', () => {
    expect(toQuery({ q: 'lamp', category: ['home'], brand: ['A', 'B'], minPrice: 100, minRating: 4, attr: { color: ['red'] }, sort: 'rating', limit: 10 })).toEqual({
      text: 'lamp', sort: '-rating', limit: 11, after: null, facets: ['brand', 'category', 'seller'], attributeFacets: true,
      filters: { category: ['home'], brand: ['A', 'B'], price: { gte: 100 }, rating: { gte: 4 }, 'attr.color': ['red'] }
    })
    expect(toQuery({})).toMatchObject({ sort: 'relevance', limit: 21, filters: {} })
  })

  test('pages by a cursor that belongs to its sort', () => {
    const hits = [3, 2, 1].map((n) => ({ id: `p${n}`, position: [n, `p${n}`] }))
    const { ids, nextCursor } = toAnswer({ hits, total: 9, facets: {} }, { sort: 'price', limit: 2 })
    expect(ids).toEqual(['p3', 'p2'])
    expect(toQuery({ sort: 'price', cursor: nextCursor! }).after).toEqual([2, 'p2'])
    expect(() => toQuery({ sort: 'newest', cursor: nextCursor! })).toThrow(/cursor/)
    expect(toAnswer({ hits, total: 3, facets: {} }, { limit: 3 }).nextCursor).toBeNull()
  })
})

describe('relevance', () => {
  test('halves in a fortnight, trusts many ratings more than few, and puts what is out of stock behind', () => {
    expect(decayed(8, 3 * HALF_LIFE_MS)).toBe(1)
    expect(decayed(8, -5)).toBe(8)
    const standing = { rating: 5, ratingCount: 1, availability: 'in_stock' }
    expect(popularityOf(0, { ...standing, rating: 4.8, ratingCount: 1_000 })).toBeGreaterThan(popularityOf(0, standing))
    expect(popularityOf(100, { ...standing, availability: 'out_of_stock' })).toBeLessThan(popularityOf(11, standing))
    expect(popularityOf(0, { ...standing, rating: 0, ratingCount: 0 })).toBe(0)
  })

  test('is revised between two versions of a product, never over the next one', () => {
    const first = indexedDocument(product, 0)!
    const revised = withScore(first, 10)!
    expect(revised.version).toBe(first.version + 1)
    expect(revised.doc).toEqual({ ...first.doc, popularity: expect.any(Number) })
    expect(Number(revised.doc['popularity'])).toBeGreaterThan(Number(first.doc['popularity']))
    expect(withScore(revised, 10)).toBeNull()
    expect(indexedDocument({ ...product, version: 4 }, 0)!.version).toBeGreaterThan(revised.version + 1_000_000)
  })

  test('what is removed or not for sale is not indexed', () => {
    expect(indexedDocument({ ...product, removed: true }, 0)).toBeNull()
    expect(indexedDocument({ ...product, price: null }, 0)).toBeNull()
  })
})
