import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { ServiceBroker, ServiceSchema } from 'moleculer'
import { routerOf } from '../../../mixins/actor/router.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import { createActorSchema } from '../../support/actor-schema.ts'
import { createDatabases, type TestDatabases } from '../../support/databases.ts'
import { JoinedNodes } from '../../support/joined-nodes.ts'
import { appending, thingService, type ThingTurn } from '../../support/thing.ts'
import { until } from '../../support/until.ts'

const SCHEMA = 'reminders_test'

describe('a reminder', () => {
  let databases: TestDatabases
  let nodes: JoinedNodes
  const ticks: { key: string; name: string; on: string }[] = []
  /** What a tick does after its turn. */
  let afterwards: (tick: { key: string; on: string }) => Promise<void> | void = () => {}

  const service = (): ServiceSchema =>
    thingService({
      schema: SCHEMA,
      async onReminder(ctx, key, name) {
        const tick = { key, name, on: this.broker.nodeID }
        ticks.push(tick)
        await this.actors.turn(ctx, key, appending(name))
        await afterwards(tick)
      }
    })

  beforeAll(async () => {
    databases = await createDatabases()
    await createActorSchema(databases.main, SCHEMA)
    nodes = new JoinedNodes()
    await Promise.all(['a', 'b', 'c'].map((nodeID) => nodes.start(nodeID, [service()])))
  })
  afterAll(async () => {
    await nodes.stopAll()
    await databases.drop()
  })
  afterEach(() => {
    afterwards = () => {}
  })
  const node = (nodeID: string): ServiceBroker => nodes.brokers.get(nodeID)!
  const ownerOf = (key: string): string => routerOf(node('a')).owner('thing.append', 'thing', key)!
  const turn = (nodeID: string, key: string, decide: ThingTurn['decide']): Promise<unknown> => node(nodeID).call('thing.turn', { key, decide }, { nodeID })
  const set = (key: string, name: string, inMs: number | null): Promise<unknown> =>
    turn(ownerOf(key), key, appending('set', { reminders: [{ name, at: inMs === null ? null : new Date(Date.now() + inMs).toISOString() }] }))
  const ticksOf = (key: string): string[] => ticks.filter((t) => t.key === key).map((t) => t.name)
  const logOf = async (key: string): Promise<string[]> => (await node('a').call<{ state: { log: string[] } }, object>('thing.read', { key })).state.log
  const left = async (key: string): Promise<object[]> => databases.query(`SELECT name, attempts FROM ${SCHEMA}.reminder WHERE key = $1`, [key])

  test('runs once at its time on the owner of its actor, and is forgotten', async () => {
    const keys = Array.from({ length: 12 }, newId)
    await Promise.all(keys.map((key) => set(key, 'wake', 150)))
    await until('all have run', () => keys.every((key) => ticksOf(key).length > 0))
    await until('all are forgotten', async () => (await Promise.all(keys.map(left))).flat().length === 0)
    for (const key of keys) {
      expect(ticks.filter((t) => t.key === key)).toEqual([{ key, name: 'wake', on: ownerOf(key) }])
      expect(await logOf(key)).toEqual(['set', 'wake'])
    }
  })

  test('that is set anew runs at the new time only; one that is taken back does not run', async () => {
    const [later, never, mark] = [newId(), newId(), newId()]
    await set(later, 'wake', 100)
    await set(later, 'wake', 700)
    await set(never, 'wake', 100)
    await set(never, 'wake', null)
    await set(mark, 'wake', 400)
    await until('the mark has run', () => ticksOf(mark).length > 0)
    expect(ticksOf(later)).toEqual([])
    await until('the later one has run', () => ticksOf(later).length > 0)
    expect(ticksOf(never)).toEqual([])
    expect(await left(never)).toEqual([])
  })

  test('that fails is tried again, and the turns it took before have their effect once', async () => {
    const key = newId()
    let failures = 0
    afterwards = (tick) => {
      if (tick.key === key && failures++ === 0) throw new Error('half way')
    }
    await set(key, 'wake', 0)
    await until('it was put off', async () => ((await left(key))[0] as { attempts: number } | undefined)?.attempts === 1)
    await until('it has run again', async () => (await left(key)).length === 0)
    expect(ticksOf(key)).toEqual(['wake', 'wake'])
    expect(await logOf(key)).toEqual(['set', 'wake'])
  })

  test('may set the next one', async () => {
    const key = newId()
    afterwards = async (tick) => {
      if (tick.key === key && ticksOf(key).length < 3) await turn(tick.on, key, appending('again', { reminders: [{ name: 'wake', at: new Date(Date.now() + 60).toISOString() }] }))
    }
    await set(key, 'wake', 0)
    await until('it has run three times', () => ticksOf(key).length === 3)
    await until('and no more', async () => (await left(key)).length === 0)
    expect(await logOf(key)).toEqual(['set', 'wake', 'again', 'wake', 'again', 'wake'])
  })

  test('whose owner is gone runs on the next one', async () => {
    const key = Array.from({ length: 100 }, newId).find((k) => ownerOf(k) === 'c')!
    await set(key, 'wake', 1_200)
    await nodes.stop('c')
    await until('it has run', async () => (await left(key)).length === 0)
    expect(ticks.find((t) => t.key === key)!.on).not.toBe('c')
    expect(await logOf(key)).toEqual(['set', 'wake'])
  })
})
