import { afterEach, describe, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IndexDefinition, IndexedDocument, SearchIndex, SearchQuery, SearchResult } from '../../mixins/search/port.ts'
import { problemType } from '../../mixins/primitives/problem.ts'

/** Opens an index, twice by the same definition as two threads would. */
export type OpenIndex = (definition: IndexDefinition) => SearchIndex

const definition: IndexDefinition = {
  name: 'thing',
  revision: 1,
  text: { title: 'A', brand: 'B', categoryName: 'C', attr: 'C', description: 'D' },
  keywords: ['brand', 'category', 'seller'],
  numbers: ['price', 'rating', 'popularity'],
  attributes: 'attr',
  popularity: 'popularity',
  synonyms: [['tv', 'television', 'telly'], ['mobile', 'cell phone', 'smartphone'], ['sneaker', 'trainer']],
  suggest: { document: { field: 'title', kind: 'product' }, keywords: [{ field: 'brand', kind: 'brand' }, { field: 'category', kind: 'category', label: 'categoryName' }] }
}

type Doc = IndexedDocument['doc']

const thing = (id: string, doc: Doc = {}, version = 1): IndexedDocument => ({
  id,
  version,
  doc: { title: `Thing ${id}`, brand: 'Acme', category: ['all'], categoryName: ['Everything'], seller: ['s1'], price: 100, rating: 4, popularity: 0, description: '', attr: {}, ...doc }
})

const ids = (result: SearchResult): string[] => result.hits.map(({ id }) => id)
const ask = (query: Partial<SearchQuery> = {}): SearchQuery => ({ filters: {}, facets: [], sort: 'relevance', limit: 100, ...query })
const values = (result: SearchResult, field: string): Record<string, number> => Object.fromEntries((result.facets[field] ?? []).map(({ value, count }) => [value, count]))

