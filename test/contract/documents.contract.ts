import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { OpenDocuments } from '../../mixins/documents/documents.ts'
import type { Collection, Document } from '../../mixins/documents/port.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import type { Json } from '../../mixins/primitives/json.ts'
import { problemType } from '../../mixins/primitives/problem.ts'

export interface Note extends Document {
  owner?: string
  slug?: string
  due?: string
  count: number
  nested?: { list: (string | number | null)[] }
}

export const NOTES: Collection = { name: 'note', unique: ['slug'], indexed: ['owner', 'due'] }

/** What every documents adapter promises. `open` gives a new store on the same collection each time. */
export function documentsContract(name: string, open: () => Promise<OpenDocuments<Note>>): void {
  describe(`documents: ${name}`, () => {
    let store: OpenDocuments<Note>
    let other: OpenDocuments<Note>
    const note = (fields: Partial<Note> = {}): Note => ({ id: newId(), version: 0, count: 1, ...fields })

    beforeAll(async () => {
      ;[store, other] = await Promise.all([open(), open()])
    })
    afterAll(() => Promise.all([store.close(), other.close()]))

    test('a document comes back as it was written, at version 1', async () => {
      const doc = note({ owner: 'ada', nested: { list: ['x', 1.5, null, 'ß€😀'] } })
      expect(await store.insert(doc)).toBe('done')
      expect(await other.get(doc.id)).toEqual({ ...doc, version: 1 })
      expect(await store.get(newId())).toBeNull()
    })

    test('an id is taken once, however many ask at once and wherever', async () => {
      const doc = note()
      const outcomes = await Promise.all([store, other, store, other].map((s, count) => s.insert({ ...doc, count })))
      expect(outcomes.filter((o) => o === 'done')).toHaveLength(1)
      expect((await store.get(doc.id))?.count).toBe(outcomes.indexOf('done'))
    })

    test('of two with one id in a batch the one that lost by its unique field is told so', async () => {
      const taken = note({ slug: newId() })
      await store.insert(taken)
      const id = newId()
      const outcomes = await Promise.all([store.insert(note({ id, slug: taken.slug! })), store.insert(note({ id, count: 7 }))])
      expect(outcomes).toEqual(['exists', 'done'])
      expect((await store.get(id))?.count).toBe(7)
    })

    test('a unique field holds for inserts and replacements, and only where it is present', async () => {
      const slug = newId()
      const outcomes = await Promise.all([store, other, store].map((s) => s.insert(note({ slug }))))
      expect(outcomes.toSorted()).toEqual(['done', 'exists', 'exists'])
      const [free, second] = [note(), note()]
      expect(await Promise.all([store.insert(free), store.insert(second)])).toEqual(['done', 'done'])
      const results = await Promise.allSettled([store.replace({ ...free, slug }, 1), store.replace({ ...second, count: 2 }, 1)])
      expect(problemType((results[0] as PromiseRejectedResult).reason)).toBe('conflict')
      expect(results[1]).toEqual({ status: 'fulfilled', value: true })
      expect((await store.get(free.id))?.version).toBe(1)
    })

    test('a replacement counts the version up, and only at the version it was made from', async () => {
      const doc = note()
      await store.insert(doc)
      expect(await store.replace({ ...doc, count: 2 }, 1)).toBe(true)
      expect(await other.replace({ ...doc, count: 3 }, 1)).toBe(false)
      expect(await other.get(doc.id)).toEqual({ ...doc, count: 2, version: 2 })
      expect(await store.replace(note(), 1)).toBe(false)
    })

    test('of many replacements of one version exactly one wins, and knows it', async () => {
      const doc = note()
      await store.insert(doc)
      const results = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? store : other).replace({ ...doc, count: 100 + i }, 1)))
      expect(results.filter(Boolean)).toHaveLength(1)
      expect(await store.get(doc.id)).toMatchObject({ version: 2, count: 100 + results.indexOf(true) })
    })

    test('concurrent counting by compare-and-set loses nothing', async () => {
      const doc = note({ count: 0 })
      await store.insert(doc)
      const add = async (s: OpenDocuments<Note>): Promise<void> => {
        for (;;) {
          const now = (await s.get(doc.id))!
          if (await s.replace({ ...now, count: now.count + 1 }, now.version)) return
        }
      }
      await Promise.all(Array.from({ length: 30 }, (_, i) => add(i % 2 ? store : other)))
      expect(await store.get(doc.id)).toMatchObject({ count: 30, version: 31 })
    })

    test('a document that cannot be stored fails alone', async () => {
      const good = Array.from({ length: 5 }, () => note({ owner: 'no nul: \\u0000, no half: \\ud800' }))
      for (const owner of ['nul \0', 'half a \ud83d']) {
        const results = await Promise.allSettled([...good.slice(0, 2), note({ owner }), ...good.slice(2)].map((doc) => store.insert(doc)))
        expect(results.map((r) => r.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
      }
      for (const doc of good) expect((await store.get(doc.id))?.version).toBe(1)
    })

    test('any JSON comes back as it is, whatever its fields are called', async () => {
      const odd: Json = { $set: { a: 1 }, 'a.b': [1, [2, [3]]], '': null, _id: 'x', 9: 'nine', ['__proto__ ']: false, big: 2 ** 53 - 1, small: 5e-324, negative: -1.5, long: 'x'.repeat(100_000) }
      const doc = { ...note(), odd } as unknown as Note
      expect(await store.insert(doc)).toBe('done')
      expect(JSON.parse(JSON.stringify(await other.get(doc.id)))).toEqual(JSON.parse(JSON.stringify({ ...doc, version: 1 })))
      expect(await store.replace({ ...doc, odd: [odd] } as unknown as Note, 1)).toBe(true)
      expect(await other.get(doc.id)).toEqual({ ...doc, odd: [odd], version: 2 })
    })

    test('a value that was given up can be taken by another document', async () => {
      const slug = newId()
      const [first, second] = [note({ slug }), note()]
      await Promise.all([store.insert(first), store.insert(second)])
      const { slug: _, ...without } = first
      expect(await store.replace(without, 1)).toBe(true)
      expect(await other.replace({ ...second, slug }, 1)).toBe(true)
      expect((await store.find({ slug }, { limit: 2 })).map((d) => d.id)).toEqual([second.id])
    })

    test('two readers of one turn do not share what they got', async () => {
      const doc = note({ nested: { list: [1] } })
      await store.insert(doc)
      const [a, b] = await Promise.all([store.get(doc.id), store.get(doc.id)])
      a!.nested!.list.push(2)
      expect(b!.nested!.list).toEqual([1])
    })

    test('lists are by id, page by page, in both directions', async () => {
      const owner = newId()
      const docs = Array.from({ length: 7 }, () => note({ owner }))
      await Promise.all(docs.toReversed().map((doc) => store.insert(doc)))
      const ids = docs.map((d) => d.id)
      const first = await store.find({ owner }, { limit: 4 })
      const rest = await store.find({ owner }, { limit: 4, after: first.at(-1)!.id })
      expect([...first, ...rest].map((d) => d.id)).toEqual(ids)
      const newest = await store.find({ owner }, { limit: 3, descending: true })
      const older = await store.find({ owner }, { limit: 10, descending: true, after: newest.at(-1)!.id })
      expect([...newest, ...older].map((d) => d.id)).toEqual(ids.toReversed())
    })

    test('what is due is found smallest first, up to the bound; a document without the field is not', async () => {
      const due = ['1026-01-03T00:00:00.000Z', '1026-01-01T00:00:00.000Z', '1026-01-02T00:00:00.000Z', '1026-01-04T00:00:00.000Z']
      await Promise.all([...due.map((at) => store.insert(note({ due: at }))), store.insert(note())])
      const found = await store.upTo('due', due[0]!, 10)
      expect(found.map((d) => d.due)).toEqual(due.slice(0, 3).toSorted())
      expect((await store.upTo('due', due[0]!, 2)).map((d) => d.id)).toEqual(found.slice(0, 2).map((d) => d.id))
      const { due: _, ...without } = found[0]!
      await store.replace(without, 1)
      expect((await other.upTo('due', due[0]!, 10)).map((d) => d.id)).toEqual(found.slice(1).map((d) => d.id))
    })

    test('without a condition it goes through everything', async () => {
      const seen = new Set<string>()
      for (let after: string | undefined; ; ) {
        const page = await store.find({}, { limit: 10, after })
        for (const doc of page) seen.add(doc.id)
        after = page.at(-1)?.id
        if (page.length < 10) break
      }
      const doc = note()
      await store.insert(doc)
      expect(seen.size).toBeGreaterThan(20)
      expect(await store.find({}, { limit: 1, after: [...seen].at(-1) })).toHaveLength(1)
    })

    test('a field that is not declared cannot be asked for', async () => {
      await expect(store.find({ count: '1' }, { limit: 1 })).rejects.toThrow('not indexed')
      await expect(store.upTo('count', '1', 1)).rejects.toThrow('not indexed')
    })
  })
}
