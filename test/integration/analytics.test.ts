import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServiceBroker } from 'moleculer'
import { EventFeed } from '../../mixins/analytics/event-feed.ts'
import type { AnalyticsStore } from '../../mixins/analytics/port.ts'
import { recordBehaviour } from '../../mixins/behaviour/behaviour.ts'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog, EventRecord } from '../../mixins/events/port.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { money } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call, type EventName, type Events } from '../../mixins/runtime/calls.ts'
import type { Ctx } from '../../mixins/runtime/service.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { loadServices } from '../../nodes/load.ts'
import type { Sales } from '../../services/analytics/analytics.contract.ts'
import { FEED } from '../../services/analytics/analytics.ts'
import { signIn, type SignedIn } from '../support/callers.ts'
import { chdbIsMissing } from '../support/chdb.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

type Order = Events['order_confirmed']

const DAYS = ['2026-03-01', '2026-03-02', '2026-03-03']
const CATEGORIES = ['books', 'laptops', 'toys']
const SELLERS = ['seller-a', 'seller-b', 'seller-c', 'seller-d']
const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!
const upTo = (n: number): number => Math.floor(Math.random() * n)

const event = <N extends EventName>(topic: N, aggregate: string, number: number, at: string, body: Events[N]): EventRecord => ({ id: newId(), topic, aggregate, number, at, body: body as EventRecord['body'] })

/** An order of a few sellers with sums of its own, so that only adding up what it says gives the right answer. */
function randomOrder(): Order {
  const orderId = newId()
  const sellers = SELLERS.filter(() => Math.random() < 0.5)
  const subOrders = (sellers.length > 0 ? sellers : [SELLERS[0]!]).map((sellerId, i) => {
    const lines = Array.from({ length: 1 + upTo(3) }, (_, l) => {
      const [quantity, unit] = [1 + upTo(5), 1 + upTo(99_999)]
      return { offerId: `o${l}`, productId: `p${l}`, category: pick(CATEGORIES), title: 'A thing', quantity, unitPrice: money(unit), lineTotal: money(unit * quantity) }
    })
    const subtotal = lines.reduce((n, line) => n + line.lineTotal.amount, 0)
    const [discount, shipping, tax] = [upTo(subtotal), upTo(2_000), upTo(5_000)]
    return { id: `${orderId}.${i}`, sellerId, lines, totals: { subtotal: money(subtotal), discount: money(discount), shipping: money(shipping), tax: money(tax), total: money(subtotal - discount + shipping + tax) } }
  })
  const total = (key: keyof Order['totals']) => money(subOrders.reduce((n, s) => n + s.totals[key].amount, 0))
  return {
    orderId,
    buyerId: `buyer-${upTo(40)}`,
    placedAt: `${DAYS[0]}T00:00:00Z`,
    status: 'confirmed',
    couponCode: null,
    totals: { subtotal: total('subtotal'), discount: total('discount'), shipping: total('shipping'), tax: total('tax'), total: total('total') },
    subOrders
  }
}

interface Happened {
  order: Order
  day: string
  cancelledOn: string | null
  refund: { day: string; amount: number } | null
}

const moment = (day: string): string => `${day}T${String(upTo(24)).padStart(2, '0')}:${String(upTo(60)).padStart(2, '0')}:59.999Z`

function randomHistory(count: number): { history: Happened[]; events: EventRecord[] } {
  const events: EventRecord[] = []
  const history = Array.from({ length: count }, () => {
    const order = randomOrder()
    const aggregate = `order/${order.orderId}`
    const first = upTo(DAYS.length)
    const day = DAYS[first]!
    const later = DAYS[first + upTo(DAYS.length - first)]!
    events.push(event('order_created', aggregate, 1, moment(day), order), event('order_confirmed', aggregate, 2, moment(day), order))
    const fate = Math.random()
    if (fate < 0.2) events.push(event('order_cancelled', aggregate, 3, moment(later), { order, reason: 'changed my mind', wasConfirmed: 'yes' }))
    const refund = fate > 0.8 ? { day: later, amount: 1 + upTo(order.totals.total.amount) } : null
    if (refund) events.push(event('order_refunded', aggregate, 3, moment(later), { orderId: order.orderId, buyerId: order.buyerId, refundId: newId(), amount: money(refund.amount), reason: 'return' }))
    return { order, day, cancelledOn: fate < 0.2 ? later : null, refund }
  })
  // What was never confirmed is no sale.
  const unpaid = randomOrder()
  events.push(event('order_created', `order/${unpaid.orderId}`, 1, moment(DAYS[0]!), unpaid), event('order_cancelled', `order/${unpaid.orderId}`, 2, moment(DAYS[1]!), { order: unpaid, reason: 'unpaid', wasConfirmed: 'no' }))
  return { history, events }
}

const add = <T>(list: readonly T[], amount: (item: T) => number): number => list.reduce((n, item) => n + amount(item), 0)

const missing = await chdbIsMissing()
const inEngine = missing ? describe.skip : describe

