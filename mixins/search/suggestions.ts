import type { IndexDefinition, Suggestion } from './port.ts'
import { isStopWord, wordsOf } from './words.ts'

/** Queries proposed beside documents and keywords. */
const QUERIES_MAX = 2

/**
 * Queries that complete what was typed: its last word becomes the word of a suggested title that starts with it. `titles` come
 * most popular first, so the first completions are the likeliest.
 */
export function completions(prefix: string, titles: readonly string[]): Suggestion[] {
  const typed = wordsOf(prefix).map(({ word }) => word)
  const last = typed.pop()
  if (last === undefined) return []
  const texts = new Set<string>()
  for (const title of titles) {
    const whole = wordsOf(title).find(({ word }) => word.startsWith(last) && word !== last && !isStopWord(word) && !typed.includes(word))
    if (whole) texts.add([...typed, whole.word].join(' '))
    if (texts.size === QUERIES_MAX) break
  }
  return [...texts].map((text) => ({ text, kind: 'query' }))
}

/** A value that is suggested, and in how many documents it is. */
export type SuggestedKeyword = [kind: string, label: string, value: string, count: number]

/** Suggestions from what an engine found, best first: documents by popularity, keywords by frequency. Neither crowds the other out. */
export function suggestionsOf({ suggest }: IndexDefinition, prefix: string, documents: readonly [id: string, title: string][], keywords: readonly SuggestedKeyword[], limit: number): Suggestion[] {
  const labelled = new Set(suggest.keywords.filter((k) => k.label).map((k) => k.kind))
  const titled = documents.map(([id, text]) => ({ text, kind: suggest.document.kind, id }))
  const room = Math.max(Math.ceil(limit / 2), limit - titled.length)
  return [
    ...completions(prefix, titled.map(({ text }) => text)),
    ...keywords.slice(0, room).map(([kind, text, value]) => ({ text, kind, ...(labelled.has(kind) ? { id: value } : {}) })),
    ...titled
  ].slice(0, limit)
}
