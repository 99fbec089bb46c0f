import { isAccepted, orderStatus, type OrderStatus, type Totals } from '../../services/order/order.ts'
import { NO_PAYMENTS, paged, type Books } from './books.ts'
import type { Findings, Invariant } from './invariant.ts'

const isExact = (t: Totals): boolean => t.total === t.subtotal - t.discount + t.shipping + t.tax && Object.values(t).every((n) => Number.isSafeInteger(n) && n >= 0)

/** Answers of placed orders: an order's view that knows of no return yet. */
const PLACED = `i.status IN (201, 202) AND i.answer->'subOrders' IS NOT NULL AND json_array_length(i.answer->'returns') = 0`

async function lookAtKeys(books: Books, found: Findings): Promise<void> {
  for (const query of books.shards) {
    const [all] = await query<{ n: number }>('SELECT count(*)::int AS n FROM orders.idempotency')
    found.looked(all!.n)
    const running = await query<{ id: string; seconds: number }>(
      'SELECT id, extract(epoch FROM now() - at)::float8 AS seconds FROM orders.idempotency WHERE status IS NULL AND at < now() - make_interval(secs => $1)',
      [Math.max(60, books.options.settledSeconds)]
    )
    for (const r of running) found.violation(`key ${r.id} has been running for ${Math.round(r.seconds)} s`)
    const lost = await query<{ id: string; order_id: string }>(
      `SELECT i.id, i.answer->>'id' AS order_id FROM orders.idempotency i WHERE ${PLACED}
         AND NOT EXISTS (SELECT FROM orders.actor a WHERE a.type = 'order' AND a.key = i.answer->>'id' AND a.state IS NOT NULL)`
    )
    for (const r of lost) found.violation(`key ${r.id} answered with order ${r.order_id}, which does not exist`)
    const twice = await query<{ order_id: string; keys: string[] }>(
      `SELECT i.answer->>'id' AS order_id, array_agg(i.id) AS keys FROM orders.idempotency i WHERE i.status = 201 AND ${PLACED} GROUP BY 1 HAVING count(*) > 1`
    )
    for (const r of twice) found.violation(`order ${r.order_id} answers two keys: ${r.keys.slice(0, 2).join(' and ')}`)
  }
}

const idempotency: Invariant = {
  number: 4,
  name: 'the idempotency contract: every accepted key names one order that exists, none runs for ever',
  look: (books, found) => ({ finish: () => lookAtKeys(books, found) })
}

/** A payment may be asked for this much longer than other work takes before it is given up. */
const PENDING_SECONDS = 30

const fulfilled: Invariant = {
  number: 5,
  name: 'every paid order ships or is refunded, and no saga stands still',
  look: (books, found) => ({
    order({ order, shipments }) {
      if (!books.isSettled(order)) return
      const isPending = order.phase === 'pending' || order.phase === 'abandoning'
      if (isPending && books.idleSeconds(order) <= books.options.settledSeconds + PENDING_SECONDS) return
      const rests = (order.phase === 'done' && !order.refunds.some((r) => r.status === 'pending')) || order.phase === 'failed'
      found.expect(rests, () => `order ${order.id} has been ${order.phase === 'done' ? 'refunding' : order.phase} for ${Math.round(books.idleSeconds(order))} s`)
      if (!['confirmed', 'shipped', 'delivered'].includes(order.status)) return
      for (const s of order.subOrders) found.expect(shipments.some((x) => x.sub_order_id === s.id && !x.held_back), () => `sub-order ${s.id} is paid, but has no parcel`)
    }
  })
}

const paidFirst: Invariant = {
  number: 6,
  name: 'nothing ships unpaid',
  look(books, found) {
    if (!books.payments) return NO_PAYMENTS
    return {
      order({ order, shipments, payments }) {
        const sent = shipments.filter((s) => !s.held_back)
        if (sent.length === 0 || order.totals.total === 0) return
        found.expect(payments.some((p) => p.captured === order.totals.total), () => `order ${order.id} has ${sent.length} parcels and nothing captured`)
      },
      async finish() {
        const page = (after: string, limit: number): Promise<{ order_id: string }[]> =>
          books.of('logistics')('SELECT order_id FROM logistics.shipment WHERE NOT held_back AND order_id COLLATE "C" > $1 GROUP BY order_id ORDER BY order_id COLLATE "C" LIMIT $2', [after, limit])
        for await (const rows of paged('order_id', page)) {
          found.looked(rows.length)
          for (const id of await books.missingOrders(rows.map((r) => r.order_id))) found.violation(`a parcel belongs to order ${id}, which does not exist`)
        }
      }
    }
  }
}

