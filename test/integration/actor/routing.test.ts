import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Context, ServiceBroker, ServiceSchema } from 'moleculer'
import { newId } from '../../../mixins/primitives/ids.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { routerOf } from '../../../mixins/actor/router.ts'
import { service, type Ctx } from '../../../mixins/runtime/service.ts'
import { createActorSchema } from '../../support/actor-schema.ts'
import { createDatabases, type TestDatabases } from '../../support/databases.ts'
import { JoinedNodes } from '../../support/joined-nodes.ts'
import { thingService } from '../../support/thing.ts'
import { until } from '../../support/until.ts'

const SCHEMA = 'routing_test'

describe('a call to an actor', () => {
  let databases: TestDatabases
  let nodes: JoinedNodes
  let caller: ServiceBroker
  /** Calls that reached a handler, by node. */
  const arrived: { on: string; key: string; headers: object; meta: object }[] = []
  let hang: string | null = null
  const hanging: (() => void)[] = []

  /** An action that tells where it ran, and may hang there for as long as the test wants. */
  const spot = (): ServiceSchema => {
    const handler = async function (this: { broker: ServiceBroker }, ctx: Ctx<{ key: string }>): Promise<string> {
      arrived.push({ on: this.broker.nodeID, key: ctx.params.key, headers: { ...ctx.headers }, meta: { ...ctx.meta } })
      if (hang === this.broker.nodeID) await new Promise<void>((resolve) => hanging.push(resolve))
      return this.broker.nodeID
    }
    const actor = { type: 'spot', key: 'key' }
    return service({
      name: 'spot',
      actions: {
        find: { actor, handler },
        findSafely: { actor, retrySafe: true, handler },
        nested: { handler: (ctx: Context<{ key: string }>) => ctx.call('spot.find', ctx.params) },
        around: { actor, handler: (ctx: Context<{ key: string }>) => ctx.call('spot.plain', ctx.params) },
        plain: { handler },
        mark: {
          actor,
          handler(ctx: Ctx<{ key: string }>) {
            ctx.meta.$statusCode = 202
            return null
          }
        }
      }
    })
  }

  beforeAll(async () => {
    databases = await createDatabases()
    await createActorSchema(databases.main, SCHEMA)
  })
  afterAll(() => databases.drop())
  afterEach(() => {
    hang = null
    for (const release of hanging.splice(0)) release()
    arrived.length = 0
  })
  const services = (): ServiceSchema[] => [spot(), thingService({ schema: SCHEMA })]
  async function start(owners: Record<string, Record<string, unknown>>, site: Record<string, unknown> = {}): Promise<void> {
    nodes = new JoinedNodes()
    const [first] = await Promise.all([nodes.start('caller', [], site), ...Object.entries(owners).map(([nodeID, metadata]) => nodes.start(nodeID, services(), metadata))])
    caller = first!
  }
  const find = (key: string, options: object = {}): Promise<string> => caller.call('spot.find', { key }, options)
  const ownerOf = (key: string): string => routerOf(caller).owner('spot.find', 'spot', key)!
  const keyOf = (owner: string): string => Array.from({ length: 1_000 }, (_, i) => `k${i}`).find((key) => ownerOf(key) === owner)!
  const keys = Array.from({ length: 60 }, (_, i) => `k${i}`)

  describe('among nodes that stay', () => {
    beforeAll(() => start({ a: {}, b: {}, c: {} }))
    afterAll(() => nodes.stopAll())

    test('runs on its owner, the same one from every node, and all nodes own some', async () => {
      const owners = await Promise.all(keys.map((key) => find(key)))
      expect(new Set(owners)).toEqual(new Set(['a', 'b', 'c']))
      for (const broker of nodes.brokers.values()) expect(await Promise.all(keys.map((key) => broker.call('spot.find', { key })))).toEqual(owners)
      expect(await Promise.all(keys.map((key) => caller.call('spot.nested', { key })))).toEqual(owners)
    })

    test('carries its number in headers that the calls it makes do not inherit, and its meta comes back', async () => {
      await caller.call('spot.around', { key: 'k' })
      expect(arrived).toHaveLength(1)
      expect(arrived[0]!.headers).toEqual({})
      await find('k', { meta: { requestId: 'r1' } })
      expect(arrived[1]).toMatchObject({ headers: { actor: { n: expect.any(Number), deadline: expect.any(Number) } }, meta: { requestId: 'r1' } })
      const marked = caller.call('spot.mark', { key: 'k' }) as Promise<unknown> & { ctx: { meta: object } }
      await marked
      expect(marked.ctx.meta).toMatchObject({ $statusCode: 202 })
    })

    test('to a node that has not heard of the owner is sent on by it', async () => {
      const key = keyOf('b')
      const router = routerOf(caller)
      const table = router.table('spot.find', 'spot', key)
      const owner = table.owner.bind(table)
      table.owner = () => 'a' // what a caller believes that has not heard of b
      expect(await find(key)).toBe('b')
      table.owner = owner
      expect(arrived.map((c) => c.on)).toEqual(['b'])
    })

    test('ends, wherever it is, when two nodes send it to each other', async () => {
      const key = keyOf('a')
      const table = routerOf(nodes.brokers.get('a')!).table('spot.find', 'spot', key)
      const owner = table.owner.bind(table)
      table.owner = () => 'b' // and b says a
      expect(['a', 'b']).toContain(await find(key))
      table.owner = owner
      expect(arrived).toHaveLength(1)
    })

    test('pinned by its caller runs where it was sent', async () => {
      expect(await find(keyOf('a'), { nodeID: 'b' })).toBe('b')
    })

    test('that fails of itself is not repeated', async () => {
      await expect(caller.call('spot.find', {})).resolves.toBeDefined() // no key: whoever comes first; a schema would refuse it
      const failing = caller.call('thing.append', { key: 'bad\u001e', word: 'x' }).catch((e: Error) => problemType(e) ?? e.message)
      expect(await failing).toMatch(/control characters/)
    })

    test('to an owner that hangs is repeated on the next one when half of its time is over', async () => {
      const key = keyOf('a')
      hang = 'a'
      expect(['b', 'c']).toContain(await caller.call('spot.findSafely', { key }, { timeout: 200 }))
      expect(await find(key, { timeout: 100 }).catch((e: { type: string }) => e.type)).toBe('REQUEST_TIMEOUT')
      expect(arrived.map((c) => c.on)).toEqual(['a', expect.stringMatching(/[bc]/), 'a'])
    })

    test('to an owner that is lost is repeated on the next one with the same number if the action is safe, and else fails', async () => {
      const lose = async (nodeID: string): Promise<void> => {
        await until('it hangs there', () => arrived.some((c) => c.on === nodeID))
        caller.registry.discoverer.remoteNodeDisconnected(nodeID, true)
      }
      const key = keyOf('a')
      hang = 'a'
      const [answer] = await Promise.all([caller.call('spot.findSafely', { key }), lose('a')])
      expect(['b', 'c']).toContain(answer)
      const [first, second] = arrived.map((c) => c.headers as { actor: { by: string; n: number; here: boolean } })
      expect(second!.actor).toEqual({ ...first!.actor, here: true })

      const other = keyOf('b')
      arrived.length = 0
      hang = 'b'
      const [failure] = await Promise.all([find(other).catch((e: { type: string }) => e.type), lose('b')])
      expect(failure).toBe('REQUEST_REJECTED')
      expect(arrived).toHaveLength(1)
    })
  })

  describe('among nodes that come and go', () => {
    afterEach(() => nodes.stopAll())

    test('goes to the next owner when its node stops, and nothing else moves', async () => {
      await start({ a: {}, b: {}, c: {} })
      const before = keys.map(ownerOf)
      await nodes.stop('b')
      const after = await Promise.all(keys.map((key) => find(key)))
      for (const [i, owner] of before.entries()) {
        if (owner !== 'b') expect(after[i]).toBe(owner)
        else expect(['a', 'c']).toContain(after[i])
      }
      await nodes.start('b', services())
      expect(await Promise.all(keys.map((key) => find(key)))).toEqual(before)
    })

    test('avoids nodes that drain, unless all do', async () => {
      await start({ a: { draining: true } })
      expect(await find('k1')).toBe('a')
      await nodes.start('b', services())
      expect(new Set(await Promise.all(keys.map((key) => find(key))))).toEqual(new Set(['b']))
    })

    test('stays in its home site, or in the caller’s where its key names none', async () => {
      await start({ 'ny-1': { site: 'ny' }, 'la-1': { site: 'la' } }, { site: 'ny' })
      expect(new Set(await Promise.all(keys.map((key) => find(key))))).toEqual(new Set(['ny-1']))
      routerOf(caller).siteOf = (_type, key) => /^(ny|la|va)\./.exec(key)?.[1] ?? null
      expect(await find('la.k')).toBe('la-1')
      expect(await find('k')).toBe('ny-1')
      const unreachable = caller.call('spot.find', { key: 'va.k' }) as Promise<unknown> & { ctx?: unknown }
      await expect(unreachable).rejects.toMatchObject({ type: 'unavailable', code: 503 })
      expect(unreachable.ctx).toBeUndefined()
    })

    test('has its effect once, whatever comes and goes meanwhile: rolling restarts lose no call and no turn', async () => {
      await start({ a: {}, b: {}, c: {} })
      const things = Array.from({ length: 12 }, newId)
      let running = true
      const acknowledged = new Map(things.map((key) => [key, [] as string[]]))
      const failures: unknown[] = []
      let words = 0
      const clients = things.map(async (key) => {
        while (running) {
          const word = `w${words++}`
          try {
            const { length } = await caller.call<{ length: number }, object>('thing.append', { key, word })
            acknowledged.get(key)!.push(word)
            expect(length).toBe(acknowledged.get(key)!.length)
          } catch (error) {
            failures.push(error)
          }
        }
      })
      for (const nodeID of ['a', 'b', 'c']) {
        await nodes.stop(nodeID)
        await nodes.start(nodeID, services())
      }
      await nodes.start('d', services())
      running = false
      await Promise.all(clients)
      expect(failures).toEqual([])
      for (const key of things) expect(await caller.call('thing.read', { key })).toMatchObject({ state: { log: acknowledged.get(key) } })
      expect(Math.min(...[...acknowledged.values()].map((a) => a.length))).toBeGreaterThan(5)
    }, 30_000)
  })
})
