import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Worker } from 'node:worker_threads'
import { newId } from '../../mixins/primitives/ids.ts'
import type { EventLog, EventRecord, EventText, Subscription } from '../../mixins/events/port.ts'
import { until } from '../support/until.ts'

const at = '2026-11-24T10:00:00.000Z'
export const record = (topic: string, aggregate: string, number: number, body: EventRecord['body'] = {}): EventRecord => ({ id: newId(), topic, aggregate, number, at, body })

/** `count` events of each aggregate, numbers interleaved over the aggregates. */
const records = (topic: string, aggregates: readonly string[], count: number, from = 1): EventRecord[] =>
  Array.from({ length: count }, (_, i) => aggregates.map((aggregate) => record(topic, aggregate, from + i))).flat()

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `thing/${i}`)
const ids = (events: readonly EventRecord[]): string[] => [...new Set(events.map((e) => e.id))].sort()

/** Numbers of each aggregate in the order of their first delivery. */
function firstDeliveries(events: readonly EventRecord[]): Map<string, number[]> {
  const seen = new Set<string>()
  const order = new Map<string, number[]>()
  for (const { id, aggregate, number } of events) {
    if (seen.has(id)) continue
    seen.add(id)
    order.set(aggregate, [...(order.get(aggregate) ?? []), number])
  }
  return order
}

