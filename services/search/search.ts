import { decodeCursor, encodeCursor } from '../../mixins/primitives/page.ts'
import { invalidField } from '../../mixins/primitives/problem.ts'
import type { ParamsOf } from '../../mixins/runtime/calls.ts'
import type { Range, SearchQuery, SearchResult } from '../../mixins/search/port.ts'
import type { SearchAnswer, searchActions, SearchSort } from './search.contract.ts'

// What a shopper asks, as the index takes it. Pure.

export type SearchParams = ParamsOf<(typeof searchActions)['search.worker.query']>

/** Searches of a thread at once; what comes beyond would only wait for the engine. */
export const UNDER_WAY_MAX = 500

/** Hits of a page unless told. */
export const PAGE_DEFAULT = 20

/** Facets that every answer has; attributes come beside them. */
const FACETS = ['brand', 'category', 'seller'] as const

const SORTS: Record<SearchSort, string> = { relevance: 'relevance', price: 'price', '-price': '-price', rating: '-rating', newest: '-createdAt' }

const range = (bounds: { gte?: number | undefined; lte?: number | undefined }): Range | null => {
  const { gte, lte } = bounds
  return gte === undefined && lte === undefined ? null : { ...(gte === undefined ? {} : { gte }), ...(lte === undefined ? {} : { lte }) }
}

/** The position that a cursor holds. One made under another sort is not of this list. */
function positionOf(cursor: string | undefined, sort: SearchSort): [number, string] | null {
  const position = decodeCursor(cursor, 3)
  if (!position) return null
  const [of, key, id] = position
  if (of !== sort || typeof key !== 'number' || typeof id !== 'string') throw invalidField('cursor', 'cursor', 'is not a cursor of this list')
  return [key, id]
}

/** The index's query for a page and one hit more, which says whether there is another page. `validation-failed` for a foreign cursor. */
export function toQuery({ q, category, brand, seller, minPrice, maxPrice, minRating, attr = {}, sort = 'relevance', limit = PAGE_DEFAULT, cursor }: SearchParams): SearchQuery {
  const filters = {
    category, brand, seller,
    price: range({ gte: minPrice, lte: maxPrice }),
    rating: range({ gte: minRating }),
    ...Object.fromEntries(Object.entries(attr).map(([name, values]) => [`attr.${name}`, values]))
  }
  return {
    ...(q ? { text: q } : {}),
    filters: Object.fromEntries(Object.entries(filters).filter((entry): entry is [string, string[] | Range] => !!entry[1])),
    facets: FACETS,
    attributeFacets: true,
    sort: SORTS[sort],
    after: positionOf(cursor, sort),
    limit: limit + 1
  }
}

/** One page of an answer to `toQuery`'s query. */
export function toAnswer({ hits, total, facets }: SearchResult, { sort = 'relevance', limit = PAGE_DEFAULT }: SearchParams): SearchAnswer {
  const shown = hits.slice(0, limit)
  const last = shown.at(-1)
  return {
    ids: shown.map(({ id }) => id),
    total,
    facets,
    nextCursor: hits.length > limit && last ? encodeCursor([sort, ...last.position]) : null
  }
}
