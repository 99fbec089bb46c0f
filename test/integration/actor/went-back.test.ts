import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ServiceBroker } from 'moleculer'
import { redisOrPostgresStores } from '../../../mixins/actor/stores.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import { JoinedNodes } from '../../support/joined-nodes.ts'
import { redisProgram, startRedis, type TestRedis } from '../../support/redis.ts'
import { appending, thingService, type Thing } from '../../support/thing.ts'

if (!redisProgram) test.skip('an actor whose state went back in time: there is no redis-server', () => {})
else {
  describe('an actor whose state went back in time, as a failover may leave it', () => {
    let redis: TestRedis
    let broker: ServiceBroker
    const nodes = new JoinedNodes()
    beforeAll(async () => {
      redis = await startRedis()
      process.env['REDIS_URL'] = redis.url
      broker = await nodes.start('one', [thingService({ schema: 'thing', stores: redisOrPostgresStores('thing') })])
    })
    afterAll(async () => {
      await nodes.stopAll()
      delete process.env['REDIS_URL']
      await redis.stop()
    })
    const append = (key: string, word: string, operationId = word): Promise<unknown> => broker.call('thing.turn', { key, decide: appending(word), options: { operationId } })
    const logOf = async (key: string): Promise<string[] | undefined> => ((await broker.call('thing.read', { key })) as { state: Thing | null }).state?.log
    const keysOf = async (key: string): Promise<string[]> => ((await redis.command('KEYS', `*${key}*`)) as string[]).filter((name) => !name.endsWith(':then'))

    /** What Redis holds of the actor now; the answer puts it back. */
    async function remember(key: string): Promise<() => Promise<void>> {
      const then = await keysOf(key)
      for (const name of then) await redis.command('COPY', name, `${name}:then`)
      return async () => {
        for (const name of await keysOf(key)) await redis.command('DEL', name)
        for (const name of then) await redis.command('RENAME', `${name}:then`, name)
      }
    }

    test('goes on from there: what was kept is not done again, what was lost is done when it is repeated', async () => {
      const key = newId()
      await append(key, 'kept')
      const goBack = await remember(key)
      expect([await append(key, 'lost'), await append(key, 'lost for ever')]).toEqual([2, 3])
      await goBack()
      expect(await append(key, 'new')).toBe(2)
      expect(await append(key, 'kept')).toBe(1)
      expect(await append(key, 'lost')).toBe(3)
      expect(await append(key, 'lost')).toBe(3)
      expect(await logOf(key)).toEqual(['kept', 'new', 'lost'])
    })

    test('begins anew where nothing of it was kept', async () => {
      const key = newId()
      const goBack = await remember(key)
      await append(key, 'lost')
      await goBack()
      expect(await append(key, 'new')).toBe(1)
      expect(await logOf(key)).toEqual(['new'])
    })
  })
}
