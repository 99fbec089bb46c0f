import type { Books, OrderFile } from './books.ts'
import { Findings, type Invariant } from './invariant.ts'

/** Units of each offer that orders say were sold and not given back. */
async function soldByOrders(books: Books): Promise<{ sold: Map<string, number>; open: Set<string> }> {
  const sold = new Map<string, number>()
  const open = new Set<string>()
  for await (const { order } of books.orderFiles()) {
    const lines = order.subOrders.flatMap((s) => s.lines)
    if (!books.isSettled(order)) lines.forEach((l) => open.add(l.offerId))
    if (!order.timeline.some((t) => t.status === 'confirmed') || order.status === 'cancelled') continue
    for (const l of lines) sold.set(l.offerId, (sold.get(l.offerId) ?? 0) + l.quantity)
    for (const l of order.returns.flatMap((r) => r.lines)) sold.set(l.offerId, (sold.get(l.offerId) ?? 0) - l.quantity)
  }
  return { sold, open }
}

const noOversell: Invariant = {
  number: 1,
  name: 'no oversell: stock is what its ledger says, never below what is promised, and orders sold what left',
  async check(books) {
    const found = new Findings()
    const rows = await books.main<{ offer_id: string; on_hand: number; reserved: number; moved: number; moved_reserved: number; sold: number }>(
      `SELECT s.offer_id, s.on_hand, s.reserved, coalesce(sum(m.on_hand), 0)::float8 AS moved, coalesce(sum(m.reserved), 0)::float8 AS moved_reserved,
              -coalesce(sum(m.on_hand) FILTER (WHERE m.kind IN ('sold', 'restocked')), 0)::float8 AS sold
       FROM inventory.stock s LEFT JOIN inventory.movement m USING (offer_id, warehouse_id) GROUP BY s.offer_id, s.warehouse_id, s.on_hand, s.reserved`
    )
    const { sold, open } = await soldByOrders(books)
    for (const r of rows) {
      found.expect(r.reserved >= 0 && r.reserved <= r.on_hand, () => `offer ${r.offer_id}: ${r.on_hand} on hand, ${r.reserved} reserved`)
      found.expect(r.on_hand === r.moved && r.reserved === r.moved_reserved, () => `offer ${r.offer_id}: ${r.on_hand}/${r.reserved} in stock, its ledger says ${r.moved}/${r.moved_reserved}`)
      if (!open.has(r.offer_id)) found.expect(r.sold === (sold.get(r.offer_id) ?? 0), () => `offer ${r.offer_id}: ${r.sold} left the warehouse, orders sold ${sold.get(r.offer_id) ?? 0}`)
    }
    return found.result
  }
}

const noLeak: Invariant = {
  number: 2,
  name: 'no leaked reservation: every one held belongs to an order that is still being placed or paid',
  async check(books) {
    const found = new Findings()
    const held = await books.main<{ order_id: string; warehouse_id: string; attempt: number }>(
      `SELECT order_id, warehouse_id, attempt FROM inventory.reservation WHERE status = 'held' AND at < now() - make_interval(secs => $1)`,
      [books.options.settledSeconds]
    )
    const open = new Set<string>()
    for await (const { order } of books.orderFiles()) if (order.phase === 'placing' || order.phase === 'pending' || !books.isSettled(order)) open.add(`${order.id}.${order.attempt}`)
    for (const r of held) found.expect(open.has(`${r.order_id}.${r.attempt}`), () => `order ${r.order_id}, attempt ${r.attempt}: still holds stock in ${r.warehouse_id}`)
    for await (const file of books.orderFiles()) if (books.isSettled(file.order)) for (const text of wrongReservations(file)) found.violation(text)
    found.look()
    return found.result
  }
}

function wrongReservations({ order, reservations }: OrderFile): string[] {
  const current = reservations.filter((r) => r.attempt === order.attempt)
  if (['confirmed', 'shipped', 'delivered'].includes(order.status)) {
    return order.subOrders.filter((s) => current.find((r) => r.warehouse_id === s.warehouseId)?.status !== 'taken').map((s) => `order ${order.id} is ${order.status}, but the stock of ${s.sellerId} was not taken`)
  }
  if (order.status !== 'cancelled') return []
  const out = (r: OrderFile['reservations'][number]): number =>
    r.lines.reduce((n, l) => n + l.quantity, 0) - r.restocks.flatMap((x) => x.lines).reduce((n, l) => n + l.quantity, 0)
  return current.filter((r) => r.status === 'taken' && out(r) !== 0).map((r) => `order ${order.id} is cancelled, but ${out(r)} units of ${r.warehouse_id} did not come back`)
}

export const stock: Invariant[] = [noOversell, noLeak]
