import { describe, expect, test } from '@jest/globals'
import { defaultBuyBox, type BuyBoxOffer } from '../../../services/product/buy-box.ts'
import { CategoryTree } from '../../../services/product/category-tree.ts'
import { defaultListingCheck } from '../../../services/product/listing-check.ts'
import { ranked, slugOf } from '../../../services/product/product.ts'

const offer = (id: string, change: Partial<BuyBoxOffer> = {}) => ({ id, sellerId: `s-${id}`, currency: 'USD', price: 100, handlingDays: 1, availability: 'in_stock' as const, ...change })
const best = (...offers: ReturnType<typeof offer>[]): string | null => ranked(offers, defaultBuyBox, 'USD').box.offerId

describe('the buy box', () => {
  test('what can be bought comes before what is cheap', () => {
    expect(best(offer('a', { availability: 'out_of_stock', price: 1 }), offer('b'))).toBe('b')
    expect(best(offer('a', { availability: 'low_stock', price: 90 }), offer('b'))).toBe('a')
  })

  test('then price, then handling, then age', () => {
    expect(best(offer('a', { price: 101 }), offer('b', { handlingDays: 9 }))).toBe('b')
    expect(best(offer('a', { handlingDays: 2 }), offer('b'))).toBe('b')
    expect(best(offer('b'), offer('a'))).toBe('a')
  })

  test('without offers there is no price and nothing in stock', () => {
    expect(ranked([], defaultBuyBox, 'USD').box).toEqual({ offerId: null, sellerId: null, price: 0, currency: 'USD', availability: 'out_of_stock' })
  })

  test('all offers out of stock still have a box', () => {
    expect(ranked([offer('a', { availability: 'out_of_stock' })], defaultBuyBox, 'USD').box).toMatchObject({ offerId: 'a', availability: 'out_of_stock' })
  })
})

describe('the category tree', () => {
  const tree = new CategoryTree([
    { id: '1', slug: 'home', name: 'Home', parentId: null },
    { id: '2', slug: 'kitchen', name: 'Kitchen', parentId: '1' },
    { id: '3', slug: 'kettles', name: 'Kettles', parentId: '2' },
    { id: '4', slug: 'lamps', name: 'Lamps', parentId: '1' },
    { id: '5', slug: 'books', name: 'Books', parentId: null }
  ])

  test('a category includes its descendants', () => {
    expect(tree.leaves('home')).toEqual(['kettles', 'lamps'])
    expect(tree.leaves('lamps')).toEqual(['lamps'])
    expect(tree.leaves('none-such')).toEqual([])
  })

  test('a path leads from the department to the leaf', () => {
    expect(tree.path('kettles').map((c) => c.slug)).toEqual(['home', 'kitchen', 'kettles'])
    expect(tree.path('none-such')).toEqual([])
  })
})

describe('the automatic check of a listing', () => {
  const codes = (change: Partial<Parameters<typeof defaultListingCheck.check>[0]>): string[] =>
    defaultListingCheck.check({ title: 'Zephyrine lantern', brand: 'Zephyrine', description: 'A lantern for windy nights.', attributes: {}, ...change }).map((e) => `${e.field} ${e.code}`)

  test('passes honest goods', () => {
    expect(codes({})).toEqual([])
    expect(codes({ title: 'USB-C HUB 4K', description: 'Ivory linen, 3 < 4 layers; for heroines.', attributes: { color: 'ivory' } })).toEqual([])
  })

  test('names the field and the reason of what it refuses', () => {
    expect(codes({ title: '<b>Lantern</b>' })).toEqual(['title markup'])
    expect(codes({ description: 'See https://elsewhere.example' })).toEqual(['description contactDetails'])
    expect(codes({ attributes: { note: 'mail me@shop.example' } })).toEqual(['attributes.note contactDetails'])
    expect(codes({ title: 'Counterfeit watch' })).toEqual(['title bannedWords'])
    expect(codes({ title: 'THE BEST LANTERN IN THE WORLD' })).toEqual(['title upperCase'])
    expect(codes({ title: 'Lan\u202etern' })).toEqual(['title controlCharacters'])
    expect(codes({ title: '!!!' })).toEqual(['title words'])
  })
})

test('a slug is readable whatever the title', () => {
  expect(slugOf('Crème Brûlée  Torch — 2×!')).toBe('creme-brulee-torch-2')
  expect(slugOf('日本')).toBe('product')
  expect(slugOf('x'.repeat(79) + ' yz')).toBe('x'.repeat(79))
})
