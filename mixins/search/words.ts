// How text becomes words, the same for what is indexed and for what is asked, whatever the engine. Engines stem what comes out.

/** A word of a text. A compound such as `wi-fi` is one word `wifi` that may also be met as its parts. */
export interface Word {
  word: string
  parts?: readonly string[]
}

/** Longer words are cut: nobody types them, and engines refuse some. */
const WORD_MAX = 60
/** More than this many parts is a path or a list, not a compound. */
const PARTS_MAX = 4

const RUN = /[\p{L}\p{N}]+(?:[-./_&+][\p{L}\p{N}]+)*/gu
const APOSTROPHE = /(?<=\p{L})['’ʼ](?=\p{L})/gu

/** Letters that decomposition leaves as they are, though keyboards without them are used to ask. */
const PLAIN: Readonly<Record<string, string>> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i' }

/** Lower case, without accents. */
const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[ßæœøłđðþı]/g, (letter) => PLAIN[letter]!)

const cut = (word: string): string => word.slice(0, WORD_MAX)

/** The words of a text, in order. Words consist of letters and digits only. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (const [run] of fold(text).replace(APOSTROPHE, '').matchAll(RUN)) {
    const parts = run.split(/[-./_&+]/).map(cut)
    if (parts.length === 1) words.push({ word: parts[0]! })
    else if (parts.length <= PARTS_MAX) words.push({ word: cut(parts.join('')), parts })
    else words.push(...parts.map((word) => ({ word })))
  }
  return words
}

/** What an engine indexes of a text: its words and the parts of compounds, separated by spaces. */
export const indexText = (text: string): string =>
  wordsOf(text)
    .flatMap(({ word, parts = [] }) => [word, ...parts])
    .join(' ')

const LETTERS = /^\p{L}+$/u

/** Words of an indexed text that a mistyped word may have meant. */
export const isCorrection = (word: string): boolean => word.length >= 4 && word.length <= 30 && LETTERS.test(word)

/** One typing error is forgiven from 5 letters; a number or a model name is meant as it is typed. */
export const isForgiven = (word: string): boolean => word.length >= 5 && word.length <= 30 && LETTERS.test(word)

/** True when `b` is `a`, or `a` with one letter more, less or different, or with two neighbours swapped (Damerau-Levenshtein, at most 1). */
export function withinOneEdit(a: string, b: string): boolean {
  if (a === b) return true
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  const [left, right] = [a.slice(start, endA), b.slice(start, endB)]
  if (left.length <= 1 && right.length <= 1) return true
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0]
}

/** Words too common to ask for beside others. */
const STOP_WORDS = new Set('a an and are as at be but by for from if in into is it its no not of on or such that the their then there these they this to was will with you your'.split(' '))

export const isStopWord = (word: string): boolean => STOP_WORDS.has(word)
