import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newId } from '../../mixins/primitives/ids.ts'
import type { ActorStore, Turn } from '../../mixins/actor/types.ts'

/** What is left of an event: its number and body, as the outbox holds them. */
interface StoredEvent {
  aggregate: string
  number: number
  topic: string
  body: unknown
}

/** An engine under test: a store as two nodes hold it, and a look into its outbox. */
export interface ActorEngine {
  one: ActorStore
  other: ActorStore
  eventsOf: (aggregate: string) => Promise<StoredEvent[]>
  stop: () => Promise<void>
}

const TYPE = 'thing'
const RING = [{ by: 'caller', n: 1, turn: 0, low: 1, answer: { seen: 'å' }, at: 1_700_000_000_000 }]

/** A turn that sets the whole state; overridden where a test needs it. */
export const turnOf = (key: string, loaded: number, state: unknown, more: Partial<Turn> = {}): Turn => ({
  type: TYPE,
  key,
  loaded,
  state: state === null ? null : JSON.stringify(state),
  operations: '[]',
  events: [],
  reminders: [],
  writes: [],
  ...more
})

const eventOf = (key: string, body: unknown): Turn['events'][number] => ({ topic: 'thing_changed', aggregate: `${TYPE}/${key}`, body }) as never
const recordOf = (id: string, status: number | null, answer: unknown): NonNullable<Turn['record']> => ({ operation: { id, bodyHash: 'hash' }, status, answer: JSON.stringify(answer) })

