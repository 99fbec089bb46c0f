import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { ServiceBroker } from 'moleculer'
import { RedisActors } from '../../mixins/actor/redis-actors.ts'
import { redisSlotOf, REDIS_SLOTS } from '../../mixins/actor/redis-keys.ts'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog, EventRecord } from '../../mixins/events/port.ts'
import { RedisRelay } from '../../mixins/outbox/redis-relay.ts'
import { RedisServer } from '../../mixins/redis/server.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { loadServices } from '../../nodes/load.ts'
import '../../services/relay/relay.contract.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { redisProgram, startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { turnOf } from '../contract/actor-store.contract.ts'

const TOPIC = 'cart_updated'

/** Numbers of each aggregate in the order of their first arrival. */
function firstArrivals(events: readonly EventRecord[]): Map<string, number[]> {
  const order = new Map<string, number[]>()
  for (const { aggregate, number } of events) if (!order.get(aggregate)?.includes(number)) order.set(aggregate, [...(order.get(aggregate) ?? []), number])
  return order
}

const suite = redisProgram ? describe : describe.skip
suite('relay of actors in Redis', () => {
  let databases: TestDatabases
  let redis: TestRedis
  let log: EventLog
  let server: RedisServer
  let actors: RedisActors
  const versions = new Map<string, number>()
  const ends: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    databases = await createDatabases()
    redis = await startRedis(['--appendfsync', 'always'])
    log = openEventLog()
    server = new RedisServer(redis.url)
    actors = new RedisActors(server)
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })
  afterAll(async () => {
    await log.close()
    await server.close()
    await redis.stop()
    await databases.drop()
  })

  const keys = (prefix: string, count = 30): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
  const aggregateOf = (key: string): string => `thing/${key}`

  /** One turn of each actor, with two events. */
  async function write(names: readonly string[]): Promise<void> {
    const turns = names.map((key) => turnOf(key, versions.get(key) ?? 0, 'x', { events: [1, 2].map((n) => ({ topic: TOPIC, aggregate: aggregateOf(key), body: { n } }) as never) }))
    expect(await actors.commit(turns)).toEqual(names.map(() => 'done'))
    for (const key of names) versions.set(key, (versions.get(key) ?? 0) + 1)
  }
  function follow(prefix: string): EventRecord[] {
    const received: EventRecord[] = []
    const subscription = log.consume([TOPIC], `follow-${prefix}`, async (batch) => void received.push(...batch.filter((e) => e.aggregate.startsWith(aggregateOf(prefix)))))
    ends.push(() => subscription.stop())
    return received
  }
  function relay(options: { url?: string; log?: EventLog; owns?: (slot: number) => boolean; trouble?: (message: string) => void } = {}): RedisRelay {
    const { url = redis.url, ...rest } = options
    const started = new RedisRelay(url, { log, published: () => {}, trouble: () => {}, pollMs: 20, owns: () => true, ...rest })
    ends.push(() => started.stop())
    return started
  }
  const waiting = async (): Promise<number> => Number((await Promise.all(Array.from({ length: REDIS_SLOTS }, (_, slot) => redis.command('XLEN', `{souk:${slot}}:outbox`)))).reduce((sum: number, n) => sum + Number(n), 0))
  const all = (received: readonly EventRecord[], names: readonly string[], count: number): boolean => {
    const order = firstArrivals(received)
    return names.every((name) => order.get(aggregateOf(name))?.length === count)
  }
  const inOrder = (received: readonly EventRecord[]): void => {
    for (const numbers of firstArrivals(received).values()) expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1))
  }

  test('the relay worker brings every event into the log, in order per aggregate, and empties the outbox', async () => {
    process.env['REDIS_URL'] = redis.url
    const received = follow('all')
    const node = new ServiceBroker(brokerOptions({ nodeID: 'relay-test', logger: false }))
    await loadServices(node, ['relay.worker'])
    await node.start()
    ends.push(() => node.stop())
    delete process.env['REDIS_URL']
    const before = Date.now()
    for (let round = 0; round < 4; round++) await write(keys('all'))
    await until('all have come', () => all(received, keys('all'), 8))
    await until('the outbox is empty', async () => (await waiting()) === 0)
    inOrder(received)
    expect(received).toHaveLength(240)
    expect(received[0]).toMatchObject({ topic: TOPIC, number: expect.any(Number), body: { n: expect.any(Number) } })
    expect(Math.abs(Date.parse(received[0]!.at) - before)).toBeLessThan(20_000)
    const { outboxes } = await call(node, 'relay.worker.status', {})
    expect(outboxes.find((o) => o.database === 'redis')).toMatchObject({ schema: 'actors', waiting: 0, oldestSeconds: null, lanes: Array.from({ length: REDIS_SLOTS }, (_, i) => i) })
  })

  test('says what waits while nobody sends it', async () => {
    const stuck = relay({ log: { ...log, publish: () => Promise.reject(new Error('the log is down')) } })
    await write(keys('waiting', 5))
    expect(await stuck.status()).toEqual([{ database: 'redis', schema: 'actors', waiting: 10, oldestSeconds: expect.any(Number), lanes: expect.any(Array) }])
    const received = follow('waiting')
    await ends.shift()!() // the stuck one
    relay()
    await until('all have come', () => all(received, keys('waiting', 5), 2))
  })

  test('relays that disagree about who sends a slot cost repeats, never order', async () => {
    const received = follow('both')
    relay()
    relay()
    for (let round = 0; round < 10; round++) await write(keys('both'))
    await until('all have come', () => all(received, keys('both'), 20))
    await until('the outbox is empty', async () => (await waiting()) === 0)
    inOrder(received)
  })

  test('what one relay does not own it leaves, until it does', async () => {
    const received = follow('owned')
    let half = true
    relay({ owns: (slot) => !half || slot % 2 === 0 })
    await write(keys('owned'))
    const even = keys('owned').filter((key) => redisSlotOf('thing', key) % 2 === 0)
    await until('its own have come', () => all(received, even, 2))
    expect(received).toHaveLength(even.length * 2)
    half = false
    await until('all have come', () => all(received, keys('owned'), 2))
  })

  test('a Redis that is cut off, and killed, in the middle of a backlog costs repeats, never events', async () => {
    const received = follow('cut')
    const proxy = await FaultProxy.beforeUrl(redis.url)
    ends.push(() => proxy.close())
    const complaints: string[] = []
    relay({ url: proxy.through(redis.url), trouble: (message) => complaints.push(message) })
    for (let round = 0; round < 10; round++) {
      await write(keys('cut'))
      if (round % 2) proxy.cut()
      else proxy.cutAfter(3_000)
    }
    await redis.kill()
    await until('it is said', () => complaints.some((c) => c.includes('outbox redis/actors is not sent')))
    await redis.start()
    await until('all have come', () => all(received, keys('cut'), 20))
    await until('the outbox is empty', async () => (await waiting()) === 0)
    inOrder(received)
  })

  test('an event that the log refuses holds up its own slot only, and is named', async () => {
    const received = follow('refused')
    const complaints: string[] = []
    const refused = { yes: true }
    const [bad] = keys('refused')
    const slot = redisSlotOf('thing', bad!)
    relay({
      log: { ...log, publish: (events) => (refused.yes && events.some((e) => e.aggregate === aggregateOf(bad!)) ? Promise.reject(new Error('too large')) : log.publish(events)) },
      trouble: (message) => complaints.push(message)
    })
    await write(keys('refused'))
    await until('the others have come', () => all(received, keys('refused').filter((key) => redisSlotOf('thing', key) !== slot), 2))
    await until('the slot is named', () => complaints.some((c) => c.includes(`lane ${slot}`) && c.includes('too large')))
    expect(received.some((e) => e.aggregate === aggregateOf(bad!))).toBe(false)
    refused.yes = false
    await until('all have come', () => all(received, keys('refused'), 2))
    inOrder(received)
  })
})
