import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ServiceBroker } from 'moleculer'
import { drainingMailbox, type DrainingMailbox } from '../../../mixins/actor/draining-mailbox.ts'
import { postgresStores } from '../../../mixins/actor/stores.ts'
import type { ActorSummary } from '../../../mixins/actor/router.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import { problem, problemType } from '../../../mixins/primitives/problem.ts'
import { service, type Ctx, type ServiceThis } from '../../../mixins/runtime/service.ts'
import { createActorSchema } from '../../support/actor-schema.ts'
import { createDatabases, type TestDatabases } from '../../support/databases.ts'
import { JoinedNodes } from '../../support/joined-nodes.ts'
import { appending, thingService } from '../../support/thing.ts'
import { until } from '../../support/until.ts'

const SCHEMA = 'mailbox_test'
const outcomeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then((answer) => answer, (e: Error & { data?: { retryAfter?: number } }) => `${problemType(e) ?? e.message} ${e.data?.retryAfter ?? ''}`.trim())

describe('a mailbox of turns', () => {
  let databases: TestDatabases
  let broker: ServiceBroker
  const nodes = new JoinedNodes()
  const gate = { open: Promise.resolve() as Promise<unknown> }

  /** Commits wait for the gate. */
  const slowStores = () => {
    const stores = postgresStores(SCHEMA)()
    const [store] = stores.all
    const slow = Object.assign(Object.create(store!) as NonNullable<typeof store>, { commit: async (...args: Parameters<NonNullable<typeof store>['commit']>) => (await gate.open, store!.commit(...args)), load: store!.load.bind(store!), record: store!.record.bind(store!), due: store!.due.bind(store!) })
    return { all: [slow], of: () => slow, close: () => stores.close() }
  }
  const shut = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate.open = promise
    return resolve
  }

  beforeAll(async () => {
    databases = await createDatabases()
    await createActorSchema(databases.main, SCHEMA)
    broker = await nodes.start('one', [thingService({ schema: SCHEMA, stores: slowStores, limits: { perKey: 3, unanswered: 8, activations: 4, idleMs: 60 } })])
  })
  afterAll(async () => {
    await nodes.stopAll()
    await databases.drop()
  })
  const append = (key: string, word: string): Promise<unknown> => outcomeOf(broker.call('thing.turn', { key, decide: appending(word) }))
  const summary = async (): Promise<ActorSummary> => ((await broker.call('$actor.list', { type: 'thing' })) as ActorSummary[])[0]!

  test('that is full refuses at once, and what was taken before is done', async () => {
    const open = shut()
    const key = newId()
    const taken = Array.from({ length: 4 }, (_, i) => append(key, `w${i}`)) // one runs, three wait
    expect(await append(key, 'one too many')).toBe('overloaded 1')
    expect(await summary()).toMatchObject({ unanswered: 4, keys: [{ key, waiting: 3 }] })
    expect(await broker.call('$actor.inspect', { type: 'thing', key })).toMatchObject({ nodeID: 'one', owner: 'one', activation: { waiting: 3, running: true } })
    const others = Array.from({ length: 4 }, () => append(newId(), 'w'))
    open()
    expect(await Promise.all(taken)).toEqual([1, 2, 3, 4])
    expect(await Promise.all(others)).toEqual([1, 1, 1, 1])
  })

  test('that is full as a thread refuses every key', async () => {
    const open = shut()
    const [a, b] = [newId(), newId()]
    const taken = [a, a, a, a, b, b, b, b].map((key, i) => append(key, `w${i}`))
    expect(await append(newId(), 'another key')).toBe('overloaded 1')
    open()
    expect(await Promise.all(taken)).toEqual([1, 2, 3, 4, 1, 2, 3, 4])
  })

  test('does not start a turn whose deadline passed while it waited', async () => {
    const open = shut()
    const key = newId()
    const first = append(key, 'first')
    const second = outcomeOf(broker.call('thing.turn', { key, decide: appending('second') }, { timeout: 30 }))
    expect(await second).toMatch(/timed out/)
    open()
    expect([await first, await append(key, 'third')]).toEqual([1, 2])
    expect(await broker.call('thing.read', { key })).toMatchObject({ state: { log: ['first', 'third'] } })
  })

  test('is forgotten with its actor when idle, and never more are kept than allowed', async () => {
    for (let i = 0; i < 10; i++) await append(newId(), 'w')
    expect((await summary()).active).toBeLessThanOrEqual(4)
    const key = newId()
    await append(key, 'a')
    await until('idle actors are passivated', async () => (await summary()).active === 0)
    expect(await append(key, 'b')).toBe(2)
  })

  test('is finished before its service stops', async () => {
    const two = await nodes.start('two', [thingService({ schema: SCHEMA, stores: slowStores })])
    const open = shut()
    const key = newId()
    const taken = Array.from({ length: 5 }, (_, i) => outcomeOf(two.call('thing.turn', { key, decide: appending(`w${i}`) }, { nodeID: 'two' })))
    await until('they wait', async () => ((await two.call('$actor.list')) as ActorSummary[])[0]!.unanswered === 5)
    const stopped = nodes.stop('two')
    setTimeout(open, 150)
    await stopped
    expect(await Promise.all(taken)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('a draining mailbox', () => {
  interface Order {
    n: number
    fault?: 'refuse' | 'break'
  }
  type Desk = ServiceThis<{ mailbox: DrainingMailbox<Order, string> }>
  const runs: { key: string; n: number[] }[] = []
  let gate: Promise<unknown> = Promise.resolve()
  let overlapping = 0

  const desk = service({
    name: 'desk',
    mixins: [
      drainingMailbox<Order, string, Desk>({
        type: 'desk',
        maxBatch: 8,
        maxWaiting: 10,
        async run(key, orders) {
          expect(this.name).toBe('desk')
          expect(++overlapping).toBe(1)
          runs.push({ key, n: orders.map((o) => o.n) })
          await gate
          overlapping--
          if (orders.some((o) => o.fault === 'break')) throw new Error('the store is away')
          return orders.map((o) => (o.fault === 'refuse' ? problem('out-of-stock', 'None left.') : `${key}:${o.n}`))
        }
      })
    ],
    actions: {
      order: {
        actor: { type: 'desk', key: 'key' },
        handler(this: Desk, ctx: Ctx<Order & { key: string }>) {
          const { key, ...order } = ctx.params
          return this.mailbox.send(ctx, key, order)
        }
      }
    }
  })
  const nodes = new JoinedNodes()
  let broker: ServiceBroker
  beforeAll(async () => {
    broker = await nodes.start('desks', [desk])
  })
  afterAll(() => nodes.stopAll())
  const order = (n: number, more: object = {}): Promise<unknown> => outcomeOf(broker.call('desk.order', { key: 'w1', n, ...more }))
  const heldRun = async (): Promise<() => void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    runs.length = 0
    return resolve
  }

  test('takes what waits in one run, in the order it came, and answers each', async () => {
    const open = await heldRun()
    const first = order(1)
    await until('the first run begins', () => runs.length === 1)
    const rest = Array.from({ length: 10 }, (_, i) => order(i + 2))
    expect(await order(99)).toBe('overloaded 1')
    open()
    expect(await Promise.all([first, ...rest])).toEqual(Array.from({ length: 11 }, (_, i) => `w1:${i + 1}`))
    expect(runs.map((r) => r.n)).toEqual([[1], [2, 3, 4, 5, 6, 7, 8, 9], [10, 11]])
  })

  test('an error answers its own message; a failed run answers all of it, and the next goes on', async () => {
    expect(await Promise.all([order(1), order(2, { fault: 'refuse' }), order(3)])).toEqual(['w1:1', 'out-of-stock', 'w1:3'])
    expect(await Promise.all([order(1), order(2, { fault: 'break' })])).toEqual(['the store is away', 'the store is away'])
    expect(await order(4)).toBe('w1:4')
  })

  test('leaves out a message whose caller has given up', async () => {
    const open = await heldRun()
    const first = order(1)
    await until('the first run begins', () => runs.length === 1)
    const late = outcomeOf(broker.call('desk.order', { key: 'w1', n: 2 }, { timeout: 10 }))
    const third = order(3)
    expect(await late).toMatch(/timed out/)
    open()
    expect([await first, await third]).toEqual(['w1:1', 'w1:3'])
    expect(runs.map((r) => r.n)).toEqual([[1], [3]])
    expect((await broker.call('$actor.list', { type: 'desk' }) as ActorSummary[])[0]).toMatchObject({ active: 0, unanswered: 0 })
  })
})
