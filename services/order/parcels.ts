import { returnedOf, withoutParcel } from './money-back.ts'
import { become, subOrderStatus, type OrderState, type ShipmentView, type SubOrder, type SubOrderStatus } from './order.ts'

/** What a parcel's news says; `number` is that of the news among the parcel's. */
export type ParcelNews = ShipmentView & { number: number }

/**
 * The order after a parcel's news; null when it is old, or of a parcel that must not leave. The order follows its parcels: shipped
 * with the first that leaves, delivered with the last. A parcel that is lost, or comes back before it was delivered, gives back
 * the money of its part. One that comes back later is the buyer's return, whose money moves with the return itself.
 */
export function parcelMoved(order: OrderState, subOrderId: string, news: ParcelNews, at: string): OrderState | null {
  const sub = order.subOrders.find((s) => s.id === subOrderId)
  const known = sub?.shipments.find((s) => s.id === news.id)
  if (!sub || sub.status === 'cancelled' || (known && known.number >= news.number)) return null
  const status = statusAfter(sub, news.status)
  const next: SubOrder = { ...sub, status, shipments: [...sub.shipments.filter((s) => s.id !== news.id), news] }
  const moved: OrderState = { ...order, subOrders: order.subOrders.map((s) => (s === sub ? next : s)) }
  return followParcels(moneyOf(moved, sub, next, news.status, at), at)
}

function statusAfter(sub: SubOrder, parcel: ShipmentView['status']): SubOrderStatus {
  const status: SubOrderStatus = parcel === 'created' ? 'packed' : parcel === 'delivered' || parcel === 'returned' ? parcel : 'shipped'
  const stays = sub.status === 'delivered' || !subOrderStatus.can(sub.status, status)
  return stays ? sub.status : status
}

function moneyOf(order: OrderState, before: SubOrder, sub: SubOrder, parcel: ShipmentView['status'], at: string): OrderState {
  if (sub.status === 'returned' && before.status !== 'returned') {
    const lines = sub.lines.map((l) => ({ offerId: l.offerId, quantity: l.quantity - returnedOf(order, l.offerId) })).filter((l) => l.quantity > 0)
    return withoutParcel(order, sub, 'The parcel came back undelivered.', at, lines)
  }
  return parcel === 'lost' && sub.status === 'shipped' ? withoutParcel(order, sub, 'The parcel was lost.', at, []) : order
}

const wasDelivered = (order: OrderState, sub: SubOrder): boolean =>
  sub.status === 'delivered' || (sub.status === 'returned' && !order.returns.some((r) => r.undelivered && r.id.startsWith(`${sub.id}.`)))

const isOnItsWay = (sub: SubOrder): boolean => sub.status !== 'delivered' && sub.status !== 'returned' && !sub.shipments.some((s) => s.status === 'lost')

function followParcels(order: OrderState, at: string): OrderState {
  const open = order.subOrders.filter((s) => s.status !== 'cancelled')
  const hasLeft = open.some((s) => s.status === 'shipped' || s.status === 'delivered' || s.status === 'returned')
  let next = order
  if (hasLeft && next.status === 'confirmed') next = become(next, 'shipped', next.phase, at)
  const arrived = !open.some(isOnItsWay) && open.some((s) => wasDelivered(order, s))
  if (arrived && next.status === 'shipped') next = become(next, 'delivered', next.phase, at)
  return next
}