/** What every actor store must keep. */
export function actorStoreContract(engine: string, start: () => Promise<ActorEngine>): void {
  describe(`actors in ${engine}`, () => {
    let one: ActorStore
    let other: ActorStore
    let eventsOf: ActorEngine['eventsOf']
    let stop: () => Promise<void>
    beforeAll(async () => ({ one, other, eventsOf, stop } = await start()))
    afterAll(() => stop())

    const stateOf = async (key: string): Promise<{ version: number; state: unknown } | null> => {
      const [row] = await other.load(TYPE, [key])
      return row ? { version: row.version, state: row.state === null ? null : JSON.parse(row.state) } : null
    }

    test('loads in the order asked, with null where there is no actor', async () => {
      const [a, b] = [newId(), newId()]
      await one.commit([turnOf(a, 0, { text: 'ünïcode "quoted" \\ back\nslash', list: [1, null] }, { operations: JSON.stringify(RING) })])
      const [none, row, again] = await other.load(TYPE, [b, a, a])
      expect(none).toBeNull()
      expect(row).toEqual({ version: 1, state: JSON.stringify({ text: 'ünïcode "quoted" \\ back\nslash', list: [1, null] }), operations: RING })
      expect(again).toEqual(row)
      expect(await one.load(TYPE, [])).toEqual([])
    })

    test('a commit succeeds on the version that was loaded, and on no other', async () => {
      const key = newId()
      expect(await one.commit([turnOf(key, 0, 'first')])).toEqual(['done'])
      expect(await other.commit([turnOf(key, 1, 'second')])).toEqual(['done'])
      expect(await one.commit([turnOf(key, 1, 'late')])).toEqual(['stale'])
      expect(await one.commit([turnOf(key, 0, 'created again')])).toEqual(['stale'])
      expect(await one.commit([turnOf(newId(), 3, 'never there')])).toEqual(['stale'])
      expect(await stateOf(key)).toEqual({ version: 2, state: 'second' })
    })

    test('a dead actor keeps its version, so that nothing late brings it back', async () => {
      const key = newId()
      await one.commit([turnOf(key, 0, 'alive')])
      await one.commit([turnOf(key, 1, null)])
      expect(await stateOf(key)).toEqual({ version: 2, state: null })
      expect(await other.commit([turnOf(key, 1, 'zombie'), turnOf(key, 0, 'zombie')])).toEqual(['stale', 'stale'])
    })

    test('outcomes come by place: a stale and a live turn of one actor may share a batch', async () => {
      const [a, b] = [newId(), newId()]
      await one.commit([turnOf(a, 0, 0), turnOf(b, 0, 0)])
      expect(await one.commit([turnOf(a, 7, 'stale'), turnOf(b, 1, 'live'), turnOf(a, 1, 'live'), turnOf(b, 0, 'stale')])).toEqual(['stale', 'done', 'done', 'stale'])
      expect([await stateOf(a), await stateOf(b)]).toEqual([{ version: 2, state: 'live' }, { version: 2, state: 'live' }])
    })

    test('of many owners that commit on one version at once, exactly one succeeds', async () => {
      const keys = Array.from({ length: 20 }, newId)
      for (const loaded of [0, 1]) {
        const outcomes = await Promise.all([one, other, one, other].map((store, i) => store.commit(keys.map((key) => turnOf(key, loaded, i)))))
        for (const k of keys.keys()) expect(outcomes.filter((o) => o[k] === 'done')).toHaveLength(1)
      }
    })

    test('two turns of one batch that would both succeed do not: one is refused', async () => {
      const key = newId()
      const outcomes = await one.commit([turnOf(key, 0, 'a'), turnOf(key, 0, 'b')])
      expect(outcomes.filter((o) => o === 'done')).toHaveLength(1)
      const next = await one.commit([turnOf(key, 1, 'c'), turnOf(key, 1, 'd')])
      expect(next.filter((o) => o === 'done')).toHaveLength(1)
      expect((await stateOf(key))?.version).toBe(2)
    })

    test('events are numbered gap-free by their actor, in their order, and only if the turn was written', async () => {
      const [a, b] = [newId(), newId()]
      await one.commit([turnOf(a, 0, 0, { events: [eventOf(a, 'a1'), eventOf(a, 'a2')] }), turnOf(b, 0, 0, { events: [eventOf(b, 'b1')] })])
      await other.commit([turnOf(a, 1, 0)])
      await other.commit([turnOf(a, 0, 0, { events: [eventOf(a, 'stale')] }), turnOf(b, 1, 0, { events: [eventOf(b, 'b2'), eventOf(b, 'b3')] })])
      await one.commit([turnOf(a, 2, 0, { events: [eventOf(a, 'a3')] })])
      expect(await eventsOf(`${TYPE}/${a}`)).toEqual(['a1', 'a2', 'a3'].map((body, i) => ({ aggregate: `${TYPE}/${a}`, number: i + 1, topic: 'thing_changed', body })))
      expect((await eventsOf(`${TYPE}/${b}`)).map((e) => [e.number, e.body])).toEqual([[1, 'b1'], [2, 'b2'], [3, 'b3']])
    })

    test('an operation is recorded with its turn; a second turn with it writes nothing and gets the record', async () => {
      const [a, id] = [newId(), newId()]
      expect(await one.commit([turnOf(a, 0, 'once', { record: recordOf(id, 201, { n: 1 }), events: [eventOf(a, 'once')] })])).toEqual(['done'])
      const repeat = { repeat: { bodyHash: 'hash', status: 201, answer: { n: 1 } } }
      const [again, beside] = await other.commit([
        turnOf(a, 1, 'twice', { record: recordOf(id, 200, 'other'), events: [eventOf(a, 'twice')], reminders: [{ name: 'never', at: new Date(0).toISOString() }] }),
        turnOf(newId(), 0, 'beside')
      ])
      expect([again, beside]).toEqual([repeat, 'done'])
      expect(await stateOf(a)).toEqual({ version: 1, state: 'once' })
      expect(await eventsOf(`${TYPE}/${a}`)).toHaveLength(1)
      expect(await one.record(id, TYPE, a)).toEqual(repeat.repeat)
      expect(await one.record(newId(), TYPE, a)).toBeNull()
    })

    test('a stale turn records nothing', async () => {
      const [key, id] = [newId(), newId()]
      await one.commit([turnOf(key, 0, 0)])
      expect(await one.commit([turnOf(key, 0, 1, { record: recordOf(id, 200, 1) })])).toEqual(['stale'])
      expect(await one.commit([turnOf(key, 5, 1, { record: recordOf(id, 200, 1) })])).toEqual(['stale'])
      expect(await other.record(id, TYPE, key)).toBeNull()
      expect(await one.commit([turnOf(key, 1, 1, { record: recordOf(id, 200, 1) })])).toEqual(['done'])
    })

    test('of many turns with one operation at once on one actor, exactly one is written and the others get its record', async () => {
      for (let round = 0; round < 5; round++) {
        const [id, key] = [newId(), newId()]
        const turn = (i: number): Turn => turnOf(key, 0, i, { record: recordOf(id, 200, i) })
        const outcomes = (await Promise.all([one, other].map((store, s) => store.commit([0, 1, 2, 3].map((i) => turn(4 * s + i)))))).flat()
        expect(outcomes.filter((o) => o === 'done')).toHaveLength(1)
        const repeated = await Promise.all([one, other].map((store) => store.commit([turnOf(key, 1, 'again', { record: recordOf(id, 200, 'again') })])))
        const repeat = { repeat: { bodyHash: 'hash', status: 200, answer: outcomes.indexOf('done') } }
        expect(repeated).toEqual([[repeat], [repeat]])
        expect(await stateOf(key)).toEqual({ version: 1, state: outcomes.indexOf('done') })
      }
    })

    test('a claimed operation is completed by a later turn', async () => {
      const [key, id] = [newId(), newId()]
      await one.commit([turnOf(key, 0, 'placing', { record: recordOf(id, null, null) })])
      expect(await other.record(id, TYPE, key)).toEqual({ bodyHash: 'hash', status: null, answer: null })
      expect(await other.commit([turnOf(key, 0, 'stale', { completes: { operationId: id, status: 500, answer: '"stale"' } })])).toEqual(['stale'])
      await other.commit([turnOf(key, 1, 'placed', { completes: { operationId: id, status: 201, answer: '{"ok":true}' } })])
      expect(await one.record(id, TYPE, key)).toEqual({ bodyHash: 'hash', status: 201, answer: { ok: true } })
    })

    test('a poisoned turn fails alone; the others of its batch are written', async () => {
      const [a, b, c] = [newId(), newId(), newId()]
      const [first, poisoned, last] = await one.commit([turnOf(a, 0, 'fine'), turnOf(b, 0, { text: 'nul \u0000' }), turnOf(c, 0, { text: 'no nul: \\u0000' })])
      expect([first, last]).toEqual(['done', 'done'])
      expect(poisoned).toEqual({ failed: expect.any(Error) })
      expect([await stateOf(b), await stateOf(c)]).toEqual([null, { version: 1, state: { text: 'no nul: \\u0000' } }])
      const [event, beside] = await one.commit([turnOf(a, 1, 'x', { events: [eventOf(a, { text: '\u0000' })] }), turnOf(b, 0, 'fine')])
      expect(event).toEqual({ failed: expect.any(Error) })
      expect(beside).toBe('done')
      expect(await stateOf(a)).toEqual({ version: 1, state: 'fine' })
    })

    test('reminders are due at their time, are set anew, taken back, settled and put off', async () => {
      const [key, far] = [newId(), newId()]
      const dueOf = async () => (await other.due([TYPE], 1_000)).filter((r) => r.key === key || r.key === far)
      const past = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString()
      const [early, late] = [past(20), past(10)]
      await one.commit([
        turnOf(key, 0, 0, { reminders: [{ name: 'late', at: late }, { name: 'early', at: past(99) }, { name: 'early', at: early }, { name: 'not yet', at: past(-3_600) }] }),
        turnOf(far, 0, 0, { reminders: [{ name: 'far', at: past(-3_600) }] })
      ])
      const [first, second, ...none] = await dueOf()
      expect([first, second]).toMatchObject([{ key, name: 'early', at: early, attempts: 0 }, { key, name: 'late', at: late, attempts: 0 }])
      expect(first!.overdueMs).toBeGreaterThanOrEqual(19_000)
      expect(none).toEqual([])
      expect(await other.due(['nobody'], 10)).toEqual([])

      await one.postpone(first!, 3_600_000)
      await other.settle(second!)
      expect(await dueOf()).toEqual([])

      const anew = past(5)
      await one.commit([turnOf(key, 1, 0, { reminders: [{ name: 'early', at: anew }] })])
      await one.settle(first!) // ran before it was set anew: the new one stays
      await one.postpone(first!, 3_600_000)
      expect(await dueOf()).toMatchObject([{ name: 'early', at: anew, attempts: 0 }])

      await one.postpone((await dueOf())[0]!, 0)
      expect(await dueOf()).toMatchObject([{ name: 'early', at: anew, attempts: 1 }])
      expect(await one.commit([turnOf(key, 0, 0, { reminders: [{ name: 'early', at: null }] })])).toEqual(['stale'])
      expect(await dueOf()).toHaveLength(1)
      await one.commit([turnOf(key, 2, 0, { reminders: [{ name: 'early', at: null }, { name: 'not yet', at: null }] })])
      expect(await dueOf()).toEqual([])
    })

    test('batches in opposite orders, with and without operations, all end', async () => {
      const keys = Array.from({ length: 30 }, newId)
      await one.commit(keys.map((key) => turnOf(key, 0, 0)))
      const round = async (store: ActorStore, order: readonly string[], withRecord: boolean): Promise<number> => {
        const rows = await store.load(TYPE, order)
        const turns = order.map((key, i) => turnOf(key, rows[i]!.version, 1, withRecord ? { record: recordOf(newId(), 200, 1) } : {}))
        return (await store.commit(turns)).filter((o) => o === 'done').length
      }
      let done = 0
      for (let i = 0; i < 10; i++) {
        const all = await Promise.all([round(one, keys, true), round(other, keys.toReversed(), true), round(one, keys.toReversed(), false), round(other, keys, false)])
        done += all.reduce((sum, n) => sum + n)
      }
      const versions = (await one.load(TYPE, keys)).map((row) => row!.version - 1)
      expect(versions.reduce((sum, n) => sum + n)).toBe(done)
    })
  })
}