inEngine('analytics', () => {
  let databases: TestDatabases
  let log: EventLog
  let broker: ServiceBroker
  let admin: SignedIn
  const dataDir = mkdtempSync(join(tmpdir(), 'souk-analytics-'))
  const { history, events } = randomHistory(150)
  const march = { from: DAYS[0]!, to: DAYS.at(-1)! }
  const sales = (groupBy: Sales['groupBy'], period = march): Promise<Sales> => call(broker, 'analytics.worker.sales', { ...period, groupBy })

  beforeAll(async () => {
    process.env['SOUK_DATA_DIR'] = dataDir
    databases = await createDatabases()
    admin = await signIn('admin', ['admin'])
    log = openEventLog()
    broker = new ServiceBroker(brokerOptions({ nodeID: 'analytics-test', logger: false }))
    await loadServices(broker, ['analytics.worker', 'analytics'])
    await broker.start()
    await log.publish(events)
    await log.publish(events.filter(() => Math.random() < 0.3)) // the relay's answer was lost: some come twice
    await sales('day')
    await until('everything is taken in', async () => (await sales('day')).totals[0]?.orders === history.length && (await call(broker, 'analytics.worker.status', {})).behind === 0)
  })
  afterAll(async () => {
    await broker.stop()
    await log.close()
    await databases.drop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test('the whole period equals the orders to the cent', async () => {
    const expected = {
      orders: history.length,
      units: add(history, ({ order }) => add(order.subOrders, (s) => add(s.lines, (l) => l.quantity))),
      subtotal: money(add(history, ({ order }) => order.totals.subtotal.amount)),
      discount: money(add(history, ({ order }) => order.totals.discount.amount)),
      shipping: money(add(history, ({ order }) => order.totals.shipping.amount)),
      tax: money(add(history, ({ order }) => order.totals.tax.amount)),
      total: money(add(history, ({ order }) => order.totals.total.amount)),
      cancelled: money(add(history, (h) => (h.cancelledOn ? h.order.totals.total.amount : 0))),
      refunded: money(add(history, (h) => h.refund?.amount ?? 0))
    }
    const net = money(expected.total.amount - expected.cancelled.amount - expected.refunded.amount)
    for (const groupBy of ['day', 'seller', 'category'] as const) expect((await sales(groupBy)).totals).toEqual([{ ...expected, net }])
  })

  test('each day holds what happened on it', async () => {
    const { items } = await sales('day')
    expect(items.map((item) => item.key)).toEqual(DAYS)
    for (const { key, orders, total, cancelled, refunded } of items) {
      const confirmed = history.filter((h) => h.day === key)
      expect({ key, orders, total, cancelled, refunded }).toEqual({
        key,
        orders: confirmed.length,
        total: money(add(confirmed, ({ order }) => order.totals.total.amount)),
        cancelled: money(add(history, (h) => (h.cancelledOn === key ? h.order.totals.total.amount : 0))),
        refunded: money(add(history, (h) => (h.refund?.day === key ? h.refund.amount : 0)))
      })
    }
    expect((await sales('day', { from: DAYS[1]!, to: DAYS[1]! })).items).toEqual([items[1]])
    expect(await sales('day', { from: '2026-04-01', to: '2026-04-30' })).toMatchObject({ items: [], totals: [] })
  })

  test('each seller has the sum of their sub-orders, the largest first', async () => {
    const { items } = await sales('seller')
    const subOrders = history.flatMap(({ order }) => order.subOrders)
    expect(items.map((item) => item.key).toSorted()).toEqual(SELLERS)
    for (const { key, orders, subtotal, total, refunded } of items) {
      const own = subOrders.filter((s) => s.sellerId === key)
      expect({ key, orders, subtotal, total, refunded }).toEqual({ key, orders: own.length, subtotal: money(add(own, (s) => s.totals.subtotal.amount)), total: money(add(own, (s) => s.totals.total.amount)), refunded: null })
    }
    const amounts = items.map((item) => item.subtotal.amount)
    expect(amounts).toEqual(amounts.toSorted((a, b) => b - a))
  })

  test('each category has the sum of its lines', async () => {
    const { items } = await sales('category')
    const lines = history.flatMap(({ order }) => order.subOrders.flatMap((s) => s.lines))
    expect(items.map((item) => item.key).toSorted()).toEqual(CATEGORIES)
    for (const { key, units, subtotal, total } of items) {
      const own = lines.filter((l) => l.category === key)
      expect({ units, subtotal, total }).toEqual({ units: add(own, (l) => l.quantity), subtotal: money(add(own, (l) => l.lineTotal.amount)), total: null })
    }
  })

  test('the funnel counts people and events, views included', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const viewer = (subject: string | null) => ({ broker, meta: subject ? { caller: { kind: 'user', userId: subject, sessionId: 's', roles: ['shopper'], site: 'local' } } : { caller: { kind: 'anonymous' } } }) as unknown as Ctx
    for (const subject of ['ann', 'ann', 'bob', null]) recordBehaviour(viewer(subject), { kind: 'product_viewed', productId: 'p1' })
    recordBehaviour(viewer('ann'), { kind: 'searched', query: 'lamp' })
    await log.publish([
      event('cart_updated', 'cart/ann', 1, new Date().toISOString(), { cartId: 'ann', userId: 'ann', version: 1, change: 'added', lines: [], lineCount: 1 }),
      event('cart_updated', 'cart/ann', 2, new Date().toISOString(), { cartId: 'ann', userId: 'ann', version: 2, change: 'removed', lines: [], lineCount: 0 }),
      event('cart_updated', 'cart/g.1', 1, new Date().toISOString(), { cartId: 'g.1', userId: null, version: 1, change: 'added', lines: [], lineCount: 1 })
    ])
    const funnel = await until('views and carts are in', async () => {
      const answer = await call(broker, 'analytics.funnel', { from: today, to: today }, { meta: admin.meta })
      return answer.steps[0]!.events === 4 && answer.steps[1]!.events === 2 && answer
    })
    expect(funnel.steps).toEqual([
      { step: 'viewed', shoppers: 2, events: 4 },
      { step: 'added_to_cart', shoppers: 2, events: 2 },
      { step: 'ordered', shoppers: 0, events: 0 },
      { step: 'paid', shoppers: 0, events: 0 }
    ])
    const { steps } = await call(broker, 'analytics.worker.funnel', march)
    expect(steps[2]).toEqual({ step: 'ordered', shoppers: expect.any(Number), events: history.length + 1 })
    expect(steps[3]).toEqual({ step: 'paid', shoppers: new Set(history.map((h) => h.order.buyerId)).size, events: history.length })
  })

  test('is for administrators, and refuses what is no period and what is not asked for', async () => {
    const ask = (params: object, who?: SignedIn) => broker.call('analytics.sales', params, who ? { meta: who.meta } : {})
    await expect(ask({})).rejects.toMatchObject({ code: 401 })
    await expect(ask({}, await signIn('shopper'))).rejects.toMatchObject({ type: 'forbidden' })
    await expect(ask({ from: '2026-02-30' }, admin)).rejects.toMatchObject({ type: 'validation-failed' })
    await expect(ask({ groupBy: 'buyer' }, admin)).rejects.toMatchObject({ code: 422 })
    await expect(ask({ surprise: 1 }, admin)).rejects.toMatchObject({ code: 422 })
    expect(await ask(march, admin)).toEqual(await sales('day'))
  })
})

describe('where the analytics engine is not', () => {
  let databases: TestDatabases
  beforeAll(async () => {
    databases = await createDatabases()
  })
  afterAll(() => databases.drop())

  test('it is said once, the group keeps its place, and all is caught up later', async () => {
    const log = openEventLog()
    const said: string[] = []
    const stored = new Set<string>()
    const engine = { off: true }
    const store: AnalyticsStore = {
      available: async () => !engine.off || 'there is none',
      insert: async (table, rows) => {
        if (engine.off) throw problem('unavailable', 'Analytics is off.')
        if (table === 'souk.event') for (const row of rows) stored.add(row['event_id'] as string)
      },
      query: async () => [],
      close: async () => {}
    }
    const feed = new EventFeed(log, store, FEED, (line) => said.push(line))
    const { events } = randomHistory(20)
    await log.publish(events)
    await feed.start()
    await feed.start()
    expect(said).toEqual([expect.stringContaining('there is none')])
    engine.off = false
    await feed.start()
    await until('all has been stored', () => stored.size === events.length)
    engine.off = true // and it goes again, in the middle
    const more = randomHistory(20).events
    await log.publish(more)
    feed.wake(['order_created'])
    await until('it is off again', () => feed.off !== null)
    engine.off = false
    await feed.start()
    await until('the rest has been stored', () => stored.size === events.length + more.length)
    expect(said.filter((line) => line.includes('is off'))).toHaveLength(2)
    await feed.stop()
    await log.close()
  })

  test('a row that the engine refuses holds up its own events only', async () => {
    const log = openEventLog()
    const stored = new Set<string>()
    const { events } = randomHistory(30)
    const bad = events.find((e) => e.topic === 'order_confirmed')!
    const store: AnalyticsStore = {
      available: async () => true,
      insert: async (table, rows) => {
        if (rows.some((row) => row['event_id'] === bad.id)) throw new Error('cannot parse')
        if (table === 'souk.event') for (const row of rows) stored.add(row['event_id'] as string)
      },
      query: async () => [],
      close: async () => {}
    }
    await databases.query('TRUNCATE log.event, log.partition, log.position')
    const feed = new EventFeed(log, store, FEED, () => {})
    await log.publish(events)
    await feed.start()
    await until('all other topics and partitions are in', () => events.filter((e) => e.topic !== bad.topic).every((e) => stored.has(e.id)))
    await until('other partitions of its topic are in', () => events.some((e) => e.topic === bad.topic && stored.has(e.id)))
    expect(stored.has(bad.id)).toBe(false)
    await feed.stop()
    await log.close()
  })
})