const exactTotals: Invariant = {
  number: 9,
  name: 'totals are exact: of each seller’s part, of the order, and of the lines at the accepted price',
  look: (_books, found) => ({
    order({ order }) {
      found.expect(isExact(order.totals), () => `order ${order.id}: ${JSON.stringify(order.totals)}`)
      for (const s of order.subOrders) {
        found.expect(isExact(s.totals), () => `sub-order ${s.id}: ${JSON.stringify(s.totals)}`)
        const sum = (value: (line: (typeof s.lines)[number]) => number): number => s.lines.reduce((n, l) => n + value(l), 0)
        const lines = { subtotal: sum((l) => l.unitPrice * l.quantity), discount: sum((l) => l.discount), tax: sum((l) => l.tax) }
        for (const key of ['subtotal', 'discount', 'tax'] as const) found.expect(lines[key] === s.totals[key], () => `sub-order ${s.id}: ${key} ${s.totals[key]}, its lines ${lines[key]}`)
      }
      for (const key of Object.keys(order.totals) as (keyof Totals)[]) {
        const parts = order.subOrders.reduce((n, s) => n + s.totals[key], 0)
        found.expect(parts === order.totals[key], () => `order ${order.id}: ${key} ${order.totals[key]}, parts ${parts}`)
      }
    }
  })
}

const acknowledged: Invariant = {
  number: 11,
  name: 'no acknowledged order is lost, none is invented',
  look(books, found) {
    const acks = books.options.acknowledged
    if (!acks) return 'give --acks FILE, what clients were told'
    return {
      async finish() {
        const told = new Map(acks.map((a) => [a.orderId, a.status]))
        found.looked(told.size)
        for (const id of await books.missingOrders([...told.keys()])) found.violation(`order ${id} was acknowledged with ${told.get(id)} and is gone`)
        if (told.size < acks.length) found.violation(`${acks.length - told.size} acknowledgements name an order a second time`)
      }
    }
  }
}

const legalEdges: Invariant = {
  number: 12,
  name: 'state machines went along their edges only',
  look: (_books, found) => ({
    order({ order }) {
      const states = order.timeline.map((t) => t.status as OrderStatus)
      states.slice(1).forEach((to, i) => found.expect(orderStatus.can(states[i]!, to), () => `order ${order.id} went from ${states[i]} to ${to}`))
      found.expect(states.at(-1) === order.status, () => `order ${order.id} is ${order.status}, its timeline ends with ${states.at(-1)}`)
    }
  })
}

const sellersLists: Invariant = {
  number: 19,
  name: 'sellers’ lists are what the orders say',
  look: (books, found) => ({
    order({ order, events, listed, logged }) {
      if (!books.isSettled(order) || !isAccepted(order)) return
      const told = logged.get(`order/${order.id}`)
      if (told && (told.max !== events || books.quietSeconds(told) <= books.options.settledSeconds)) return // its news is on the way to the list
      const sold = order.timeline.some((t) => t.status === 'confirmed') ? order.subOrders : []
      for (const s of sold) {
        const row = listed.find((l) => l.id === s.id)
        found.expect(row?.status === s.status, () => `sub-order ${s.id} is ${s.status}, and ${row?.status ?? 'missing'} in the list of ${s.sellerId}`)
      }
      for (const l of listed) found.expect(sold.some((s) => s.id === l.id), () => `${l.id} is in a seller's list, but was not sold`)
    }
  })
}

export const orders: Invariant[] = [idempotency, fulfilled, paidFirst, exactTotals, acknowledged, legalEdges, sellersLists]
