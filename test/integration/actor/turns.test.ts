import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ServiceBroker } from 'moleculer'
import type { ActorView } from '../../../mixins/actor/types.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import { problem, problemType } from '../../../mixins/primitives/problem.ts'
import { createActorSchema } from '../../support/actor-schema.ts'
import { createDatabases, type TestDatabases } from '../../support/databases.ts'
import { JoinedNodes } from '../../support/joined-nodes.ts'
import { appending, thingService, type Thing, type ThingTurn } from '../../support/thing.ts'
import { until } from '../../support/until.ts'

const SCHEMA = 'turns_test'

describe('a turn', () => {
  let databases: TestDatabases
  const nodes = new JoinedNodes()
  let one: ServiceBroker
  let other: ServiceBroker
  beforeAll(async () => {
    databases = await createDatabases()
    await createActorSchema(databases.main, SCHEMA)
    one = await nodes.start('one', [thingService({ schema: SCHEMA })])
    other = await nodes.start('other', [thingService({ schema: SCHEMA })])
  })
  afterAll(async () => {
    await nodes.stopAll()
    await databases.drop()
  })

  type Options = ThingTurn['options']
  /** A turn on this very node, whoever owns the actor. */
  const turnOn = (broker: ServiceBroker, key: string, decide: ThingTurn['decide'], options?: Options, call: object = {}): Promise<unknown> =>
    broker.call('thing.turn', { key, decide, options }, { nodeID: broker.nodeID, ...call })
  const read = (key: string): Promise<ActorView<Thing>> => other.call('thing.read', { key })
  const refusal = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'no refusal', (e: Error) => problemType(e) ?? e.message)
  const operation = (bodyHash = 'body') => ({ id: newId(), bodyHash })
  const full: ThingTurn['decide'] = () => {
    throw problem('too-large', 'Full.')
  }

  test('of an actor that is not there begins it at version 1; a reader sees what was committed', async () => {
    const key = newId()
    expect(await read(key)).toEqual({ version: 0, state: null })
    expect(await turnOn(one, key, (state, version) => ({ state: { log: ['a'] }, answer: { state, version } }))).toEqual({ state: null, version: 0 })
    expect(await read(key)).toEqual({ version: 1, state: { log: ['a'] } })
  })

  test('comes after the one before it: many at once each see the last', async () => {
    const key = newId()
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => turnOn(one, key, appending(`w${i}`))))
    expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    expect((await read(key)).version).toBe(50)
  })

  test('on two nodes at once costs a second run, never a write', async () => {
    const key = newId()
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => turnOn(i % 2 ? one : other, key, appending(`w${i}`))))
    expect((answers as number[]).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(new Set((await read(key)).state!.log).size).toBe(40)
  })

  test('that refuses writes nothing', async () => {
    const key = newId()
    await turnOn(one, key, appending('a'))
    expect(await refusal(turnOn(one, key, full))).toBe('too-large')
    expect(await read(key)).toEqual({ version: 1, state: { log: ['a'] } })
  })

  test('that changed its copy of the state before it refused leaves no trace', async () => {
    const key = newId()
    await turnOn(one, key, appending('a'))
    await refusal(turnOn(one, key, (state) => {
      state!.log.push('never')
      throw problem('conflict', 'No.')
    }))
    expect(await turnOn(one, key, appending('b'))).toBe(2)
  })

  test('refuses on committed state only: what a former owner remembers is looked up first', async () => {
    const key = newId()
    await turnOn(one, key, appending('a'))
    await turnOn(other, key, appending('b'))
    const onlyAfterB: ThingTurn['decide'] = (state) => {
      if (!state?.log.includes('b')) throw problem('conflict', 'There is no b.')
      return { state, answer: 'there' }
    }
    expect(await turnOn(one, key, onlyAfterB)).toBe('there')
  })

  test('ends an actor for good: nothing that comes late finds it alive', async () => {
    const key = newId()
    await turnOn(one, key, appending('a'))
    await turnOn(other, key, () => ({ state: null, answer: null }))
    expect(await turnOn(one, key, (state, version) => ({ state, answer: { state, version } }))).toEqual({ state: null, version: 2 })
  })

  test('that is repeated under one Idempotency-Key answers as the first time, on every node, even when it would be refused', async () => {
    const key = newId()
    const meta = () => ({ meta: { operation: { ...op } } })
    const op = operation()
    expect(await turnOn(one, key, appending('a', { status: 201 }), {}, meta())).toBe(1)
    for (const node of [one, other]) {
      const again = node.call('thing.turn', { key, decide: appending('a') }, { nodeID: node.nodeID, ...meta() }) as Promise<unknown> & { ctx: { meta: object } }
      expect(await again).toBe(1)
      expect(again.ctx.meta).toMatchObject({ replayed: true, $statusCode: 201 })
      expect(await turnOn(node, key, full, {}, meta())).toBe(1)
    }
    expect(await refusal(turnOn(one, key, appending('a'), {}, { meta: { operation: { ...op, bodyHash: 'another' } } }))).toBe('idempotency-key-reused')
    expect((await read(key)).version).toBe(1)
  })

  test('that claims an Idempotency-Key is in progress until a later turn completes it', async () => {
    const [key, op] = [newId(), operation()]
    const meta = { meta: { operation: op } }
    await turnOn(one, key, appending('placing', { status: null }), {}, meta)
    expect(await refusal(turnOn(other, newId(), appending('placing', { status: null }), {}, { meta: { operation: op } }))).toBe('idempotency-key-in-progress')
    await turnOn(one, key, appending('placed', { completes: { operationId: op.id, status: 202, answer: { order: 7 } } }), { record: false }, meta)
    const again = other.call('thing.turn', { key: newId(), decide: appending('placing') }, { nodeID: 'other', meta: { operation: op } }) as Promise<unknown> & { ctx: { meta: object } }
    expect(await again).toEqual({ order: 7 })
    expect(again.ctx.meta).toMatchObject({ replayed: true, $statusCode: 202 })
  })

  test('with an operation id of its own happens once per actor, however late it is asked again', async () => {
    const [a, b] = [newId(), newId()]
    const options: Options = { operationId: 'take:order-1' }
    for (let i = 0; i < 3; i++) {
      expect(await turnOn(i % 2 ? one : other, a, appending('taken'), options, { meta: { operation: operation() } })).toBe(1)
      if (i === 0) for (let n = 0; n < 300; n++) await turnOn(one, a, appending('x'))
    }
    expect(await turnOn(one, a, full, options)).toBe(1)
    expect(await turnOn(one, b, appending('taken'), options)).toBe(1)
    expect((await read(a)).version).toBe(301)
  }, 20_000)

  test('with recall is answered again from the present state', async () => {
    const key = newId()
    const options: Options = { operationId: 'once', recall: (state, version) => ({ words: state?.log, version }) }
    await turnOn(one, key, appending('a'), options)
    await turnOn(other, key, appending('b'))
    expect(await turnOn(one, key, appending('never'), options)).toEqual({ words: ['a', 'b'], version: 2 })
    const [row] = await databases.query<{ answer: unknown; operations: object[] }>(`SELECT i.answer, a.operations FROM ${SCHEMA}.idempotency i, ${SCHEMA}.actor a WHERE i.id = $1 AND a.key = $2`, [`thing/${key}/once`, key])
    expect(row!.answer).toBeNull()
    expect(row!.operations.filter((o) => 'answer' in o)).toHaveLength(1) // b’s, which had no recall
  })

  test('of a call that the runtime repeats has its effect once, each turn of it by itself', async () => {
    const key = newId()
    const header = { headers: { actor: { by: 'caller', n: 4, low: 4, deadline: 0, key, here: true } } }
    for (const node of [one, other, one]) expect(await turnOn(node, key, appending('a'), {}, header)).toBe(1)
    const late = { headers: { actor: { by: 'caller', n: 3, low: 3, deadline: 0, key, here: true } } }
    expect(await refusal(turnOn(one, key, appending('late'), {}, late))).toBe('overloaded')
    expect((await read(key)).version).toBe(1)
    const both = { ...header, nodeID: 'other' }
    for (let i = 0; i < 2; i++) expect(await other.call('thing.appendTwice', { key: `${key}-2`, word: 'x' }, both)).toEqual([1, 2])
  })

  test('on another actor than the one that was called leaves that other one’s open calls alone', async () => {
    const [called, other] = [newId(), newId()]
    const call = (n: number, key: string) => ({ headers: { actor: { by: 'caller', n, low: n, deadline: 0, key, here: true } } })
    expect(await turnOn(one, other, appending('beside'), {}, call(9, called))).toBe(1)
    expect(await turnOn(one, other, appending('own'), {}, call(5, other))).toBe(2)
    expect(await turnOn(one, other, appending('beside'), {}, call(9, called))).toBe(1)
  })

  test('that arrives long after its caller gave up, when its other copy may be forgotten, is not run', async () => {
    const key = newId()
    const header = { headers: { actor: { by: 'gone', n: 1, low: 1, deadline: Date.now() - 61_000, key, here: true } } }
    expect(await refusal(turnOn(one, key, appending('late'), {}, header))).toBe('overloaded')
    expect((await read(key)).version).toBe(0)
  })

  test('numbers the events of its own actor, and refuses those of another', async () => {
    const key = newId()
    const event = (aggregate: string) => ({ events: [{ topic: 'thing_changed', aggregate, body: { word: 'a' } }] })
    await turnOn(one, key, appending('a', event(`thing/${key}`)))
    await turnOn(other, key, appending('b', event(`thing/${key}`)))
    expect(await refusal(turnOn(one, key, appending('c', event('thing/other'))))).toMatch(/cannot number an event of thing\/other/)
    const events = await databases.query(`SELECT number::int, topic, body FROM ${SCHEMA}.outbox WHERE aggregate = $1 ORDER BY number`, [`thing/${key}`])
    expect(events).toEqual([1, 2].map((number) => ({ number, topic: 'thing_changed', body: { word: 'a' } })))
  })

  test('with a state beyond all bounds, or one that cannot be stored, is refused alone', async () => {
    const [key, beside] = [newId(), newId()]
    const large: ThingTurn['decide'] = () => ({ state: { log: ['ü'.repeat(140_000)] }, answer: null })
    expect(await refusal(turnOn(one, key, large))).toBe('too-large')
    const [nul, fine] = await Promise.all([refusal(turnOn(one, key, () => ({ state: { log: ['\u0000'] }, answer: null }))), turnOn(one, beside, appending('a'))])
    expect(nul).toMatch(/NUL/)
    expect(fine).toBe(1)
    expect(await refusal(turnOn(one, 'bad\u001ekey', appending('a')))).toMatch(/control characters/)
    expect(await read(key)).toEqual({ version: 0, state: null })
  })

  test('survives the loss of every connection under it', async () => {
    const keys = Array.from({ length: 8 }, newId)
    let running = true
    const cutting = (async () => {
      while (running) await databases.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'souk'`)
    })()
    const acknowledged = (await Promise.all(keys.map(async (key) => {
      let count = 0
      for (let i = 0; i < 30; i++) count += await turnOn(one, key, appending(`w${i}`)).then(() => 1, () => 0)
      return count
    })))
    running = false
    await cutting
    for (const [i, key] of keys.entries()) {
      const { state } = await until('it can be read again', () => read(key).catch(() => null)) // a connection that was cut may be the first to be tried
      const log = state?.log ?? []
      expect(new Set(log).size).toBe(log.length)
      expect(log.length).toBeGreaterThanOrEqual(acknowledged[i]!)
    }
  })
})
