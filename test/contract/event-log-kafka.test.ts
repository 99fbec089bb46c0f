import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { KafkaLog } from '../../mixins/events/kafka-log.ts'
import type { EventRecord } from '../../mixins/events/port.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { kafkaIsMissing, kafkaProxy, openKafkaLog, testKafka } from '../support/kafka.ts'
import { until } from '../support/until.ts'
import { eventLogContract, record } from './event-log.contract.ts'

const PATIENCE_MS = 60_000

if (kafkaIsMissing) test.skip(`Kafka: ${kafkaIsMissing}`, () => {})
else {
  eventLogContract('Kafka', async () => {
    process.env['KAFKA_BROKERS'] = process.env['SOUK_TEST_KAFKA_BROKERS']
    return { open: openKafkaLog, stop: async () => void delete process.env['KAFKA_BROKERS'] }
  })

  describe('event log in Kafka, on a bad way', () => {
    let proxy: FaultProxy
    let log: KafkaLog
    let topic: string
    let group: string
    let number: number
    let received: EventRecord[]
    const next = (): EventRecord => record(topic, 'thing/1', ++number)
    const numbers = (): number[] => [...new Set(received.map((e) => e.number))]
    const consume = (on: KafkaLog) => on.consume([topic], group, async (batch) => void received.push(...batch))
    /** Publishes it until the log has it, as a relay does. */
    const insist = (event: EventRecord) => until(`event ${event.number} is stored`, () => log.publish([event]).then(() => true, (error) => void expect(error).toMatchObject({ type: 'unavailable', code: 503 })), PATIENCE_MS)

    beforeEach(async () => {
      proxy = await kafkaProxy()
      log = openKafkaLog(proxy)
      topic = `topic_${newId()}`
      group = `group-${newId()}`
      number = 0
      received = []
    })
    afterEach(async () => {
      await proxy.heal()
      await log.close()
      await proxy.close()
    })

    test('a broker that hangs is unavailable after a bounded wait, and in use again by itself', async () => {
      await log.publish([next()])
      proxy.pause()
      const started = performance.now()
      await expect(log.publish([next()])).rejects.toMatchObject({ type: 'unavailable' })
      await expect(log.lag(group)).rejects.toMatchObject({ type: 'unavailable' })
      expect(performance.now() - started).toBeLessThan(12_000)
      await proxy.heal()
      await insist(next())
    }, PATIENCE_MS)

    test('what is published after an answer was lost is not taken for what was published before', async () => {
      await log.publish([next()])
      proxy.muteAnswers()
      await expect(log.publish([next()])).rejects.toMatchObject({ type: 'unavailable' })
      await proxy.heal()
      await insist(next())
      await insist(next())
      consume(log)
      await until('all that was acknowledged has come', () => [1, 3, 4].every((n) => numbers().includes(n)), PATIENCE_MS)
      expect(numbers().filter((n) => n !== 2)).toEqual([1, 3, 4])
    }, PATIENCE_MS)

    test('connections that break off cost repeats, never events or their order', async () => {
      consume(log)
      for (let i = 0; i < 60; i++) {
        await insist(next())
        if (i % 6 === 3) proxy.cut()
        if (i % 6 === 5) proxy.cutAfter(200)
      }
      await until('all have come', () => numbers().length === 60, PATIENCE_MS)
      expect(numbers()).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    }, PATIENCE_MS)

    test('a broker that is down for a while is told, and its events come when it is back', async () => {
      const told: unknown[] = []
      log.consume([topic], group, async (batch) => void received.push(...batch), { onFailure: ({ topic: at, error }) => void (at ?? told.push(error)) })
      await insist(next())
      await until('it consumes', () => numbers().length === 1, PATIENCE_MS)
      await proxy.refuse()
      await expect(log.publish([next()])).rejects.toMatchObject({ type: 'unavailable' })
      await until('it is told', () => told.length > 0, PATIENCE_MS)
      await proxy.heal()
      await insist(next())
      await until('it has come', () => numbers().includes(3), PATIENCE_MS)
    }, PATIENCE_MS)

    test('a member that works for longer than its session keeps its partitions', async () => {
      await log.publish([next()])
      let calls = 0
      log.consume([topic], group, async () => {
        calls++
        await sleep(8_000)
      })
      await until('it is at work', () => calls === 1)
      const other = openKafkaLog()
      consume(other)
      await until('it has finished', async () => (await log.lag(group)) === 0, PATIENCE_MS)
      expect([calls, received]).toEqual([1, []])
      await other.close()
    }, PATIENCE_MS)

    test('what is no event holds up its partition, and is told', async () => {
      await log.publish([next()])
      const producer = testKafka().producer()
      await producer.connect()
      await producer.send({ topic, messages: [{ key: 'thing/1', value: 'hello' }] })
      await producer.disconnect()
      const told: string[] = []
      log.consume([topic], group, async (batch) => void received.push(...batch), { onFailure: ({ error }) => void told.push((error as Error).message) })
      await log.publish([next()])
      await until('what lies before it has come', () => numbers().length === 1, PATIENCE_MS)
      expect(told[0]).toMatch(/is no event/)
      expect(await log.lag(group)).toBe(2)
    }, PATIENCE_MS)
  })
}
