import { FACET_ATTRIBUTES, FACET_VALUES, type SearchResult } from './port.ts'

export type FacetValues = { value: string; count: number }[]

const byCount = (a: { value: string; count: number }, b: { value: string; count: number }): number => b.count - a.count || (a.value < b.value ? -1 : 1)

/** The most frequent values of each field, those that are shown: all fields that are no attributes, and the attributes that occur most. */
export function shown(lists: ReadonlyMap<string, FacetValues | null>, attributes: string): SearchResult['facets'] {
  return Object.fromEntries(commonest(lists, attributes).map(([field, list]) => [field, list.sort(byCount).slice(0, FACET_VALUES)]))
}

function commonest(lists: ReadonlyMap<string, FacetValues | null>, attributes: string): [string, FacetValues][] {
  const all = [...lists].filter((entry): entry is [string, FacetValues] => entry[1] !== null)
  const isAttribute = ([field]: [string, FacetValues]): boolean => field.startsWith(`${attributes}.`)
  const found = all.filter(isAttribute)
  if (found.length <= FACET_ATTRIBUTES) return all
  const ranked = found.map((entry) => ({ entry, count: entry[1].reduce((sum, { count }) => sum + count, 0) }))
  ranked.sort((a, b) => b.count - a.count || (a.entry[0] < b.entry[0] ? -1 : 1))
  return [...all.filter((entry) => !isAttribute(entry)), ...ranked.slice(0, FACET_ATTRIBUTES).map(({ entry }) => entry)]
}
