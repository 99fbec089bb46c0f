import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { openKeys } from '../../mixins/keys/keys.ts'
import { RedisKeys } from '../../mixins/keys/redis-keys.ts'
import { RedisServer } from '../../mixins/redis/server.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { redisProgram, startRedis, startRedisCluster, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { keysContract } from './keys.contract.ts'

const storeAt = (url: string): RedisKeys => new RedisKeys(new RedisServer(url, { pipelined: true }))
const UNAVAILABLE = { type: 'unavailable', code: 503 }

if (!redisProgram) test.skip('keys in Redis: there is no redis-server', () => {})
else {
  keysContract('Redis', async () => {
    const redis = await startRedis()
    return { one: storeAt(redis.url), other: storeAt(redis.url), stop: () => redis.stop() }
  })

  keysContract('a Redis cluster', async () => {
    const cluster = await startRedisCluster()
    return { one: storeAt(cluster.url), other: storeAt(cluster.url), stop: cluster.stop }
  })

  describe('keys in Redis, when it fails', () => {
    let redis: TestRedis
    let proxy: FaultProxy
    let keys: RedisKeys
    let beside: RedisKeys
    beforeAll(async () => {
      redis = await startRedis()
      proxy = await FaultProxy.beforeUrl(redis.url)
      keys = storeAt(proxy.through(redis.url))
      beside = storeAt(redis.url)
      await keys.set('there', 1, 600_000)
    })
    afterEach(async () => {
      await proxy.heal()
      await until('the store answers again', () => keys.get(['there']).then(() => true, () => false))
    })
    afterAll(async () => {
      await Promise.all([keys.close(), beside.close()])
      await proxy.close()
      await redis.stop()
    })

    test('the configuration alone chooses it', async () => {
      process.env['REDIS_URL'] = redis.url
      try {
        const open = openKeys()
        expect((await open.get(['there']))[0]).toMatchObject({ value: 1 })
        await open.close()
      } finally {
        delete process.env['REDIS_URL']
      }
    })

    test('down: unavailable within a second or so, and back without a restart', async () => {
      await redis.kill()
      const from = Date.now()
      await expect(keys.get(['there'])).rejects.toMatchObject(UNAVAILABLE)
      await expect(keys.set('there', 2, 600_000)).rejects.toMatchObject(UNAVAILABLE)
      expect(Date.now() - from).toBeLessThan(4_000)
      await redis.start()
      await until('it answers', () => keys.get(['there']).then(() => true, () => false))
      expect(await keys.get(['there'])).toEqual([{ value: 1, version: 1 }]) // nothing that was refused comes late
    })

    test('mute: unavailable after three seconds, and what was written without an answer is there', async () => {
      proxy.muteAnswers()
      const from = Date.now()
      await expect(keys.set('mute', 'written', 600_000)).rejects.toMatchObject(UNAVAILABLE)
      expect(Date.now() - from).toBeLessThan(4_000)
      expect((await beside.get(['mute']))[0]).toEqual({ value: 'written', version: 1 })
    })

    test('a connection that hangs is given up and made anew by itself', async () => {
      proxy.pause()
      await expect(keys.get(['there'])).rejects.toMatchObject(UNAVAILABLE)
      await until('a second one is tried', () => proxy.connections > 1)
    })

    test('a server that is stopped for a while answers late or not at all, never wrongly', async () => {
      redis.pause()
      const hits = Promise.allSettled(Array.from({ length: 20 }, () => keys.hit('paused', 600_000, 1_000)))
      await expect(keys.get(['there'])).rejects.toMatchObject(UNAVAILABLE)
      expect((await hits).every((hit) => hit.status === 'rejected')).toBe(true)
      redis.resume()
    })

    test('cut half way through its answers: some are there, the others unavailable, no answer is another one\'s', async () => {
      const names = Array.from({ length: 200 }, (_, i) => `half ${i}`)
      await Promise.all(names.map((name) => beside.set(name, name, 600_000)))
      for (const bytes of [1, 100, 1_500, 3_000]) {
        proxy.cutAfter(bytes)
        const answers = await Promise.allSettled(names.map((name) => keys.get([name])))
        answers.forEach((answer, i) => {
          if (answer.status === 'fulfilled') expect(answer.value).toEqual([{ value: names[i], version: 1 }])
          else expect(answer.reason).toMatchObject(UNAVAILABLE)
        })
        expect(answers.some(({ status }) => status === 'rejected')).toBe(true)
        await until('it is connected again', () => keys.get(['there']).then(() => true, () => false))
      }
    })

    test('late: an answer within the time is an answer', async () => {
      proxy.delay(300)
      expect(await keys.get(['there'])).toEqual([{ value: 1, version: 1 }])
    })

    test('compare-and-set through cuts: of all that were acknowledged none is lost', async () => {
      let acknowledged = 0
      const cutting = setInterval(() => proxy.cut(), 15)
      const writers = Array.from({ length: 4 }, async () => {
        for (let i = 0; i < 60; i++) {
          const [entry] = await keys.get(['count']).catch(() => [undefined])
          if (entry === undefined) continue
          const done = await keys.set('count', Number(entry?.value ?? 0) + 1, 600_000, { ifVersion: entry?.version ?? 0 }).catch(() => null)
          if (done !== null) acknowledged++
        }
      })
      await Promise.all(writers)
      clearInterval(cutting)
      const [entry] = await beside.get(['count'])
      expect(acknowledged).toBeGreaterThan(0)
      expect(entry!.value).toBe(entry!.version) // each write was made from the one before
      expect(entry!.version).toBeGreaterThanOrEqual(acknowledged)
    })

    test('a server that forgot its scripts is told them again', async () => {
      await beside.set('scripts', 1, 600_000)
      await redis.command('SCRIPT', 'FLUSH', 'SYNC')
      const versions = await Promise.all(Array.from({ length: 5 }, () => beside.set('scripts', 2, 600_000)))
      expect(versions.toSorted()).toEqual([2, 3, 4, 5, 6])
    })

    test('a server without room for more refuses writes as unavailable and still reads', async () => {
      await redis.command('CONFIG', 'SET', 'maxmemory', '1')
      try {
        await expect(beside.set('full', 1, 600_000)).rejects.toMatchObject(UNAVAILABLE)
        expect((await beside.get(['there']))[0]).toMatchObject({ value: 1 })
      } finally {
        await redis.command('CONFIG', 'SET', 'maxmemory', '0')
      }
    })
  })
}
