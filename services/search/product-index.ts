import type { IndexDefinition, IndexedDocument } from '../../mixins/search/port.ts'
import type { Card, ProductDocument } from '../product/product.contract.ts'
import { popularityOf } from './popularity.ts'

/** Words for the same thing in the shop's language. */
const SYNONYMS = [
  ['tv', 'television', 'telly'],
  ['phone', 'smartphone', 'mobile', 'mobile phone', 'cell phone', 'cellphone'],
  ['laptop', 'notebook computer'],
  ['headphone', 'earphone', 'earbud'],
  ['charger', 'power adapter'],
  ['fridge', 'refrigerator'],
  ['vacuum', 'vacuum cleaner', 'hoover'],
  ['couch', 'sofa', 'settee'],
  ['trousers', 'pants'],
  ['sneaker', 'trainer', 'running shoe'],
  ['jumper', 'sweater', 'pullover'],
  ['pyjama', 'pajama', 'nightwear'],
  ['bike', 'bicycle'],
  ['torch', 'flashlight'],
  ['diaper', 'nappy'],
  ['pram', 'stroller', 'pushchair'],
  ['colour', 'color'],
  ['grey', 'gray'],
  ['jewellery', 'jewelry'],
  ['aluminium', 'aluminum'],
  ['backpack', 'rucksack'],
  ['handbag', 'purse'],
  ['cookware', 'pots and pans'],
  ['rug', 'carpet']
] as const

/** The products' index. Every document has a price: what nobody sells is not found. */
export const productIndex: IndexDefinition = {
  name: 'product',
  revision: 1,
  text: { title: 'A', brand: 'B', categoryName: 'C', attr: 'C', description: 'D' },
  keywords: ['brand', 'category', 'seller'],
  numbers: ['price', 'rating', 'createdAt', 'popularity'],
  attributes: 'attr',
  popularity: 'popularity',
  synonyms: SYNONYMS,
  suggest: {
    document: { field: 'title', kind: 'product' },
    keywords: [
      { field: 'brand', kind: 'brand' },
      { field: 'category', kind: 'category', label: 'categoryName' }
    ]
  }
}

/** Revisions of the popularity of one version of a product: they lie between this version and the next. */
const REVISIONS = 2 ** 20

/** The first version in the index of a version of a product. */
export const indexVersion = (productVersion: number): number => productVersion * REVISIONS

/** What popularity is made of beside the score, kept in the document so that it can be made anew. */
interface Standing {
  rating: number
  ratingCount: number
  availability: Card['availability']
}

/** A product as the index holds it; null when it is not to be found: removed, or nobody sells it. `score` is its popularity score now. */
export function indexedDocument(product: ProductDocument, score: number): IndexedDocument | null {
  if (product.removed || !product.price) return null
  const standing: Standing = { rating: product.rating.average, ratingCount: product.rating.count, availability: product.availability }
  return {
    id: product.id,
    version: indexVersion(product.version),
    doc: {
      title: product.title,
      brand: product.brand,
      category: product.categoryPath.map(({ slug }) => slug),
      categoryName: product.categoryPath.map(({ name }) => name),
      description: product.description,
      attr: product.attributes,
      seller: product.sellerIds,
      price: product.price.amount,
      createdAt: Date.parse(product.createdAt),
      popularity: popularityOf(score, standing),
      ...standing
    }
  }
}

/** The same document with another score; null when that changes nothing. */
export function withScore({ id, version, doc }: IndexedDocument, score: number): IndexedDocument | null {
  const popularity = popularityOf(score, doc as unknown as Standing)
  return popularity === doc['popularity'] ? null : { id, version: version + 1, doc: { ...doc, popularity } }
}
