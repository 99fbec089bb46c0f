import type { Json } from '../primitives/json.ts'
import { VALUES_MAX, type IndexDefinition } from './port.ts'

// How a document is read through its index's definition, whatever the engine.

type Doc = Readonly<Record<string, Json>>

/** A value by which documents are filtered and counted. `label` is set where it is suggested. */
export interface Tag {
  field: string
  value: string
  suggestion: { kind: string; label: string } | null
}

const textsOf = (value: Json | undefined): string[] => {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.filter((v) => typeof v === 'string')
  return value !== null && typeof value === 'object' ? Object.values(value).filter((v) => typeof v === 'string') : []
}

/** All text of one weight. */
export const textOf = (doc: Doc, definition: IndexDefinition, weight: 'A' | 'B' | 'C' | 'D'): string =>
  Object.entries(definition.text)
    .filter(([, w]) => w === weight)
    .flatMap(([field]) => textsOf(doc[field]))
    .join(' ')

/** A number field; null where the document lacks it. */
export const numberOf = (doc: Doc, field: string): number | null => {
  const value = doc[field]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** The text that names the document in suggestions. */
export const titleOf = (doc: Doc, { suggest }: IndexDefinition): string => textsOf(doc[suggest.document.field]).join(' ')

/** What relevance is multiplied by, for a popularity of 0 and more: 1 for none, 2 for 1.7, 8 for a thousand. */
export const boostOf = (popularity: number): number => 1 + Math.log1p(Math.max(0, popularity))

/** Values by which the document is filtered and counted, each once, the first `VALUES_MAX`. */
export function tagsOf(doc: Doc, { keywords, attributes, suggest }: IndexDefinition): Tag[] {
  const tags = new Map<string, Tag>()
  const add = (tag: Tag): void => void tags.set(`${tag.field}\0${tag.value}`, tag)
  for (const field of keywords) {
    const suggested = suggest.keywords.find((s) => s.field === field)
    const labels = suggested?.label ? textsOf(doc[suggested.label]) : []
    textsOf(doc[field]).forEach((value, i) => add({ field, value, suggestion: suggested ? { kind: suggested.kind, label: labels[i] ?? value } : null }))
  }
  const map = doc[attributes]
  if (map !== null && typeof map === 'object' && !Array.isArray(map)) {
    for (const [name, value] of Object.entries(map)) for (const one of textsOf(value)) add({ field: `${attributes}.${name}`, value: one, suggestion: null })
  }
  return [...tags.values()].slice(0, VALUES_MAX)
}
