import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomOf } from '../../bench/load/random.ts'
import { settingNow } from '../../bench/machine.ts'
import { Api } from '../../load/api.ts'
import { runLoad } from '../../load/load.ts'
import { draw, Watch, type Mix } from '../../load/mix.ts'
import { cartComplaint } from '../../load/mixes/cart.ts'
import { orderComplaint } from '../../load/mixes/checkout.ts'
import { saleComplaints } from '../../load/mixes/flash-sale.ts'
import { readOptions } from '../../load/options.ts'
import { pageOf } from '../../load/page.ts'
import { countsOf, tablesOf, wrongOf, type LoadReport } from '../../load/report.ts'
import { Reservoir } from '../../load/reservoir.ts'

const usd = (amount: number) => ({ amount, currency: 'USD' })

describe('a mix', () => {
  test('is drawn from by its shares', () => {
    const choices = [{ name: 'a', share: 30 }, { name: 'b', share: 5 }, { name: 'c', share: 65 }]
    expect([0, 0.299, 0.3, 0.349, 0.35, 0.999].map((at) => draw(choices, at).name)).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
    const random = randomOf(3)
    const drawn = Array.from({ length: 20_000 }, () => draw(choices, random()).name)
    expect(drawn.filter((name) => name === 'b').length / drawn.length).toBeCloseTo(0.05, 2)
  })

  test('keeps a fair choice of what it cannot keep whole', () => {
    const reservoir = new Reservoir<number>(100, randomOf(5))
    for (let n = 0; n < 10_000; n++) reservoir.add(n)
    expect(reservoir.added).toBe(10_000)
    expect(new Set(reservoir.items).size).toBe(100)
    expect(reservoir.items.filter((n) => n >= 5_000).length).toBeGreaterThan(25)
  })
})

describe('the load', () => {
  let server: Server
  let api: Api

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url?.endsWith('full')) response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{"type":"/problems/overloaded"}')
      else if (request.url?.endsWith('cut')) request.socket.destroy()
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    api = new Api([`http://127.0.0.1:${(server.address() as AddressInfo).port}`], 8)
  })

  afterAll(() => {
    api.close()
    server.closeAllConnections()
    server.close()
  })

  test('times transactions by type and their steps, counts what went wrong by type and other right ends by name', async () => {
    let n = 0
    const transactions = [
      { name: 'good', doc: '', share: 1, run: async () => (await api.get('page', '/page'), n++ % 2 ? 'odd' : undefined) },
      { name: 'full', doc: '', share: 1, run: async () => void (await api.get('page', '/full')) },
      { name: 'cut', doc: '', share: 1, run: async () => void (await api.get('cut', '/cut')) }
    ]
    const figures = await runLoad(api, { transactions }, { rate: 200, seconds: 0.5, onSample: () => {} })
    const [good, full, cut] = figures.transactions
    expect(good!.measured).toMatchObject({ operations: n, errors: {} })
    expect(good!.outcomes).toEqual({ odd: Math.floor(n / 2) })
    expect(Object.keys(full!.measured.errors)).toEqual(['503 overloaded'])
    expect(Object.keys(cut!.measured.errors)).toEqual(['connection-lost'])
    const page = figures.steps.find(({ name }) => name === 'page')!.measured
    expect(page).toMatchObject({ operations: n, errors: full!.measured.errors })
    expect(countsOf(figures)).toEqual({ operations: n, failed: full!.measured.errors['503 overloaded']! + cut!.measured.errors['connection-lost']! })
    expect(figures.samples.length).toBeGreaterThan(0)
  })
})

