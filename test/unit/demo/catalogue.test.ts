import { describe, expect, test } from '@jest/globals'
import sharp from 'sharp'
import { demoProduct } from '../../../services/demo/catalogue/products.ts'
import { SELLERS, sellersOf } from '../../../services/demo/catalogue/sellers.ts'
import { categories, DEPARTMENTS, PLACES } from '../../../services/demo/catalogue/tree.ts'
import { drawPicture, readIcons } from '../../../services/demo/pictures.ts'
import { CategoryTree } from '../../../services/product/category-tree.ts'
import { defaultListingCheck } from '../../../services/product/listing-check.ts'

const sample = Array.from({ length: 2_000 }, (_, i) => demoProduct(i))

describe('the demo catalogue', () => {
  test('is the same each time, and no two things share an id', () => {
    expect(demoProduct(77)).toEqual(demoProduct(77))
    const ids = sample.flatMap(({ product }) => [product.id, ...product.offers.map((o) => o.id)])
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const products = sample.map(({ product }) => product.id)
    expect(products).toEqual(products.toSorted().reverse())
  })

  test('has a tree of departments whose leaves are all sold in', () => {
    const tree = new CategoryTree(categories())
    expect(DEPARTMENTS.length).toBeGreaterThanOrEqual(12)
    expect(PLACES.length).toBeGreaterThanOrEqual(80)
    expect(new Set(sample.slice(0, PLACES.length).map(({ product }) => product.category)).size).toBe(PLACES.length)
    for (const { product } of sample) expect(tree.leaves(product.category)).toEqual([product.category])
    expect(new Set(categories().map((c) => c.slug)).size).toBe(categories().length)
  })

  test('passes the automatic checks of any listing', () => {
    for (const { product } of sample) expect(defaultListingCheck.check(product)).toEqual([])
  })

  test('reads well', () => {
    for (const { product } of sample) {
      expect(product.title.length).toBeLessThan(120)
      expect(product.title).toMatch(/\p{L}{6,}/u)
      expect(`${product.title} ${product.description}`).not.toMatch(/undefined|null|NaN|[{}]|lorem/i)
      expect(product.description.length).toBeGreaterThan(150)
    }
    expect(new Set(sample.map(({ product }) => product.title)).size).toBeGreaterThan(sample.length * 0.99)
  })

  test('is sold by several sellers, at believable prices, most of it in stock', () => {
    const offers = sample.flatMap(({ product }) => product.offers)
    expect(new Set(offers.map((o) => o.sellerId)).size).toBe(SELLERS.length)
    for (const d of DEPARTMENTS) expect(sellersOf(d.slug).length).toBeGreaterThanOrEqual(3)
    expect(sample.filter(({ product }) => product.offers.length > 1).length).toBeGreaterThan(sample.length / 3)
    for (const { product } of sample) expect(new Set(product.offers.map((o) => o.sellerId)).size).toBe(product.offers.length)
    for (const o of offers) expect(Number.isInteger(o.price.amount) && o.price.amount >= 100 && o.price.amount < 500_000).toBe(true)
    const share = (availability: string): number => offers.filter((o) => o.availability === availability).length / offers.length
    expect(share('in_stock')).toBeGreaterThan(0.75)
    expect(share('low_stock')).toBeGreaterThan(0.05)
    expect(share('out_of_stock')).toBeGreaterThan(0.03)
  })

  test('begins with goods that can be bought from several sellers', () => {
    const buyable = sample.slice(0, 30).flatMap(({ product }) => product.offers.filter((o) => o.availability === 'in_stock').slice(0, 1))
    expect(buyable.length).toBeGreaterThan(20)
    expect(new Set(buyable.map((o) => o.sellerId)).size).toBeGreaterThan(3)
  })

  test('has a picture for every noun, and few of them', async () => {
    const icons = readIcons(PLACES.flatMap(({ leaf }) => leaf.nouns.map(([, icon]) => icon)))
    expect(icons.size * 3).toBeLessThan(1_000)
    const [first, again] = await Promise.all([drawPicture(icons, sample[0]!.picture), drawPicture(icons, sample[0]!.picture)])
    expect(first.equals(again!)).toBe(true)
    expect(await sharp(first).metadata()).toMatchObject({ format: 'png', width: 560, height: 560 })
    expect(() => readIcons(['none-such'])).toThrow('none-such')
  })
})
