import { describe, expect, test } from '@jest/globals'
import { tsqueryText } from '../../../mixins/search/postgres-query.ts'
import { completions } from '../../../mixins/search/suggestions.ts'
import { corrected, parseText, Synonyms } from '../../../mixins/search/text-query.ts'
import { indexText, isForgiven, withinOneEdit, wordsOf } from '../../../mixins/search/words.ts'

const words = (text: string): string[] => wordsOf(text).map(({ word }) => word)

describe('words of a text', () => {
  test('are folded, and consist of letters and digits only', () => {
    expect(words('Crème-brûlée, ØRSTED! Straße 12')).toEqual(['cremebrulee', 'orsted', 'strasse', '12'])
    expect(words('')).toEqual([])
    expect(words("women's l’oréal 'quoted'")).toEqual(['womens', 'loreal', 'quoted'])
    for (const word of words('a&b | c! (d) :* <-> \\ "e" \' % _ 🙂 f\u200dg')) expect(word).toMatch(/^[\p{L}\p{N}]+$/u)
  })

  test('compounds are whole and in parts; long lists are parts only', () => {
    expect(wordsOf('USB-C 3.5mm')).toEqual([{ word: 'usbc', parts: ['usb', 'c'] }, { word: '35mm', parts: ['3', '5mm'] }])
    expect(indexText('Wi-Fi router')).toBe('wifi wi fi router')
    expect(words('a/b/c/d/e')).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
})

describe('one typing error', () => {
  test('is a letter more, less or different, or two neighbours swapped', () => {
    for (const typo of ['lantern', 'lanern', 'lantterns'.slice(0, 8), 'lanturn', 'latnern', 'antern', 'lanter', 'alntern', 'lantenr', 'xlantern', 'lanternx']) expect([typo, withinOneEdit(typo, 'lantern')]).toEqual([typo, true])
    for (const other of ['lannetr', 'lanterne2', 'natlern', 'ltnaern', 'lamturn', 'lant', '']) expect([other, withinOneEdit(other, 'lantern')]).toEqual([other, false])
  })

  test('agrees with the distance of Damerau and Levenshtein', () => {
    const alphabet = ['a', 'b', 'c']
    const all = (length: number): string[] => (length === 0 ? [''] : all(length - 1).flatMap((w) => alphabet.map((l) => w + l)))
    const list = [...all(0), ...all(1), ...all(2), ...all(3), ...all(4)]
    for (const a of list) for (const b of list) if (withinOneEdit(a, b) !== distance(a, b) <= 1) throw new Error(`${a} and ${b}`)
  })

  test('is forgiven from 5 letters, in words', () => {
    expect(['lapm', '12345', 'mp3player', 'lampe'].map(isForgiven)).toEqual([false, false, false, true])
  })

  test('is read as words with the same first letter where there are any', () => {
    const none = new Synonyms([])
    const candidates = ['cable', 'table', 'cabal', 'label'].map((word) => ({ word, stem: word }))
    expect(corrected({ typed: 'cabel', stem: 'cabel', candidates }, none)?.any).toEqual([['cable'], ['cabal']])
    expect(corrected({ typed: 'xable', stem: 'xable', candidates }, none)?.any).toEqual([['cable'], ['table']])
    expect(corrected({ typed: 'zzzzz', stem: 'zzzzz', candidates }, none)).toBeNull()
    expect(corrected({ typed: 'haedphones', stem: 'haedphon', candidates: [{ word: 'headphone', stem: 'headphon' }] }, none)?.any).toEqual([['headphone']])
  })
})

describe('a query', () => {
  const synonyms = new Synonyms([['tv', 'television'], ['mobile', 'cell phone']])

  test('demands every word, by any of its synonyms, the longest phrase first', () => {
    expect(parseText('TV stand', synonyms).map(({ any }) => any)).toEqual([[['tv'], ['television']], [['stand']]])
    expect(parseText('cell phones case', synonyms).map(({ any }) => any)).toEqual([[['cell', 'phones'], ['mobile'], ['cell', 'phone']], [['case']]])
    expect(parseText('the lamp', synonyms).map(({ any }) => any)).toEqual([[['lamp']]])
    expect(parseText('the', synonyms)).toHaveLength(1)
    expect(parseText(' ?! ', synonyms)).toEqual([])
    expect(parseText('word '.repeat(50), synonyms)).toHaveLength(32)
  })

  test('becomes the engine’s text without any operator of its own', () => {
    expect(tsqueryText(parseText("lamp:* & !tv | 'x", synonyms))).toBe('((lamp)) & ((tv) | (television)) & ((x))')
  })

  test('is completed by words of likely titles', () => {
    expect(completions('red la', ['Lamp red', 'Red lantern', 'Lamp', 'Ladder'])).toEqual([{ kind: 'query', text: 'red lamp' }, { kind: 'query', text: 'red lantern' }])
    expect(completions('!', ['Lamp'])).toEqual([])
  })
})

/** The textbook's matrix (optimal string alignment). */
function distance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)))
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      d[i]![j] = Math.min(d[i - 1]![j]! + 1, d[i]![j - 1]! + 1, d[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d[i]![j] = Math.min(d[i]![j]!, d[i - 2]![j - 2]! + 1)
    }
  }
  return d[a.length]![b.length]!
}