/** The same numbers from the same seed, so that a failure repeats. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What every search engine behind the port keeps. Scores are not compared: only sets, filters, totals, facets and suggestions. */
export function searchContract(open: OpenIndex): void {
  let number = 0
  const opened: SearchIndex[] = []
  /** An index of its own for each test. */
  const fresh = (change: Partial<IndexDefinition> = {}): { index: SearchIndex; again: (change?: Partial<IndexDefinition>) => SearchIndex } => {
    const own = { ...definition, ...change, name: `thing${number++}` }
    const again = (other: Partial<IndexDefinition> = {}): SearchIndex => {
      const index = open({ ...own, ...other })
      opened.push(index)
      return index
    }
    return { index: again(), again }
  }

  afterEach(async () => {
    for (const index of opened.splice(0)) await index.close()
  })

  /** What was put is found within 2 s. */
  const until = async <T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => {
    for (const end = Date.now() + 5_000; ; ) {
      const value = await read()
      if (holds(value) || Date.now() > end) return value
      await sleep(50)
    }
  }
  const put = async (index: SearchIndex, documents: readonly IndexedDocument[]): Promise<void> => {
    const before = (await index.query(ask())).total
    await index.put(documents)
    const { total } = await until(() => index.query(ask()), (r) => r.total === before + documents.length)
    expect(total).toBe(before + documents.length)
  }
  const found = async (index: SearchIndex, text: string): Promise<string[]> => ids(await index.query(ask({ text }))).sort()

  describe('words', () => {
    test('match by stem, without regard to case and accents, in every text field', async () => {
      const { index } = fresh()
      await put(index, [
        thing('1', { title: 'Running Shoes' }),
        thing('2', { title: 'Café crème', description: 'for runners' }),
        thing('3', { title: 'Lamp', brand: 'Öko', categoryName: ['Lights'], attr: { color: 'Crimson red' } })
      ])
      expect(await found(index, 'SHOE')).toEqual(['1'])
      expect(await found(index, 'run shoes')).toEqual(['1'])
      expect(await found(index, 'cafe creme')).toEqual(['2'])
      expect(await found(index, 'café')).toEqual(['2'])
      expect(await found(index, 'oko')).toEqual(['3'])
      expect(await found(index, 'light')).toEqual(['3'])
      expect(await found(index, 'crimson')).toEqual(['3'])
      expect(await found(index, 'runner')).toEqual(['2'])
    })

    test('must all match; common words count only where there are no others', async () => {
      const { index } = fresh()
      await put(index, [thing('1', { title: 'Case for phone' }), thing('2', { title: 'Phone' }), thing('3', { title: 'The Who' })])
      expect(await found(index, 'phone case')).toEqual(['1'])
      expect(await found(index, 'the phone')).toEqual(['1', '2'])
      expect(await found(index, 'phone lamp')).toEqual([])
      expect(await found(index, 'the')).toEqual(['3'])
      expect(await found(index, ' !? ')).toEqual(['1', '2', '3'])
    })

    test('compounds are met as one word and by their parts', async () => {
      const { index } = fresh()
      await put(index, [thing('1', { title: 'Wi-Fi router' }), thing('2', { title: "Women's T-shirt" }), thing('3', { title: 'Tshirt' })])
      expect(await found(index, 'wifi')).toEqual(['1'])
      expect(await found(index, 'wi-fi')).toEqual(['1'])
      expect(await found(index, 'fi')).toEqual(['1'])
      expect(await found(index, 't-shirt')).toEqual(['2', '3'])
      expect(await found(index, 'womens')).toEqual(['2'])
    })

    test('names of models are words, also those that look like numbers', async () => {
      const { index } = fresh()
      const models = ['0295e3a5', '7e5f', '12e5', '9e4e2', '3d', '1080p', 'x9e4b']
      await put(index, models.map((model, i) => thing(`${i}`, { title: `Lamp ${model}` })))
      for (const [i, model] of models.entries()) expect([model, await found(index, `lamp ${model}`)]).toEqual([model, [`${i}`]])
    })

    test('synonyms mean the same in every form, phrases too', async () => {
      const { index } = fresh()
      await put(index, [thing('1', { title: 'Television stand' }), thing('2', { title: 'TV' }), thing('3', { title: 'Smartphone' }), thing('4', { title: 'Cell phone holder' }), thing('5', { title: 'Phone booth' })])
      expect(await found(index, 'tvs')).toEqual(['1', '2'])
      expect(await found(index, 'televisions')).toEqual(['1', '2'])
      expect(await found(index, 'mobiles')).toEqual(['3', '4'])
      expect(await found(index, 'cell phones')).toEqual(['3', '4'])
      expect(await found(index, 'smartphone holder')).toEqual(['4'])
    })

    test('one typing error is forgiven from 5 letters, in words that the index does not hold', async () => {
      const { index } = fresh()
      await put(index, [thing('1', { title: 'Headphones' }), thing('2', { title: 'Cable' }), thing('3', { title: 'Table' }), thing('4', { title: 'Lamp' }), thing('5', { title: 'Model 12345' })])
      for (const typo of ['haedphones', 'headphnes', 'headdphones', 'headphonez', 'eadphones', 'Headphomes', 'haedphone']) expect([typo, await found(index, typo)]).toEqual([typo, ['1']])
      expect(await found(index, 'cable')).toEqual(['2'])
      expect(await found(index, 'catle')).toEqual(['2'])
      expect(await found(index, 'lapm')).toEqual([])
      expect(await found(index, '12354')).toEqual([])
      expect(await found(index, 'haedphnes')).toEqual([])
      expect(await found(index, 'haedphones lamp')).toEqual([])
    })

    test('a mistyped synonym finds what the word finds', async () => {
      const { index } = fresh()
      await put(index, [thing('1', { title: 'Sneaker' }), thing('2', { title: 'Trainer' })])
      expect(await found(index, 'snaeker')).toEqual(['1', '2'])
    })

    test('text is text: nothing in it is an operator, and none of it breaks a search', async () => {
      const { index } = fresh()
      await put(index, [thing('1', { title: 'Red lamp' }), thing('2', { title: 'Blue lamp' })])
      for (const text of ['lamp & | ! ( ) :* <-> \\ \' " %', "lamp'; DROP TABLE x", 'lamp:*', '!lamp', 'lamp*', '{"query":{}} lamp'.replace('query', 'lamp')]) {
        expect([text, (await index.query(ask({ text }))).total >= 0]).toEqual([text, true])
      }
      expect(await found(index, 'red | blue')).toEqual([])
      expect(await found(index, '!red')).toEqual(['1'])
      expect(await found(index, `lamp ${'x'.repeat(150)}`)).toEqual([])
      expect(await found(index, '🙂 lamp \u{1F600}\u200d')).toEqual(['1', '2'])
    })
  })

  describe('filters and facets', () => {
    test('values of one field are alternatives, fields and ranges are joined by and', async () => {
      const { index } = fresh()
      await put(index, [
        thing('1', { brand: 'A', price: 10, attr: { color: 'red', size: 'S' } }),
        thing('2', { brand: 'B', price: 20, attr: { color: 'red', size: 'M' } }),
        thing('3', { brand: 'C', price: 30, attr: { color: 'blue' } }),
        thing('4', { brand: 'A, B', price: null })
      ])
      const by = async (filters: SearchQuery['filters']): Promise<string[]> => ids(await index.query(ask({ filters }))).sort()
      expect(await by({ brand: ['A', 'B'] })).toEqual(['1', '2'])
      expect(await by({ brand: ['A, B'] })).toEqual(['4'])
      expect(await by({ brand: ['A', 'C'], 'attr.color': ['red'] })).toEqual(['1'])
      expect(await by({ price: { gte: 20 } })).toEqual(['2', '3'])
      expect(await by({ price: { gte: 10, lte: 20 }, 'attr.color': ['red', 'blue'] })).toEqual(['1', '2'])
      expect(await by({ 'attr.size': ['XL'] })).toEqual([])
      expect(await by({ 'attr.unheard': ['of'] })).toEqual([])
      expect(await by({ brand: ['a'] })).toEqual([])
    })

    test('a facet ignores its own filter and obeys the others', async () => {
      const { index } = fresh()
      await put(index, [
        thing('1', { title: 'Red shoe', brand: 'A', category: ['all', 'shoes'], attr: { color: 'red' } }),
        thing('2', { title: 'Red hat', brand: 'B', category: ['all', 'hats'], attr: { color: 'red' } }),
        thing('3', { title: 'Blue shoe', brand: 'A', category: ['all', 'shoes'], attr: { color: 'blue' } })
      ])
      const facets = ['brand', 'category']
      const all = await index.query(ask({ facets, attributeFacets: true }))
      expect([values(all, 'brand'), values(all, 'category'), values(all, 'attr.color')]).toEqual([{ A: 2, B: 1 }, { all: 3, shoes: 2, hats: 1 }, { red: 2, blue: 1 }])
      const brand = await index.query(ask({ facets, attributeFacets: true, filters: { brand: ['A'] } }))
      expect([brand.total, values(brand, 'brand'), values(brand, 'category'), values(brand, 'attr.color')]).toEqual([2, { A: 2, B: 1 }, { all: 2, shoes: 2 }, { red: 1, blue: 1 }])
      const two = await index.query(ask({ facets, attributeFacets: true, filters: { brand: ['A'], 'attr.color': ['red'] } }))
      expect([two.total, values(two, 'brand'), values(two, 'category'), values(two, 'attr.color')]).toEqual([1, { A: 1, B: 1 }, { all: 1, shoes: 1 }, { red: 1, blue: 1 }])
      const text = await index.query(ask({ facets, text: 'shoes', filters: { category: ['hats'] } }))
      expect([text.total, values(text, 'brand'), values(text, 'category')]).toEqual([0, {}, { all: 2, shoes: 2 }])
      expect(all.facets['brand']![0]).toEqual({ value: 'A', count: 2 })
    })

    test('in random catalogues every facet count is the total that choosing the value gives', async () => {
      for (const seed of [1, 2, 3]) {
        const rnd = random(seed)
        const pick = <T>(list: readonly T[]): T => list[Math.floor(rnd() * list.length)]!
        const some = <T>(list: readonly T[]): T[] => list.filter(() => rnd() < 0.4)
        const words = ['red', 'lamp', 'shoe', 'table', 'phone', 'green']
        const { index } = fresh()
        await put(index, Array.from({ length: 60 }, (_, i) => thing(`${i}`, {
          title: `${pick(words)} ${pick(words)}`, brand: pick(['A', 'B', 'C']), category: ['all', pick(['x', 'y', 'z'])], seller: some(['s1', 's2', 's3']),
          price: rnd() < 0.1 ? null : Math.floor(rnd() * 50), attr: Object.fromEntries(some(['color', 'size']).map((name) => [name, pick(['1', '2', '3'])]))
        })))
        await index.remove(Array.from({ length: 5 }, (_, i) => ({ id: `${i * 7}`, version: 2 })))
        await until(() => index.query(ask()), (r) => r.total === 55)
        for (let n = 0; n < 6; n++) {
          const filters: Record<string, SearchQuery['filters'][string]> = {}
          if (rnd() < 0.5) filters['brand'] = [pick(['A', 'B', 'C']), pick(['A', 'B'])]
          if (rnd() < 0.5) filters['category'] = [pick(['x', 'y', 'z'])]
          if (rnd() < 0.3) filters['seller'] = [pick(['s1', 's2'])]
          if (rnd() < 0.4) filters['attr.color'] = [pick(['1', '2'])]
          if (rnd() < 0.4) filters['price'] = { gte: Math.floor(rnd() * 20), lte: 25 + Math.floor(rnd() * 25) }
          const query = ask({ filters, facets: ['brand', 'category', 'seller'], attributeFacets: true, ...(rnd() < 0.5 ? { text: pick(words) } : {}) })
          const { facets, total, hits } = await index.query(query)
          expect(hits.length).toBe(total)
          for (const [field, counted] of Object.entries(facets)) {
            for (const { value, count } of counted) {
              const { total: chosen } = await index.query({ ...query, facets: [], attributeFacets: false, filters: { ...filters, [field]: [value] } })
              expect({ seed, filters, field, value, count }).toEqual({ seed, filters, field, value, count: chosen })
            }
          }
        }
      }
    })

    test('at most a hundred values of a field, the most frequent ones', async () => {
      const { index } = fresh()
      await put(index, Array.from({ length: 121 }, (_, i) => thing(`${i}`, { brand: i < 2 ? 'Twice' : `Once ${i}` })))
      const { facets } = await index.query(ask({ facets: ['brand'], limit: 1 }))
      expect(facets['brand']).toHaveLength(100)
      expect(facets['brand']![0]).toEqual({ value: 'Twice', count: 2 })
    })
  })

  test('of many attributes the commonest are counted, and those that are filtered by', async () => {
    const { index } = fresh()
    await put(index, Array.from({ length: 25 }, (_, i) => thing(`${i}`, { attr: Object.fromEntries(Array.from({ length: 25 - i }, (__, j) => [`a${String(j).padStart(2, '0')}`, 'x'])) })))
    const names = ({ facets }: SearchResult): string[] => Object.keys(facets).sort()
    const all = await index.query(ask({ attributeFacets: true }))
    expect(names(all)).toEqual(Array.from({ length: 20 }, (_, j) => `attr.a${String(j).padStart(2, '0')}`))
    const filtered = await index.query(ask({ attributeFacets: true, filters: { 'attr.a24': ['x'] } }))
    expect(filtered.facets['attr.a24']).toEqual([{ value: 'x', count: 1 }])
  })

  describe('order and pages', () => {
    test('sorted by a number either way, without one last, ties by id', async () => {
      const { index } = fresh()
      await put(index, [thing('a', { price: 20 }), thing('b', { price: 10 }), thing('c', { price: null }), thing('d', { price: 20 }), thing('e', { price: 30 })])
      expect(ids(await index.query(ask({ sort: 'price' })))).toEqual(['b', 'a', 'd', 'e', 'c'])
      expect(ids(await index.query(ask({ sort: '-price' })))).toEqual(['e', 'a', 'd', 'b', 'c'])
      expect(ids(await index.query(ask({ sort: '-price', filters: { brand: ['Acme'] } })))).toEqual(['e', 'a', 'd', 'b', 'c'])
    })

    test('without text the more popular comes first', async () => {
      const { index } = fresh()
      await put(index, [thing('a', { popularity: 1 }), thing('b', { popularity: 50 }), thing('c')])
      expect(ids(await index.query(ask()))).toEqual(['b', 'a', 'c'])
    })

    test('pages join up to all hits, each once, in every order, with and without text', async () => {
      const { index } = fresh()
      const rnd = random(9)
      await put(index, Array.from({ length: 43 }, (_, i) => thing(`${i}`, {
        title: i % 3 === 0 ? 'lamp' : 'lamp lamp shade', price: rnd() < 0.2 ? null : Math.floor(rnd() * 5), rating: Math.floor(rnd() * 3), popularity: Math.floor(rnd() * 4)
      })))
      for (const text of ['lamp', undefined]) {
        for (const sort of ['relevance', 'price', '-price', '-rating']) {
          const seen: string[] = []
          for (let after: SearchQuery['after'] = null; ; ) {
            const { hits, total }: SearchResult = await index.query(ask({ sort, limit: 10, after, ...(text ? { text } : {}) }))
            expect(total).toBe(43)
            seen.push(...hits.map(({ id }) => id))
            if (hits.length < 10) break
            after = JSON.parse(JSON.stringify(hits.at(-1)!.position)) as (string | number)[] // as a cursor carries it
          }
          const whole = ids(await index.query(ask({ sort, ...(text ? { text } : {}) })))
          expect(seen).toEqual(whole)
          expect(new Set(seen).size).toBe(43)
        }
      }
    })
  })

  describe('writes', () => {
    test('are ordered by version: an older or equal one changes nothing', async () => {
      const { index } = fresh()
      await put(index, [thing('1', { title: 'Second' }, 2)])
      await index.put([thing('1', { title: 'First' }, 1), thing('2', { title: 'Marker' })])
      await until(() => found(index, 'marker'), (r) => r.length === 1)
      expect([await found(index, 'second'), await found(index, 'first')]).toEqual([['1'], []])
      await index.put([thing('1', { title: 'Third', brand: 'New', popularity: 3 }, 3)])
      await until(() => found(index, 'third'), (r) => r.length === 1)
      const { facets, total } = await index.query(ask({ facets: ['brand'] }))
      expect([total, values({ facets, total, hits: [] }, 'brand')]).toEqual([2, { Acme: 1, New: 1 }])
      expect(await found(index, 'second')).toEqual([])
    })

    test('of one id in one batch: the greatest version stays', async () => {
      const { index } = fresh()
      await index.put([thing('1', { title: 'Old' }, 1), thing('1', { title: 'New' }, 3), thing('1', { title: 'Middle' }, 2)])
      await until(() => found(index, 'new'), (r) => r.length === 1)
      expect([(await index.query(ask())).total, await found(index, 'middle')]).toEqual([1, []])
    })

    test('a removal stays a removal for older writes, and ends with a newer one', async () => {
      const { index } = fresh()
      await put(index, [thing('1', {}, 1), thing('2', {}, 1)])
      await index.remove([{ id: '1', version: 5 }, { id: 'never', version: 5 }])
      await until(() => index.query(ask()), (r) => r.total === 1)
      await index.put([thing('1', {}, 4), thing('never', {}, 4), thing('3')])
      await until(() => index.query(ask()), (r) => r.total === 2)
      const after = await index.query(ask({ facets: ['brand'] }))
      expect([ids(after).sort(), values(after, 'brand')]).toEqual([['2', '3'], { Acme: 2 }])
      expect((await index.suggest('thing', 10)).map(({ id }) => id).filter(Boolean).sort()).toEqual(['2', '3'])
      await index.put([thing('1', {}, 6)])
      expect((await until(() => index.query(ask()), (r) => r.total === 3)).total).toBe(3)
      await index.remove([{ id: '2', version: 1 }]) // not newer
      await index.put([thing('4')])
      expect((await until(() => index.query(ask()), (r) => r.total === 4)).total).toBe(4)
    })

    test('from several writers at once lose nothing and count right', async () => {
      const { index, again } = fresh()
      const other = again()
      await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? index : other).put(Array.from({ length: 10 }, (__, j) => thing(`${j}`, { brand: `B${i}` }, i + 1)))))
      const last = await until(() => index.query(ask({ facets: ['brand'] })), (r) => values(r, 'brand')['B19'] === 10)
      expect([last.total, values(last, 'brand')]).toEqual([10, { B19: 10 }])
    })

    test('scan and get give what is held', async () => {
      const { index } = fresh()
      await put(index, [thing('b', { title: 'Bee' }, 7), thing('a'), thing('c')])
      await index.remove([{ id: 'c', version: 2 }])
      await until(() => index.query(ask()), (r) => r.total === 2)
      const [first] = await index.scan(undefined, 1)
      expect(first!.id).toBe('a')
      expect(await index.scan('a', 10)).toEqual([thing('b', { title: 'Bee' }, 7)])
      expect(await index.scan('b', 10)).toEqual([])
      expect(await index.get(['b', 'c', 'x'])).toEqual([thing('b', { title: 'Bee' }, 7)])
    })
  })

  describe('suggestions', () => {
    test('complete the start of any word of titles, brands and categories', async () => {
      const { index } = fresh()
      await put(index, [
        thing('1', { title: 'Wireless Headphones', brand: 'Sonic', category: ['audio'], categoryName: ['Audio gear'], popularity: 5 }),
        thing('2', { title: 'Headset', brand: 'Headway', category: ['head-gear'], categoryName: ['Head gear'] }),
        thing('3', { title: 'Lamp' })
      ])
      const items = await index.suggest('hea', 10)
      expect(items).toEqual(expect.arrayContaining([
        { kind: 'query', text: 'headphones' },
        { kind: 'brand', text: 'Headway' },
        { kind: 'category', text: 'Head gear', id: 'head-gear' },
        { kind: 'product', text: 'Wireless Headphones', id: '1' },
        { kind: 'product', text: 'Headset', id: '2' }
      ]))
      expect(items.some(({ text }) => text === 'Lamp')).toBe(false)
      expect((await index.suggest('Wire hea', 10)).filter(({ kind }) => kind === 'product').map(({ id }) => id)).toEqual(['1'])
      expect((await index.suggest('gear', 10)).map(({ text }) => text)).toEqual(expect.arrayContaining(['Audio gear', 'Head gear']))
      expect((await index.suggest('h', 10)).filter(({ kind }) => kind === 'product').map(({ id }) => id).sort()).toEqual(['1', '2'])
      expect(await index.suggest('zzz', 10)).toEqual([])
      expect(await index.suggest('!', 10)).toEqual([])
      expect(await index.suggest("'&|:*", 10)).toEqual([])
      expect((await index.suggest('a', 2)).length).toBeLessThanOrEqual(2)
    })

    test('a short start finds the rare and unpopular too', async () => {
      const { index } = fresh()
      await put(index, Array.from({ length: 620 }, (_, i) => thing(`${i}`, { title: `Lamp ${i}`, popularity: 10 })))
      await put(index, [thing('z', { title: 'Zebra' })])
      const rare = await until(() => index.suggest('z', 5), (r) => r.length > 0)
      expect(rare).toEqual(expect.arrayContaining([{ kind: 'product', text: 'Zebra', id: 'z' }]))
    })
  })

  describe('building anew', () => {
    test('the old index serves until the switch; writes meanwhile are in both', async () => {
      const { index, again } = fresh()
      const elsewhere = again()
      await put(index, [thing('old'), thing('both', { title: 'Both' }, 1), thing('gone', {}, 1)])
      expect(await elsewhere.isCurrent()).toBe(false)
      const build = await index.build()
      await build.put([thing('new', { title: 'Fresh' })])
      expect(ids(await elsewhere.query(ask())).sort()).toEqual(['both', 'gone', 'old'])
      await elsewhere.put([thing('both', { title: 'Changed' }, 3), thing('late')])
      await elsewhere.remove([{ id: 'gone', version: 3 }])
      await build.put([thing('both', { title: 'Stale' }, 2), thing('gone', {}, 2)]) // read before those writes
      const before = await until(() => elsewhere.query(ask()), (r) => r.total === 3 && ids(r).includes('late'))
      expect(ids(before).sort()).toEqual(['both', 'late', 'old'])
      await build.switch()
      for (const one of [index, elsewhere]) {
        expect(ids(await one.query(ask())).sort()).toEqual(['both', 'late', 'new'])
        expect(await found(one, 'changed')).toEqual(['both'])
        expect(values(await one.query(ask({ facets: ['brand'] })), 'brand')).toEqual({ Acme: 3 })
        expect((await one.scan(undefined, 10)).map(({ id }) => id)).toEqual(['both', 'late', 'new'])
        expect((await one.suggest('fresh', 5)).map(({ id }) => id)).toContain('new')
        expect(await one.isCurrent()).toBe(true)
      }
      expect([await again({ synonyms: [] }).isCurrent(), await again({ revision: 2 }).isCurrent()]).toEqual([true, false])
      await elsewhere.put([thing('after')])
      expect((await until(() => index.query(ask()), (r) => r.total === 4)).total).toBe(4)
    })

    test('again and again, with searches and writes going on: never an error, never a document lost', async () => {
      const { index, again } = fresh()
      const reader = again()
      await put(index, Array.from({ length: 20 }, (_, i) => thing(`${i}`)))
      let building = true
      const seen: number[] = []
      const reading = (async () => {
        while (building) seen.push((await reader.query(ask({ text: 'thing', facets: ['brand'], filters: { brand: ['Acme'] } }))).total)
      })()
      const writing = (async () => {
        for (let version = 2; building; version++) {
          await reader.put([thing(`${version % 20}`, { title: `Thing ${version}` }, version)])
          await sleep(1)
        }
      })()
      for (let i = 0; i < 4; i++) {
        const build = await index.build()
        for (let after: string | undefined; ; ) {
          const page = await index.scan(after, 7)
          if (page.length === 0) break
          await build.put(page)
          after = page.at(-1)!.id
        }
        await build.switch()
      }
      building = false
      await Promise.all([reading, writing])
      expect(new Set(seen)).toEqual(new Set([20]))
    }, 90_000)

    test('one at a time; given up, it leaves no trace and takes nothing more', async () => {
      const { index, again } = fresh()
      await put(index, [thing('1')])
      const build = await index.build()
      await expect(again().build()).rejects.toMatchObject({ type: 'conflict' })
      await build.put([thing('2')])
      await build.abandon()
      expect(problemType(await build.put([thing('3')]).catch((e: unknown) => e))).toBe('conflict')
      expect(problemType(await build.switch().catch((e: unknown) => e))).toBe('conflict')
      expect(ids(await index.query(ask()))).toEqual(['1'])
      await (await again().build()).switch()
      expect((await index.query(ask())).total).toBe(0)
    })

    test('another definition: the old index serves with what it has until the new one is built', async () => {
      const { index, again } = fresh()
      await put(index, [thing('1', { color: 'red', weight: 5 })])
      await (await index.build()).switch()
      await put(index, [thing('1', { color: 'red', weight: 5 })])
      const next = again({ keywords: [...definition.keywords, 'color'], numbers: [...definition.numbers, 'weight'] })
      expect(await next.isCurrent()).toBe(false)
      const before = await next.query(ask({ facets: ['brand', 'color'] }))
      expect([before.total, values(before, 'brand'), values(before, 'color')]).toEqual([1, { Acme: 1 }, {}])
      const build = await next.build()
      await build.put([thing('1', { color: 'red', weight: 5 })])
      await index.put([thing('2', { color: 'blue', weight: 7 })]) // by a node that knows the old definition only
      await build.switch()
      const after = await until(() => next.query(ask({ facets: ['color'], filters: { weight: { gte: 1 } }, sort: '-weight' })), (r) => r.total === 2)
      expect([ids(after), values(after, 'color')]).toEqual([['2', '1'], { red: 1, blue: 1 }])
      expect((await index.query(ask())).total).toBe(2)
    })
  })
}
