import { isForgiven, isStopWord, wordsOf, withinOneEdit, type Word } from './words.ts'

/**
 * One demand of a query: any of the alternatives, each of them all of its words. `typed` is the word that may be a typing error,
 * null where none is assumed (short words, numbers, compounds, phrases with synonyms).
 */
export interface Demand {
  typed: string | null
  any: readonly (readonly string[])[]
}

/** Words of a query at most; the rest is not looked at. */
const WORDS_MAX = 32
const PHRASE_MAX = 3

/** Plural and singular of one English noun give one form: enough to look a synonym up. */
function singular(word: string): string {
  if (word.length < 3) return word
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (/(?:ss|x|zz|ch|sh)es$/.test(word)) return word.slice(0, -2)
  return /[^su]s$/.test(word) ? word.slice(0, -1) : word
}

const phraseKey = (words: readonly string[]): string => words.map(singular).join(' ')

/** Sets of words or short phrases that mean the same, looked up by any form of any of them. */
export class Synonyms {
  readonly #sets = new Map<string, readonly (readonly string[])[]>()

  constructor(sets: readonly (readonly string[])[]) {
    for (const set of sets) {
      const phrases = set.map((phrase) => wordsOf(phrase).map(({ word }) => word))
      for (const phrase of phrases) this.#sets.set(phraseKey(phrase), phrases)
    }
  }

  /** All phrases of the set that this one is in, this one first; undefined when it is in none. */
  of(phrase: readonly string[]): readonly (readonly string[])[] | undefined {
    const set = this.#sets.get(phraseKey(phrase))
    return set && [phrase, ...set.filter((other) => other.join(' ') !== phrase.join(' '))] // its own base form too: stems differ (tvs, tv)
  }
}

function demandOf({ word, parts }: Word, synonyms: Synonyms): Demand {
  const any = synonyms.of([word]) ?? [[word]]
  if (parts) return { typed: null, any: [...any, parts] }
  return { typed: isForgiven(word) ? word : null, any }
}

/** What a text asks for: every demand must be met. Without any word it asks for nothing, and everything matches. */
export function parseText(text: string, synonyms: Synonyms): Demand[] {
  const all = wordsOf(text).slice(0, WORDS_MAX)
  const telling = all.filter(({ word }) => !isStopWord(word))
  const words = telling.length > 0 ? telling : all
  const demands: Demand[] = []
  for (let at = 0; at < words.length; ) {
    const phrase = longestPhrase(words, at, synonyms)
    demands.push(phrase ? { typed: null, any: phrase.any } : demandOf(words[at]!, synonyms))
    at += phrase?.length ?? 1
  }
  return demands
}

function longestPhrase(words: readonly Word[], at: number, synonyms: Synonyms): { length: number; any: Demand['any'] } | null {
  for (let length = Math.min(PHRASE_MAX, words.length - at); length > 1; length--) {
    const any = synonyms.of(words.slice(at, at + length).map(({ word }) => word))
    if (any) return { length, any }
  }
  return null
}

/** A word that the index does not hold, with words of the index that share letters with it. */
export interface Unknown {
  typed: string
  stem: string
  candidates: readonly { word: string; stem: string }[]
}

/**
 * The demand as it was probably meant: the words of the index one typing error away, by their own form or by their stem. Those
 * with the same first letter if there are any, for people seldom miss the first one. Null when there is none.
 */
export function corrected({ typed, stem, candidates }: Unknown, synonyms: Synonyms): Demand | null {
  const near = candidates.filter((c) => withinOneEdit(typed, c.word) || (stem.length >= 4 && withinOneEdit(stem, c.stem)))
  const likely = near.filter(({ word }) => word[0] === typed[0])
  const meant = likely.length > 0 ? likely : near
  return meant.length > 0 ? { typed: null, any: meant.flatMap(({ word }) => synonyms.of([word]) ?? [[word]]) } : null
}
