import { describe, expect, test } from '@jest/globals'
import { refusalComplaint } from '../../load/marketplace/criteria.ts'
import { dashboardComplaint, PartsSeen, type DashboardView } from '../../load/marketplace/dashboards.ts'
import { decompositionComplaints, FUNCTIONS, reachComplaints, type Provided } from '../../load/marketplace/isolation.ts'
import { historyComplaint, stockComplaint, type Parcel } from '../../load/marketplace/orders.ts'
import { PriceLog, priceComplaint } from '../../load/marketplace/prices.ts'

// Each criterion of the marketplace's mix, once as it must be and once with every fault that it is there to catch.

const usd = (amount: number) => ({ amount, currency: 'USD' })

describe('functional decomposition', () => {
  const services = Object.values(FUNCTIONS).flat().map((name): Provided => ({ name, nodeID: 'n', actions: [`${name}.do`] }))

  test('each function has an owner of its own', () => {
    expect(decompositionComplaints(services)).toEqual(Array(8).fill(null))
  })

  test('a function that nobody provides, and one that another provides too', () => {
    expect(decompositionComplaints(services.filter(({ name }) => name !== 'cart.worker'))[0]).toBe('cart: nobody provides cart.worker')
    expect(decompositionComplaints([...services, { name: 'monolith', nodeID: 'n', actions: ['order.worker.place'] }])[1]).toBe('order: monolith provides actions of order.worker')
  })
})

test('resource isolation: the relay alone reaches into others’ outboxes', () => {
  expect(reachComplaints([{ role: 'souk_relay', schema: 'cart', table: 'outbox' }])).toEqual([])
  expect(reachComplaints([{ role: 'souk_relay', schema: 'cart', table: 'actor' }, { role: 'souk_cart', schema: 'auth', table: 'outbox' }])).toEqual(['souk_relay may use cart.actor', 'souk_cart may use auth.outbox'])
})

describe('all-or-nothing checkout', () => {
  const wanted = [{ offerId: 'a', quantity: 2 }, { offerId: 'b', quantity: 1 }]

  test('a refusal leaves the cart as it was', () => {
    expect(refusalComplaint(wanted, [...wanted].reverse())).toBeNull()
    expect(refusalComplaint(wanted, [wanted[0]!])).toMatch('holds 0 of b')
    expect(refusalComplaint(wanted, [{ offerId: 'a', quantity: 1 }, wanted[1]!])).toMatch('holds 1 of a')
    expect(refusalComplaint(wanted, [...wanted, { offerId: 'c', quantity: 1 }])).toMatch('more than before')
  })
})

describe('causal replication of prices', () => {
  const seen = (amount: number, from: number, to: number) => ({ offerId: 'o', price: usd(amount), from, to })

  test('a price may have held from when it was sent until the next was answered', async () => {
    const log = new PriceLog(100)
    const before = performance.now()
    let during = 0
    await log.change(101, async () => void (during = performance.now()))
    const after = performance.now()
    for (const [amount, from, to] of [[100, before, before], [100, before, during], [100, during, during], [101, during, during], [101, before, after], [101, after, after + 1_000]] as const) {
      expect(priceComplaint(log, seen(amount, from, to), 0)).toBeNull()
    }
  })

  test('an older price, one that was not asked yet, and one that nobody asked', async () => {
    const log = new PriceLog(100)
    const before = performance.now() - 1
    await log.change(101, async () => {})
    const later = performance.now() + 3_000
    expect(priceComplaint(log, seen(100, later, later), 0)).toMatch(/changed 3000 ms before/)
    expect(priceComplaint(log, seen(100, later, later), 5_000)).toBeNull() // a cart may be behind
    expect(priceComplaint(log, seen(101, before, before), 5_000)).toMatch('never asked')
    expect(priceComplaint(log, seen(99, before, later), 5_000)).toMatch('never asked')
  })

  test('an update that stays without an answer leaves nothing to be said', async () => {
    const log = new PriceLog(100)
    await expect(log.change(101, () => Promise.reject(new Error('lost')))).rejects.toThrow('lost')
    expect(priceComplaint(log, seen(100, performance.now() + 9_000, performance.now() + 9_000), 0)).toBeNull()
  })
})

describe('product and stock integrity', () => {
  const listing = { offerId: 'o', sold: 7, unknown: 0 }

  test('the shelf has lost what was sold', () => {
    expect(stockComplaint(listing, 10, { onHand: 3, reserved: 0 })).toBeNull()
    expect(stockComplaint({ ...listing, unknown: 2 }, 10, { onHand: 1, reserved: 0 })).toBeNull()
  })

  test('too much, too little, or still reserved', () => {
    expect(stockComplaint(listing, 10, { onHand: 2, reserved: 0 })).toMatch('8 units have left the shelf, 7 were sold')
    expect(stockComplaint(listing, 10, { onHand: 4, reserved: 0 })).toMatch('6 units')
    expect(stockComplaint({ ...listing, unknown: 2 }, 10, { onHand: 0, reserved: 0 })).toMatch('10 units')
    expect(stockComplaint(listing, 10, { onHand: 3, reserved: 1 })).toMatch('1 units are still reserved')
  })
})

