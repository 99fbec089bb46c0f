import type { Suggestion } from './port.ts'
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
