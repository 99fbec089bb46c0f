/** Whole units of currency: what cheap and dear ones cost. */
export type PriceRange = readonly [from: number, to: number]

/** What kind of thing a leaf sells, with the picture that stands for it (an icon of Fluent Emoji Flat), and its price where it is not that of the leaf. */
export type Noun = readonly [name: string, icon: string, price?: PriceRange]

/** A leaf of the tree: everything that products in it are made of. */
export interface Leaf {
  slug: string
  name: string
  nouns: readonly Noun[]
  price: PriceRange
  /** Attribute → its values; the first two are part of the title. */
  attributes: Readonly<Record<string, readonly string[]>>
  /** True of anything in this leaf. */
  facts: readonly string[]
  /** Books are called by their title, not by a model. */
  book?: boolean
}

/** An inner node of the tree. */
export interface Group {
  slug: string
  name: string
  leaves: readonly Leaf[]
}

export interface Department {
  slug: string
  name: string
  /** Names of makers: every stem with every style. */
  brands: { stems: readonly string[]; styles: readonly string[] }
  /** Of these some offers are used or refurbished. */
  secondHand?: boolean
  /** Closing words of a description. */
  promises: readonly string[]
  groups?: readonly Group[]
  leaves?: readonly Leaf[]
}

type Rest = Pick<Leaf, 'attributes' | 'facts'>

export const leaf = (slug: string, name: string, price: Leaf['price'], nouns: readonly Noun[], attributes: Rest['attributes'], facts: Rest['facts']): Leaf => ({ slug, name, price, nouns, attributes, facts })
