import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { outboxKey, redisSlotOf } from '../../mixins/actor/redis-keys.ts'
import { RedisActors } from '../../mixins/actor/redis-actors.ts'
import { redisOrPostgresStores } from '../../mixins/actor/stores.ts'
import { RedisLanes } from '../../mixins/outbox/redis-lanes.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { RedisServer } from '../../mixins/redis/server.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { redisProgram, startRedis, startRedisCluster, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { actorStoreContract, turnOf, type ActorEngine } from './actor-store.contract.ts'

/** A store as two nodes hold it, and a look into its outbox through the relay's own reader. */
function engineAt(url: string, end: () => Promise<void>): ActorEngine {
  const servers = [new RedisServer(url), new RedisServer(url), new RedisServer(url)] as const
  const lanes = new RedisLanes(servers[2])
  return {
    one: new RedisActors(servers[0]),
    other: new RedisActors(servers[1]),
    async eventsOf(aggregate) {
      const slash = aggregate.indexOf('/')
      const entries = await lanes.read([redisSlotOf(aggregate.slice(0, slash), aggregate.slice(slash + 1))], 10_000)
      return entries.map(({ event: { aggregate: of, number, topic, body } }) => ({ aggregate: of, number, topic, body })).filter((e) => e.aggregate === aggregate)
    },
    async stop() {
      await Promise.all(servers.map((server) => server.close()))
      await end()
    }
  }
}

if (!redisProgram) test.skip('actors in Redis: there is no redis-server', () => {})
else {
  actorStoreContract('Redis', async () => {
    const redis = await startRedis()
    return engineAt(redis.url, () => redis.stop())
  })

  actorStoreContract('a Redis cluster', async () => {
    const cluster = await startRedisCluster()
    return engineAt(cluster.url, cluster.stop)
  })

  describe('actors in Redis, inside', () => {
    let redis: TestRedis
    let proxy: FaultProxy
    let servers: RedisServer[]
    let store: RedisActors
    let beside: RedisActors
    beforeAll(async () => {
      redis = await startRedis()
      proxy = await FaultProxy.beforeUrl(redis.url)
      servers = [new RedisServer(proxy.through(redis.url)), new RedisServer(redis.url)]
      store = new RedisActors(servers[0]!)
      beside = new RedisActors(servers[1]!)
    })
    afterEach(async () => {
      await proxy.heal()
      await until('the store answers again', () => store.load('thing', ['x']).then(() => true, () => false))
    })
    afterAll(async () => {
      await Promise.all(servers.map((server) => server.close()))
      await proxy.close()
      await redis.stop()
    })
    const UNAVAILABLE = { type: 'unavailable' }

    test('the configuration alone chooses it', async () => {
      process.env['REDIS_URL'] = redis.url
      try {
        const stores = redisOrPostgresStores('cart')()
        expect(stores.all).toEqual([expect.any(RedisActors)])
        await stores.close()
      } finally {
        delete process.env['REDIS_URL']
      }
    })

    test('an answer that is lost leaves the outcome unknown, and says so', async () => {
      const key = newId()
      proxy.muteAnswers()
      await expect(store.commit([turnOf(key, 0, 'written')])).rejects.toMatchObject(UNAVAILABLE)
      expect((await beside.load('thing', [key]))[0]).toMatchObject({ version: 1, state: '"written"' })
    })

    test('whatever is cut off, each turn of a batch is whole or not there', async () => {
      for (let round = 0; round < 20; round++) {
        const keys = Array.from({ length: 40 }, newId)
        const committing = store.commit(keys.map((key) => turnOf(key, 0, 'x'.repeat(5_000), { events: [{ topic: 'thing_changed', aggregate: `thing/${key}`, body: key } as never] }))).catch((error: unknown) => error)
        await sleep(round % 5)
        proxy.cut()
        const outcome = await committing
        const written = (await beside.load('thing', keys)).filter((row) => row?.state).length
        if (Array.isArray(outcome)) expect(written).toBe(40)
        else {
          expect(outcome).toMatchObject(UNAVAILABLE)
          expect([0, 40]).toContain(written)
        }
        await until('it is connected again', () => store.load('thing', ['x']).then(() => true, () => false))
      }
    })

    test('a turn with writes beside its state fails alone', async () => {
      const [good, bad] = [newId(), newId()]
      expect(await store.commit([turnOf(bad, 0, 1, { writes: [{ statement: 'INSERT', rows: [1] }] }), turnOf(good, 0, 1)])).toEqual([{ failed: expect.any(Error) }, 'done'])
    })

    test('a record lives for a day; actors live for ever', async () => {
      const [key, id] = [newId(), newId()]
      await beside.commit([turnOf(key, 0, 1, { record: { operation: { id, bodyHash: 'h' }, status: 200, answer: '1' } })])
      const keys = (await redis.command('KEYS', `*${key}*`)) as string[]
      const lives = Object.fromEntries(await Promise.all(keys.map(async (name) => [name.split(':')[2], await redis.command('PTTL', name)] as const)))
      expect(lives['actor']).toBe(-1)
      expect(lives['record']).toBeGreaterThan(86_000_000)
      expect(lives['record']).toBeLessThanOrEqual(86_400_000)
    })

    test('a server that is full refuses a batch before it has written anything of it', async () => {
      const keys = Array.from({ length: 10 }, newId)
      await redis.command('CONFIG', 'SET', 'maxmemory', '1')
      await expect(beside.commit(keys.map((key) => turnOf(key, 0, 1)))).rejects.toMatchObject(UNAVAILABLE)
      await redis.command('CONFIG', 'SET', 'maxmemory', '0')
      expect(await beside.load('thing', keys)).toEqual(keys.map(() => null))
    })

    test('what was acknowledged survives a kill of the server', async () => {
      const durable = await startRedis(['--appendfsync', 'always'])
      const server = new RedisServer(durable.url)
      const kept = new RedisActors(server)
      const keys = Array.from({ length: 200 }, newId)
      const acknowledged: string[] = []
      const writing = Promise.all(keys.map((key) => kept.commit([turnOf(key, 0, 1)]).then(() => acknowledged.push(key), () => {})))
      await until('some are answered', () => acknowledged.length > 20)
      await durable.kill()
      await writing
      await durable.start()
      const rows = await until('it answers again', () => kept.load('thing', acknowledged).catch(() => null))
      expect(rows.filter((row) => row === null)).toEqual([])
      await server.close()
      await durable.stop()
    })

    test('the events of a slot lie in the order of their commits', async () => {
      const key = newId()
      for (let version = 0; version < 5; version++) await beside.commit([turnOf(key, version, version, { events: [{ topic: 'thing_changed', aggregate: `thing/${key}`, body: version } as never] })])
      const stream = await servers[1]!.ask((client) => client.xrange(outboxKey(redisSlotOf('thing', key)), '-', '+'))
      const own = stream.map(([, fields]) => fields).filter((fields) => fields[5] === `thing/${key}`)
      expect(own.map((fields) => [fields[7], fields[9]])).toEqual([0, 1, 2, 3, 4].map((n) => [`${n + 1}`, `${n}`]))
    })
  })
}
