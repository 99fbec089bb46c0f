import { stockLines, type OrderState } from '../order.ts'
import { ask, type Saga } from '../saga.ts'

/** Has one parcel made per sub-order, once. False when the order was cancelled before. Undone by `holdBack`, until a parcel has left. */
export async function ship(saga: Saga, order: OrderState): Promise<boolean> {
  const { outcome } = await ask(saga, 'logistics.worker.ship', {
    orderId: order.id,
    buyerId: order.buyerId,
    address: order.shippingAddress,
    subOrders: order.subOrders.map((s) => ({ id: s.id, sellerId: s.sellerId, handlingDays: s.handlingDays, lines: stockLines(s) }))
  })
  return outcome === 'shipped'
}

/** Holds all parcels back, and those not yet made; false once one has left. */
export async function holdBack(saga: Saga, order: OrderState): Promise<boolean> {
  const { outcome } = await ask(saga, 'logistics.worker.cancel', { orderId: order.id })
  return outcome === 'cancelled'
}