/** What every event log must keep. `start` gives a way to open it as another node would; `openEventLog` must open the same one. */
export function eventLogContract(engine: string, start: () => Promise<{ open: () => EventLog; stop: () => Promise<void> }>): void {
  describe(`event log in ${engine}`, () => {
    let open: () => EventLog
    let stopEngine: () => Promise<void>
    const logs: EventLog[] = []
    const opened = (): EventLog => {
      const log = open()
      logs.push(log)
      return log
    }
    const fresh = (): { topic: string; group: string } => ({ topic: `topic_${newId()}`, group: `group-${newId()}` })

    beforeAll(async () => ({ open, stop: stopEngine } = await start()))
    afterEach(async () => {
      await Promise.all(logs.splice(0).map((log) => log.close()))
    })
    afterAll(() => stopEngine())

    test('hands on what was published as it was, in the order of each aggregate', async () => {
      const { topic, group } = fresh()
      const log = opened()
      const received: EventRecord[] = []
      log.consume([topic], group, async (batch) => void received.push(...batch))
      const whole = record(topic, 'thing/whole', 1, { text: 'å \u2028 \ud83d\ude00', list: [1, null, { deep: [true] }] })
      await log.publish([whole])
      const aggregates = names(20)
      for (let i = 0; i < 5; i++) await log.publish(records(topic, aggregates, 10, 1 + i * 10))
      await until('all have come', () => received.length >= 1_001)
      expect(received.find((e) => e.id === whole.id)).toEqual(whole)
      const order = firstDeliveries(received)
      for (const aggregate of aggregates) expect(order.get(aggregate)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    })

    test('loses nothing of many publishers at once, read while they write', async () => {
      const { topic, group } = fresh()
      const received: EventRecord[] = []
      opened().consume([topic], group, async (batch) => void received.push(...batch), { maxBatch: 7 })
      const published = await Promise.all(
        Array.from({ length: 4 }, async (_, p) => {
          const log = opened()
          const mine = records(topic, [`thing/${p}`, `other/${p}`], 60)
          for (let i = 0; i < mine.length; i += 3) await log.publish(mine.slice(i, i + 3))
          return mine
        })
      )
      await until('all have come', () => ids(received).length >= 480)
      expect(ids(received)).toEqual(ids(published.flat()))
      for (const numbers of firstDeliveries(received).values()) expect(numbers).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    })

    test('every group gets every event, and a new group starts from the first one kept', async () => {
      const { topic, group } = fresh()
      const log = opened()
      const first: EventRecord[] = []
      const second: EventRecord[] = []
      log.consume([topic], group, async (batch) => void first.push(...batch))
      const published = records(topic, names(10), 5)
      await log.publish(published)
      await until('the first group has them', () => ids(first).length === 50)
      log.consume([topic], `${group}-late`, async (batch) => void second.push(...batch))
      await until('the late group has them', () => ids(second).length === 50)
      expect(ids(second)).toEqual(ids(published))
    })

    test('what is forwarded comes whole, with bodies as text, to one of those who forward together', async () => {
      const [one, two] = [fresh(), fresh()]
      const log = opened()
      const forwarded: EventText[] = []
      const forward = (): Subscription => log.forward([one.topic, two.topic], one.group, () => async (batch) => void forwarded.push(...batch), { maxBatch: 20 })
      const published = [one.topic, two.topic].flatMap((topic) => [record(topic, 'thing/whole', 1, { text: 'å \u2028 \ud83d\ude00', list: [1, null, { deep: [true] }] }), ...records(topic, names(20), 30)])
      await log.publish(published)
      const first = forward()
      await until('some have come', () => forwarded.length > 0)
      const second = forward()
      await first.stop()
      await until('all have come', () => ids(forwarded).length === published.length)
      await until('they are behind it', async () => (await log.lag(one.group)) === 0)
      await second.stop()
      const received = new Map(forwarded.map((event) => [event.id, event]))
      for (const event of published) expect({ ...received.get(event.id), body: JSON.parse(received.get(event.id)!.body) as unknown }).toEqual(event)
    })

    test('a group gets its own topics only, each batch of one topic', async () => {
      const one = fresh()
      const two = fresh()
      const other = fresh()
      const log = opened()
      const batches: (readonly EventRecord[])[] = []
      log.consume([one.topic, two.topic], one.group, async (batch) => void batches.push(batch))
      await log.publish([one.topic, other.topic, two.topic].flatMap((topic) => records(topic, names(8), 3)))
      await until('both topics have come', () => batches.flat().length >= 48)
      expect(new Set(batches.flat().map((e) => e.topic))).toEqual(new Set([one.topic, two.topic]))
      for (const batch of batches) expect(new Set(batch.map((e) => e.topic)).size).toBe(1)
    })

    test('two members share the work and together miss nothing', async () => {
      const { topic, group } = fresh()
      const received: [EventRecord[], EventRecord[]] = [[], []]
      const [one, other] = [opened(), opened()]
      one.consume([topic], group, async (batch) => void received[0].push(...batch))
      other.consume([topic], group, async (batch) => void received[1].push(...batch))
      const aggregates = names(40)
      let round = 0
      const published: EventRecord[] = []
      await until('both have had work', async () => {
        const more = records(topic, aggregates, 1, ++round)
        published.push(...more)
        await one.publish(more)
        return received.every((r) => r.length > 0)
      })
      await until('all have come', () => ids(received.flat()).length === published.length)
      expect(ids(received.flat())).toEqual(ids(published))
    })

    test('a member that dies half way costs repeats, never events', async () => {
      const { topic, group } = fresh()
      const log = opened()
      const fromDead: EventRecord[] = []
      const member = new Worker(new URL('../support/log-member.ts', import.meta.url), { env: { ...process.env }, workerData: { topics: [topic], group, pauseMs: 20 } })
      member.on('message', (batch: EventRecord[]) => fromDead.push(...batch))
      const published = records(topic, names(30), 10)
      await log.publish(published)
      await until('it is in the middle of its work', () => fromDead.length > 40)
      await member.terminate()
      const known = [...fromDead]
      const received: EventRecord[] = []
      log.consume([topic], group, async (batch) => void received.push(...batch))
      await until('nothing is missing', () => ids([...known, ...received]).length === 300)
      await until('the other has caught up', async () => (await log.lag(group)) === 0)
      expect(ids([...known, ...received])).toEqual(ids(published))
      for (const numbers of firstDeliveries([...known, ...received]).values()) expect(numbers).toEqual(Array.from({ length: 10 }, (_, i) => i + 1))
    })

    test('a batch that is rejected comes again; those before the one at fault go through, others are not held up', async () => {
      const { topic, group } = fresh()
      const log = opened()
      const handled: EventRecord[] = []
      const attempts: number[] = []
      const broken = { yes: true }
      const [poisoned, healthy] = [Array.from({ length: 9 }, (_, i) => record(topic, 'thing/poisoned', i + 1)), records(topic, names(30), 4)]
      await log.publish([...poisoned, ...healthy])
      log.consume(
        [topic],
        group,
        async (batch) => {
          if (broken.yes && batch.some((e) => e.id === poisoned[4]!.id)) throw new Error('cannot take this one')
          handled.push(...batch)
        },
        { onFailure: ({ attempt, events }) => void (events.some((e) => e.id === poisoned[4]!.id) && attempts.push(attempt)) }
      )
      const numbers = (): number[] => firstDeliveries(handled).get('thing/poisoned') ?? []
      await until('those before it have gone through', () => numbers().length === 4)
      await until('it has been tried alone', () => attempts.length >= 5)
      expect(numbers()).toEqual([1, 2, 3, 4])
      broken.yes = false
      await until('all have come', () => ids(handled).length === 129)
      expect(numbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    })

    test('stop finishes the batch in hand, and the group goes on behind it', async () => {
      const { topic, group } = fresh()
      const log = opened()
      const first: EventRecord[] = []
      let release = (): void => {}
      const held = new Promise<void>((resolve) => (release = resolve))
      const subscription: Subscription = log.consume(
        [topic],
        group,
        async (batch) => {
          first.push(...batch)
          await held
        },
        { maxBatch: 3 }
      )
      const published = Array.from({ length: 10 }, (_, i) => record(topic, 'thing/1', i + 1))
      await log.publish(published)
      await until('a batch is in hand', () => first.length === 3)
      const stopped = subscription.stop()
      release()
      await stopped
      expect(first).toHaveLength(3)
      expect(await log.lag(group)).toBe(7)
      const rest: EventRecord[] = []
      log.consume([topic], group, async (batch) => void rest.push(...batch))
      await until('the rest has come', () => rest.length >= 7)
      expect(rest.map((e) => e.number)).toEqual([4, 5, 6, 7, 8, 9, 10])
    })

    test('says how far a group is behind', async () => {
      const { topic, group } = fresh()
      const log = opened()
      let handled = 0
      const subscription = log.consume([topic], group, async (batch) => void (handled += batch.length))
      await log.publish(records(topic, names(10), 2))
      await until('it has handled them', () => handled === 20)
      await until('it has caught up', async () => (await log.lag(group)) === 0)
      await subscription.stop()
      await log.publish(records(topic, names(10), 3, 3))
      expect(await log.lag(group)).toBe(30)
      expect(await log.lag(`${group}-unknown`)).toBe(0)
    })
  })
}
