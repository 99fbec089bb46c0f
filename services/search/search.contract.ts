import { bool, int, list, nullable, object, oneOf, optional, pageQuery, queryInt, queryList, queryNumber, record, text, timestamp } from '../../mixins/primitives/schema.ts'
import { actions, type ActionsOf, type ResultOf } from '../../mixins/runtime/calls.ts'
import { cardRule } from '../product/product.contract.ts'

export const SEARCH_SORTS = ['relevance', 'price', '-price', 'rating', 'newest'] as const
export type SearchSort = (typeof SEARCH_SORTS)[number]

/** Characters of a query's text at most. */
export const TEXT_MAX = 200

const values = (what: string) => optional(queryList(text({ max: 100, trim: true, description: what }), { min: 1, max: 50 }))

/** What is searched: several values of one field are alternatives, fields are joined by and. */
const filterParams = {
  q: optional(text({ min: 0, max: TEXT_MAX, description: 'words: each must match, by stem, by synonym, or with one typing error from 5 letters' })),
  category: values('slug; descendants are included'),
  brand: values('exact name'),
  seller: values('seller id'),
  minPrice: optional(queryInt({ min: 0, description: 'minor units, inclusive' })),
  maxPrice: optional(queryInt({ min: 0, description: 'minor units, inclusive' })),
  minRating: optional(queryNumber({ min: 0, max: 5 })),
  /** Query keys `attr.<name>` arrive as one map. */
  attr: optional(record(queryList(text({ max: 200 }), { min: 1, max: 50 })))
}

const queryParams = { ...filterParams, sort: optional(oneOf(SEARCH_SORTS)), ...pageQuery }

/** Values with the number of hits that choosing them gives, most frequent first, at most 100. */
const facetRule = list(object({ value: text(), count: int({ min: 0 }) }))
/** `brand`, `category` (slugs), `seller` (ids) and `attr.<name>`. A facet ignores its own filter and obeys the others. */
const facetsRule = record(facetRule, /^(brand|category|seller|attr\.[\w .-]{1,60})$/)

const suggestParams = { q: text({ min: 1, max: TEXT_MAX, description: 'matches the start of any word' }), limit: optional(queryInt({ min: 1, max: 20 })) }
const suggestionsRule = object({
  items: list(
    object({
      text: text({ max: 500 }),
      kind: oneOf(['query', 'product', 'brand', 'category']),
      /** Of a product its id, of a category its slug. */
      id: optional(text())
    })
  )
})

export const searchActions = actions({
  'search.query': {
    params: queryParams,
    returns: object({ items: list(cardRule), total: int({ min: 0 }), facets: facetsRule, nextCursor: nullable(text({ max: 1_000 })) })
  },
  'search.suggest': { params: suggestParams, returns: suggestionsRule },

  /** As `search.query`, with product ids in place of cards. `unavailable` while the index does not answer. */
  'search.worker.query': {
    params: queryParams,
    returns: object({ ids: list(text()), total: int({ min: 0 }), facets: facetsRule, nextCursor: nullable(text({ max: 1_000 })) })
  },
  'search.worker.suggest': { params: suggestParams, returns: suggestionsRule },

  /** Fills a new index beside the one that serves, then switches. Returns at once; `running` when one is under way on any node. */
  'search.indexer.rebuild': { params: {}, returns: object({ outcome: oneOf(['started', 'running']) }) },
  'search.indexer.status': {
    params: {},
    returns: object({
      rebuild: nullable(object({ running: bool(), startedAt: timestamp(), indexed: int({ min: 0 }), finishedAt: nullable(timestamp()), error: nullable(text()) })),
      popularityAt: nullable(timestamp())
    })
  },
  /** Brings the popularity of every indexed product up to now; runs by itself every ten minutes on one node. */
  'search.indexer.popularity': { params: {}, returns: object({ changed: int({ min: 0 }) }) }
})

export type SearchAnswer = ResultOf<(typeof searchActions)['search.worker.query']>

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof searchActions> {}
}
