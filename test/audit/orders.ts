import { orderStatus, type OrderState, type OrderStatus, type Totals } from '../../services/order/order.ts'
import { Findings, skipped, type Invariant } from './invariant.ts'

const isExact = (t: Totals): boolean => t.total === t.subtotal - t.discount + t.shipping + t.tax && Object.values(t).every((n) => Number.isSafeInteger(n) && n >= 0)

const idempotency: Invariant = {
  number: 4,
  name: 'the idempotency contract: every accepted key names one order that exists, none runs for ever',
  async check(books) {
    const found = new Findings()
    for (const rows of await books.everyShard<{ id: string; status: number | null; order_id: string | null; known: boolean; seconds: number }>(
      `SELECT i.id, i.status, i.answer->>'id' AS order_id, extract(epoch FROM now() - i.at)::float8 AS seconds,
              EXISTS (SELECT FROM orders.actor a WHERE a.type = 'order' AND a.key = i.answer->>'id' AND a.state IS NOT NULL) AS known
       FROM orders.idempotency i`
    )) {
      const seen = new Map<string, string>()
      for (const r of rows) {
        found.expect(r.status !== null || r.seconds < Math.max(60, books.options.settledSeconds), () => `key ${r.id} has been running for ${Math.round(r.seconds)} s`)
        if (r.status !== 201 || r.order_id?.split('.').length !== 3) continue
        found.expect(r.known, () => `key ${r.id} answered 201 for order ${r.order_id}, which does not exist`)
        found.expect(!seen.has(r.order_id), () => `order ${r.order_id} answers two keys: ${r.id} and ${seen.get(r.order_id!)}`)
        seen.set(r.order_id, r.id)
      }
    }
    return found.result
  }
}

const fulfilled: Invariant = {
  number: 5,
  name: 'every paid order ships or is refunded',
  async check(books) {
    const found = new Findings()
    for await (const { order, shipments } of books.orderFiles()) {
      if (!books.isSettled(order)) continue
      found.expect(order.phase === 'done' || order.phase === 'failed', () => `order ${order.id} has been ${order.phase} for ${Math.round(books.idleSeconds(order))} s`)
      if (!['confirmed', 'shipped', 'delivered'].includes(order.status)) continue
      for (const s of order.subOrders) found.expect(shipments.some((x) => x.sub_order_id === s.id && !x.held_back), () => `sub-order ${s.id} is paid, but has no parcel`)
    }
    return found.result
  }
}

const paidFirst: Invariant = {
  number: 6,
  name: 'nothing ships unpaid',
  async check(books) {
    const found = new Findings()
    for await (const { order, shipments, payments } of books.orderFiles()) {
      const sent = shipments.filter((s) => !s.held_back)
      if (sent.length > 0) found.expect(payments.some((p) => p.captured === order.totals.total), () => `order ${order.id} has ${sent.length} parcels and nothing captured`)
    }
    const ids = new Set<string>()
    for await (const { order } of books.orderFiles()) ids.add(order.id)
    const strays = await books.main<{ order_id: string }>('SELECT DISTINCT order_id FROM logistics.shipment WHERE NOT held_back')
    for (const { order_id } of strays) found.expect(ids.has(order_id), () => `a parcel belongs to order ${order_id}, which does not exist`)
    return found.result
  }
}

const exactTotals: Invariant = {
  number: 9,
  name: 'totals are exact: of each seller’s part, of the order, and of the lines at the accepted price',
  async check(books) {
    const found = new Findings()
    for await (const { order } of books.orderFiles()) {
      found.expect(isExact(order.totals), () => `order ${order.id}: ${JSON.stringify(order.totals)}`)
      for (const s of order.subOrders) {
        found.expect(isExact(s.totals), () => `sub-order ${s.id}: ${JSON.stringify(s.totals)}`)
        const lines = s.lines.reduce((n, l) => n + l.unitPrice * l.quantity, 0)
        found.expect(lines === s.totals.subtotal, () => `sub-order ${s.id}: lines ${lines}, subtotal ${s.totals.subtotal}`)
      }
      for (const key of Object.keys(order.totals) as (keyof Totals)[]) {
        const parts = order.subOrders.reduce((n, s) => n + s.totals[key], 0)
        found.expect(parts === order.totals[key], () => `order ${order.id}: ${key} ${order.totals[key]}, parts ${parts}`)
      }
    }
    return found.result
  }
}

const acknowledged: Invariant = {
  number: 11,
  name: 'no acknowledged order is lost, none is invented',
  async check(books) {
    const acks = books.options.acknowledged
    if (!acks) return skipped('give --acks FILE, what clients were told')
    const found = new Findings()
    const orders = new Map<string, OrderState>()
    for await (const { order } of books.orderFiles()) orders.set(order.id, order)
    const told = new Set(acks.map((a) => a.orderId))
    for (const { orderId, status } of acks) found.expect(orders.has(orderId), () => `order ${orderId} was acknowledged with ${status} and is gone`)
    found.expect(told.size === acks.length, () => `${acks.length - told.size} acknowledgements name an order a second time`)
    return found.result
  }
}

const legalEdges: Invariant = {
  number: 12,
  name: 'state machines went along their edges only',
  async check(books) {
    const found = new Findings()
    for await (const { order } of books.orderFiles()) {
      const states = order.timeline.map((t) => t.status as OrderStatus)
      states.slice(1).forEach((to, i) => found.expect(orderStatus.can(states[i]!, to), () => `order ${order.id} went from ${states[i]} to ${to}`))
      found.expect(states.at(-1) === order.status, () => `order ${order.id} is ${order.status}, its timeline ends with ${states.at(-1)}`)
    }
    return found.result
  }
}

export const orders: Invariant[] = [idempotency, fulfilled, paidFirst, exactTotals, acknowledged, legalEdges]