const part = (id: string, status: string, quantity = 1): DashboardView['items'][number] => ({ id, status, lines: [{ quantity }], totals: { total: usd(10 * quantity) } })
const view = (...items: DashboardView['items']): DashboardView => {
  const units = items.reduce((sum, { lines }) => sum + lines[0]!.quantity, 0)
  return { asOf: '2026-01-01T00:00:00Z', open: { count: items.length, units, amount: usd(10 * units) }, items }
}

describe('a dashboard from one snapshot', () => {
  const whole = view(part('a', 'confirmed', 2), part('b', 'shipped'))

  test('its totals are those of its list, also of one that is too long to be listed', () => {
    expect(dashboardComplaint(whole)).toBeNull()
    const long = view(...Array.from({ length: 100 }, (_, i) => part(String(i), 'confirmed')))
    expect(dashboardComplaint({ ...long, open: { count: 140, units: 150, amount: usd(1_500) } })).toBeNull()
    expect(dashboardComplaint({ ...long, open: { count: 140, units: 99, amount: usd(1_500) } })).toMatch('99 units')
  })

  test.each([
    ['another count', { count: 3 }, '3 parts are counted, 2 are listed'],
    ['other units', { units: 4 }, '4 units are counted'],
    ['another amount', { amount: usd(31) }, 'they come to 31, those listed to 30']
  ])('%s', (_name, wrong, complaint) => {
    expect(dashboardComplaint({ ...whole, open: { ...whole.open, ...wrong } })).toMatch(complaint)
  })
})

describe('order of events per order', () => {
  const clean = (complaints: (string | null)[]): boolean => complaints.every((complaint) => complaint === null)

  test('parts go forward in what sellers are shown', () => {
    const parts = new PartsSeen()
    expect(clean(parts.look('s', view(part('a', 'confirmed'), part('b', 'confirmed')), 0, 1))).toBe(true)
    expect(clean(parts.look('s', view(part('a', 'shipped'), part('b', 'packed')), 2, 3))).toBe(true)
    expect(clean(parts.look('s', view(part('b', 'shipped')), 4, 5))).toBe(true)
    expect(clean(parts.look('s', view(), 6, 7))).toBe(true)
  })

  test('a part that goes back, and one that comes back', () => {
    const parts = new PartsSeen()
    parts.look('s', view(part('a', 'shipped'), part('b', 'shipped')), 0, 1)
    expect(parts.look('s', view(part('a', 'packed')), 2, 3)).toEqual(['part a went back from shipped to packed'])
    expect(parts.look('s', view(part('b', 'shipped')), 4, 5)).toEqual(['part b went back from no longer open to shipped'])
  })

  test('of two looks at once either may be the later one', () => {
    const parts = new PartsSeen()
    parts.look('s', view(part('a', 'shipped')), 2, 3)
    expect(clean(parts.look('s', view(part('a', 'confirmed')), 1, 4))).toBe(true)
    expect(clean(parts.look('s', view(), 1, 5))).toBe(true) // it was not there yet, for all that is known
    expect(clean(parts.look('s', view(part('a', 'shipped')), 6, 7))).toBe(true)
  })

  const at = (second: number): string => `2026-01-01T00:00:0${second}Z`
  const steps = (...statuses: string[]): { status: string; at: string }[] => statuses.map((status, i) => ({ status, at: at(i) }))
  const order = { id: 'o', status: 'delivered', timeline: steps('payment_pending', 'confirmed', 'shipped', 'delivered') }
  const parcel: Parcel = { id: 'p', subOrderId: 's', status: 'delivered', events: steps('created', 'delivered') }

  test('histories of orders and parcels go forward and agree', () => {
    expect(historyComplaint(order, [parcel])).toBeNull()
    expect(historyComplaint({ ...order, status: 'confirmed', timeline: steps('payment_pending', 'confirmed') }, [])).toBeNull()
    expect(historyComplaint(order, [{ ...parcel, events: steps('created', 'delivered', 'picked_up') }])).toBeNull() // a carrier that is late
  })

  test.each([
    ['a step back', { ...order, timeline: steps('payment_pending', 'shipped', 'confirmed', 'delivered') }, [parcel], 'confirmed comes behind shipped'],
    ['a step twice', { ...order, timeline: steps('payment_pending', 'confirmed', 'confirmed', 'delivered') }, [parcel], 'confirmed comes behind confirmed'],
    ['time that goes back', { ...order, timeline: [...steps('payment_pending', 'confirmed', 'shipped'), { status: 'delivered', at: at(1) }] }, [parcel], 'is listed behind'],
    ['a status that its history does not know', { ...order, timeline: steps('payment_pending', 'confirmed') }, [parcel], 'it is delivered, its timeline ends with confirmed'],
    ['a parcel behind its reports', order, [{ ...parcel, status: 'created' }], 'parcel p: it is created'],
    ['a parcel whose reports are out of order', order, [{ ...parcel, events: [...steps('created', 'picked_up'), { status: 'delivered', at: at(0) }] }], 'parcel p: delivered at'],
    ['an order ahead of its parcels', order, [parcel, { ...parcel, status: 'created', events: steps('created') }], 'not all of its parcels']
  ])('%s', (_name, wrong, parcels, complaint) => {
    expect(historyComplaint(wrong, parcels)).toMatch(complaint)
  })
})