describe('checks', () => {
  test('a cart holds what its owner was told; after a lost answer, either', () => {
    const known = new Map<string, number | null>([['a', 2], ['b', null]])
    expect(cartComplaint(known, { lines: [{ offerId: 'a', quantity: 2 }] })).toBeNull()
    expect(cartComplaint(known, { lines: [{ offerId: 'b', quantity: 7 }, { offerId: 'a', quantity: 2 }] })).toBeNull()
    expect(cartComplaint(known, { lines: [{ offerId: 'a', quantity: 1 }] })).toMatch('1 of a')
    expect(cartComplaint(known, { lines: [] })).toMatch('0 of a')
    expect(cartComplaint(known, { lines: [{ offerId: 'a', quantity: 2 }, { offerId: 'c', quantity: 1 }] })).toMatch('it holds c')
  })

  test('an order is the whole cart, priced exactly', () => {
    const line = { offerId: 'a', productId: 'p', quantity: 2, unitPrice: usd(50), lineTotal: usd(100) }
    const order = {
      id: 'o', status: 'confirmed', timeline: [], subOrders: [{ id: 's', sellerId: 'x', status: 'confirmed', lines: [line], totals: { total: usd(117) } }],
      totals: { subtotal: usd(100), discount: usd(0), shipping: usd(10), tax: usd(7), total: usd(117) }
    }
    const cart = new Map([['a', 2]])
    expect(orderComplaint(order, cart)).toBeNull()
    expect(orderComplaint(order, new Map([['a', 2], ['b', 1]]))).toMatch('0 of b')
    expect(orderComplaint(order, new Map([['a', 3]]))).toMatch('2 of a, the cart held 3')
    expect(orderComplaint({ ...order, subOrders: [{ ...order.subOrders[0]!, lines: [line, { ...line, offerId: 'c' }] }] }, cart)).toMatch('2 lines')
    expect(orderComplaint({ ...order, totals: { ...order.totals, tax: usd(8) } }, cart)).toMatch('is not what its parts give')
    expect(orderComplaint({ ...order, totals: { ...order.totals, tax: usd(8), total: usd(118) } }, cart)).toMatch("sellers' parts")
    expect(orderComplaint({ ...order, subOrders: [{ ...order.subOrders[0]!, lines: [{ ...line, lineTotal: usd(99) }] }] }, cart)).toMatch('is not 99')
  })

  test('a sale sells out exactly', () => {
    const sale = { units: 10, bought: 10, refused: 5, unknown: 0, onHand: 0 }
    expect(saleComplaints(sale)).toEqual([])
    expect(saleComplaints({ ...sale, bought: 9, unknown: 1 })).toEqual([]) // somebody's answer was lost
    expect(saleComplaints({ ...sale, bought: 11 })).toEqual([expect.stringMatching('11 people were promised one of 10'), expect.any(String)])
    expect(saleComplaints({ ...sale, bought: 9 })).toEqual([expect.stringMatching('10 have left the shelf, 9')])
    expect(saleComplaints({ ...sale, bought: 9, onHand: 1 })).toEqual([expect.stringMatching('1 are left')])
    expect(saleComplaints({ ...sale, bought: 9, onHand: 1, refused: 0 })).toEqual([expect.stringMatching('let more people come')])
  })

  test('say how many were wrong, with a few examples', () => {
    const watch = new Watch('name', 'how')
    for (let n = 0; n < 100; n++) watch.saw(n % 2 ? `n ${n}` : null)
    expect(watch.result('seen')).toMatchObject({ looked: 100, wrong: 50, evidence: 'seen' })
    expect(watch.result('seen').examples).toHaveLength(10)
  })
})

describe('the report', () => {
  const measured = { operations: 10, seconds: 1, rate: 10, latency: { p50: 1, p95: 2, p99: 3, p999: 4, max: 5, curve: [[50, 1], [100, 5]] as [number, number][] }, errors: { '503 <full>': 2 } }
  const report: LoadReport = {
    format: 1, ...settingNow(), mix: 'm', doc: 'd', options: { rate: 10, seconds: 1, warmUp: 0, shop: 's' }, seconds: 1, lateMs: 0, samples: [], operations: 10, failed: 2,
    transactions: [{ name: 't', doc: 'd', measured, outcomes: { other: 1 } }], steps: [], cpu: {}, checks: [], violations: [], notAudited: 'nobody looked', wrong: []
  }

  test('is void when a check or an invariant is broken, or nothing went right', () => {
    const broken = { name: 'c', how: 'h', evidence: 'e', looked: 3, wrong: 1, examples: ['x'] }
    expect(wrongOf(report)).toEqual([])
    expect(wrongOf({ checks: [broken, { ...broken, wrong: 0 }], violations: ['v'], operations: 0 })).toEqual(['nothing went right', 'c: 1 of 3 wrong, e.g. x', 'v'])
    const told = { ...report, checks: [broken], wrong: ['c: 1 of 3 wrong, e.g. x'] }
    expect(tablesOf(told)).toMatch(/✗ broken: c[^]*VOID/)
    expect(pageOf(told)).toMatch(/class="void"/)
  })

  test('is a table and a page also where little is known', () => {
    expect(tablesOf(report)).toMatch(/10 transactions went right, 2 wrong[^]*2 503 <full>[^]*CPU is not known[^]*Not audited: nobody looked/)
    expect(pageOf(report)).not.toMatch(/NaN|undefined|Infinity|<full>/)
  })
})

describe('the command line', () => {
  const mixes = [{ name: 'calm', doc: 'd', rate: 7, inside: true }, { name: 'rush', doc: 'd', rate: 9, inside: false, once: true }] as unknown as Mix[]

  test('has defaults that fit the mix', () => {
    expect(readOptions(['calm'], mixes)).toMatchObject({ rate: 7, seconds: 30, warmUp: 5, products: 1_000, urls: [], dataDirs: [], stack: false })
    expect(readOptions(['rush', '--rate', '3', '--url', 'http://a, http://b', '--data-dir', 'x,y'], mixes)).toMatchObject({ rate: 3, warmUp: 0, urls: ['http://a', 'http://b'], dataDirs: ['x', 'y'] })
  })

  test.each([
    [['walk'], /which mix\? choose one of calm, rush/],
    [[], /which mix/],
    [['calm', '--rate', '0'], /--rate wants a number above 0/],
    [['calm', '--speed', '1'], /Unknown option '--speed'/],
    [['calm', '--url', 'http://a'], /name a node by --data-dir/]
  ])('refuses %j in a line', (args, message) => {
    expect(() => readOptions(args, mixes)).toThrow(message)
  })
})
