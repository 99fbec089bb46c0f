import { canonicalJson } from '../primitives/ids.ts'
import type { IndexDefinition, Range, SearchQuery, SearchResult } from './port.ts'
import type { Demand } from './text-query.ts'

// What every engine asks of a query and of a definition before it looks at them.

const NAME = /^[a-z][a-zA-Z0-9]{0,30}$/

/** Names become parts of tables, columns and fields, so they are plain. Throws a TypeError otherwise. */
export function checkDefinition(definition: IndexDefinition): void {
  for (const name of [definition.name, definition.popularity, ...definition.numbers]) {
    if (!NAME.test(name)) throw new TypeError(`"${name}" cannot name an index or a number field: ${NAME.source}`)
  }
}

/** What decides how documents are indexed: equal for definitions whose indexes are alike. */
export const madeBy = ({ synonyms: _, ...rest }: IndexDefinition): string => canonicalJson(rest)

export const isRange = (filter: readonly string[] | Range): filter is Range => !Array.isArray(filter)

/** Whether a field is to be counted. */
export const isWanted = ({ facets, attributeFacets }: SearchQuery, { attributes }: IndexDefinition) => (field: string): boolean =>
  facets.includes(field) || (attributeFacets === true && field.startsWith(`${attributes}.`))

/** Throws a TypeError for a range or a sort of what the definition does not number: a mistake of the caller. */
export function checkQuery({ filters, sort }: SearchQuery, { numbers }: IndexDefinition): void {
  const used = [...Object.keys(filters).filter((field) => isRange(filters[field]!)), ...(sort === 'relevance' ? [] : [sort.replace(/^-/, '')])]
  for (const field of used) if (!numbers.includes(field)) throw new TypeError(`the index has no number field "${field}"`)
}

/** Searches as the words were typed and, where that meets nothing, once more as they were probably meant; `correct` answers null where they are known. */
export async function searchForgiving(
  demands: readonly Demand[],
  search: (demands: readonly Demand[]) => Promise<SearchResult>,
  correct: (demands: readonly Demand[]) => Promise<Demand[] | null>
): Promise<SearchResult> {
  const first = await search(demands)
  const hit = first.total > 0 || Object.values(first.facets).some((values) => values.length > 0) // without one of the filters: the words are known
  if (hit || demands.every(({ typed }) => typed === null)) return first
  const meant = await correct(demands)
  return meant ? search(meant) : first
}
