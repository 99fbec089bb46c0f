import type { estypes } from '@elastic/elasticsearch'
import { boostOf, numberOf, tagsOf, textOf, titleOf } from './document.ts'
import type { IndexDefinition } from './port.ts'
import { indexText, wordsOf } from './words.ts'
import type { Write } from './write.ts'

// How documents lie in Elasticsearch. Words are made here, as for every engine (words.ts); the engine stems them and no more. Only
// features are used that its smallest distribution has: no scripts, no ingest, no re-indexing inside of it.

/** Between the parts of a value that names several things; no part holds it. */
export const SEPARATOR = '\u001f'
/** A longer value is neither filtered by nor counted: the engine takes none of 32 KB. */
const VALUE_MAX = 8_000

/** Fields of an index. */
export const keywordField = (field: string): string => `k_${field}`
export const numberField = (field: string): string => `n_${field}`
export const labelField = (field: string): string => `l_${field}`

const TEXT = { type: 'text', analyzer: 'stems' } as const
const keyword = { type: 'keyword', ignore_above: VALUE_MAX } as const
const number = { type: 'double' } as const

/** One shard, so that counts are exact; a replica where there is a second node. Refreshed every second, so what was put is found within two. */
const SETTINGS: estypes.IndicesIndexSettings = {
  number_of_shards: 1,
  auto_expand_replicas: '0-1',
  refresh_interval: '1s',
  analysis: {
    filter: { stem: { type: 'stemmer', language: 'porter2' } },
    analyzer: { stems: { type: 'custom', tokenizer: 'standard', filter: ['stem'] }, plain: { type: 'custom', tokenizer: 'standard', filter: [] } }
  }
}

function mappings({ keywords, numbers, suggest }: IndexDefinition): estypes.MappingTypeMapping {
  const fields = (names: readonly string[], name: (field: string) => string, property: estypes.MappingProperty): Record<string, estypes.MappingProperty> => Object.fromEntries(names.map((field) => [name(field), property]))
  const starts = { type: 'text', analyzer: 'plain', norms: false, index_options: 'docs', index_prefixes: { min_chars: 1, max_chars: 8 } } as const
  return {
    dynamic: false,
    properties: {
      id: { type: 'keyword' },
      removed: { type: 'boolean' },
      a: TEXT,
      b: TEXT,
      c: TEXT,
      words: { ...TEXT, norms: false, index_options: 'docs' as const }, // all texts, for matching
      plain: { type: 'text', analyzer: 'plain', norms: false, index_options: 'docs' as const }, // the same words whole: what a mistyped one may have meant
      names: starts,
      labels: starts,
      boost: number,
      popularity: number,
      attrs: keyword, // name and value
      ...fields(keywords, keywordField, keyword),
      ...fields(suggest.keywords.map(({ field }) => field), labelField, keyword),
      ...fields(numbers, numberField, number),
      title: { type: 'keyword', index: false, doc_values: false },
      doc: { type: 'object', enabled: false }
    }
  }
}

export const indexBody = (definition: IndexDefinition): { settings: estypes.IndicesIndexSettings; mappings: estypes.MappingTypeMapping } => ({ settings: SETTINGS, mappings: mappings(definition) })

/** What is stored of a document. A removal leaves a tombstone, so that an older write does not bring it back. */
export function sourceOf({ id, doc }: Write, definition: IndexDefinition): Record<string, unknown> {
  if (doc === null) return { id, removed: true }
  const [a, b, c, d] = (['A', 'B', 'C', 'D'] as const).map((weight) => indexText(textOf(doc, definition, weight)))
  const words = [a, b, c, d].filter(Boolean).join(' ')
  const title = titleOf(doc, definition)
  const popularity = numberOf(doc, definition.popularity) ?? 0
  const tags = tagsOf(doc, definition)
  const fields: Record<string, string[]> = {}
  const add = (field: string, value: string): void => void (fields[field] ??= []).push(value)
  const labels: string[] = []
  for (const { field, value, suggestion } of tags) {
    if (definition.keywords.includes(field)) add(keywordField(field), value)
    else add('attrs', `${field.slice(definition.attributes.length + 1)}${SEPARATOR}${value}`)
    if (!suggestion) continue
    const spelled = indexText(suggestion.label)
    labels.push(spelled)
    add(labelField(field), [spelled, suggestion.label, value].join(SEPARATOR))
  }
  const numbers = definition.numbers.flatMap((field) => {
    const value = numberOf(doc, field)
    return value === null ? [] : [[numberField(field), value]]
  })
  return { id, removed: false, a, b, c, words, plain: words, names: indexText(title), labels, boost: boostOf(popularity), popularity, title, ...fields, ...Object.fromEntries(numbers), doc }
}

/** The words that a started text begins, as the engine's prefixes. */
export const startsOf = (prefix: string): string[] => wordsOf(prefix).flatMap(({ word, parts }) => parts ?? [word])
