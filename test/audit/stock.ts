import type { OrderState } from '../../services/order/order.ts'
import { paged } from './books.ts'
import type { Invariant } from './invariant.ts'
import type { OrderFile } from './order-files.ts'

/** Units of each offer that orders say were sold and not given back. Grows with the offers that were sold, not with the orders. */
class Sold {
  readonly units = new Map<string, number>()
  /** Offers of orders that may be under way. */
  readonly open = new Set<string>()

  count(order: OrderState, isSettled: boolean): void {
    const lines = order.subOrders.flatMap((s) => s.lines)
    if (!isSettled) for (const l of lines) this.open.add(l.offerId)
    if (!order.timeline.some((t) => t.status === 'confirmed') || order.status === 'cancelled') return
    for (const l of lines) this.#add(l.offerId, l.quantity)
    for (const l of order.returns.flatMap((r) => r.lines)) this.#add(l.offerId, -l.quantity)
  }

  #add(offerId: string, units: number): void {
    this.units.set(offerId, (this.units.get(offerId) ?? 0) + units)
  }
}

type StockRow = { offer_id: string; on_hand: number; reserved: number; moved: number; moved_reserved: number; sold: number }

const STOCK = `WITH page AS (SELECT offer_id FROM inventory.stock WHERE offer_id COLLATE "C" > $1 GROUP BY offer_id ORDER BY offer_id COLLATE "C" LIMIT $2)
  SELECT p.offer_id, s.on_hand, s.reserved, m.on_hand AS moved, m.reserved AS moved_reserved, m.sold FROM page p
  CROSS JOIN LATERAL (SELECT sum(on_hand)::float8 AS on_hand, sum(reserved)::float8 AS reserved FROM inventory.stock WHERE offer_id = p.offer_id) s
  CROSS JOIN LATERAL (SELECT coalesce(sum(on_hand), 0)::float8 AS on_hand, coalesce(sum(reserved), 0)::float8 AS reserved,
                             -coalesce(sum(on_hand) FILTER (WHERE kind IN ('sold', 'restocked')), 0)::float8 AS sold FROM inventory.movement WHERE offer_id = p.offer_id) m
  ORDER BY p.offer_id COLLATE "C"`

const noOversell: Invariant = {
  number: 1,
  name: 'no oversell: stock is what its ledger says, never below what is promised, and orders sold what left',
  look(books, found) {
    const sold = new Sold()
    return {
      order: ({ order }) => sold.count(order, books.isSettled(order)),
      async finish() {
        for await (const rows of paged<StockRow>('offer_id', (after, limit) => books.of('inventory')(STOCK, [after, limit]))) {
          for (const r of rows) {
            found.expect(r.reserved >= 0 && r.reserved <= r.on_hand, () => `offer ${r.offer_id}: ${r.on_hand} on hand, ${r.reserved} reserved`)
            found.expect(r.on_hand === r.moved && r.reserved === r.moved_reserved, () => `offer ${r.offer_id}: ${r.on_hand}/${r.reserved} in stock, its ledger says ${r.moved}/${r.moved_reserved}`)
            if (!sold.open.has(r.offer_id)) found.expect(r.sold === (sold.units.get(r.offer_id) ?? 0), () => `offer ${r.offer_id}: ${r.sold} left the warehouse, orders sold ${sold.units.get(r.offer_id) ?? 0}`)
          }
        }
      }
    }
  }
}

const noLeak: Invariant = {
  number: 2,
  name: 'no leaked reservation: every one held belongs to an order that is still being placed or paid',
  look(books, found) {
    return {
      order(file) {
        if (!books.isSettled(file.order)) return
        found.looked(1)
        for (const text of wrongReservations(file)) found.violation(text)
      },
      /** What is held for no order at all. */
      async finish() {
        const held = await books.of('inventory')<{ order_id: string; warehouse_id: string; attempt: number }>(
          `SELECT order_id, warehouse_id, attempt FROM inventory.reservation WHERE status = 'held' AND at < now() - make_interval(secs => $1)`,
          [books.options.settledSeconds]
        )
        const missing = new Set(await books.missingOrders([...new Set(held.map((r) => r.order_id))]))
        for (const r of held) found.expect(!missing.has(r.order_id), () => `attempt ${r.attempt} of order ${r.order_id}, which does not exist, holds stock in ${r.warehouse_id}`)
      }
    }
  }
}

function wrongReservations({ order, reservations }: OrderFile): string[] {
  const mayHold = (attempt: number): boolean => attempt === order.attempt && (order.phase === 'placing' || order.phase === 'refusing' || order.phase === 'pending' || order.phase === 'abandoning')
  const leaked = reservations.filter((r) => r.status === 'held' && !mayHold(r.attempt)).map((r) => `order ${order.id} is ${order.status}, and its attempt ${r.attempt} still holds stock in ${r.warehouse_id}`)
  const current = reservations.filter((r) => r.attempt === order.attempt)
  if (['confirmed', 'shipped', 'delivered'].includes(order.status)) {
    const missing = order.subOrders.filter((s) => current.find((r) => r.warehouse_id === s.warehouseId)?.status !== 'taken')
    return [...leaked, ...missing.map((s) => `order ${order.id} is ${order.status}, but the stock of ${s.sellerId} was not taken`)]
  }
  if (order.status !== 'cancelled') return leaked
  const out = (r: OrderFile['reservations'][number]): number => r.lines.reduce((n, l) => n + l.quantity, 0) - r.restocks.flatMap((x) => x.lines).reduce((n, l) => n + l.quantity, 0)
  const kept = reservations.filter((r) => r.status === 'taken' && out(r) !== 0)
  return [...leaked, ...kept.map((r) => `order ${order.id} is cancelled, but ${out(r)} units of ${r.warehouse_id} did not come back`)]
}

export const stock: Invariant[] = [noOversell, noLeak]
