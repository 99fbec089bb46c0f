import { stockLines, type OrderState, type Refusal, type Return } from '../order.ts'
import { ask, type Saga } from '../saga.ts'

/** Sub-orders and warehouses are one to one: each seller ships from its default warehouse. */
const everyWarehouse = <T>(order: OrderState, what: (sub: OrderState['subOrders'][number], key: { orderId: string; warehouseId: string }) => Promise<T>): Promise<T[]> =>
  Promise.all(order.subOrders.map((sub) => what(sub, { orderId: order.id, warehouseId: sub.warehouseId })))

/** Reserves every line of the order, or tells which lack stock. Undone by `release`. Idempotent by order and attempt. */
export async function reserve(saga: Saga, order: OrderState): Promise<Refusal | null> {
  const answers = await everyWarehouse(order, (sub, key) => ask(saga, 'inventory.worker.reserve', { ...key, attempt: order.attempt, lines: stockLines(sub) }))
  const lines = answers.flatMap((a) => (a.outcome === 'refused' ? a.lines : []))
  if (answers.every((a) => a.outcome === 'reserved')) return null
  return { type: 'out-of-stock', status: 409, detail: 'Some lines are not in stock in this quantity: change the cart and try again.', data: { lines }, stored: true }
}

/** Gives the reservation of this attempt back, also one that has not arrived yet. */
export const release = (saga: Saga, order: OrderState): Promise<unknown> =>
  everyWarehouse(order, (_sub, key) => ask(saga, 'inventory.worker.release', { ...key, attempt: order.attempt }))

/** Sells what was reserved; undone by `giveBack`. */
export const take = (saga: Saga, order: OrderState): Promise<unknown> =>
  everyWarehouse(order, (_sub, key) => ask(saga, 'inventory.worker.take', { ...key, attempt: order.attempt }))

/** Undoes reserve and take, whichever was reached. */
export const giveBack = (saga: Saga, order: OrderState): Promise<unknown> =>
  everyWarehouse(order, async (_sub, key) => {
    const { outcome } = await ask(saga, 'inventory.worker.release', { ...key, attempt: order.attempt })
    if (outcome === 'taken') await ask(saga, 'inventory.worker.restock', { ...key, operationId: `${order.id}.cancel` })
  })

/** Puts returned lines back on hand, once per return. */
export const restock = (saga: Saga, order: OrderState, returned: Return): Promise<unknown> =>
  everyWarehouse(order, async (sub, key) => {
    const lines = returned.lines.filter((l) => sub.lines.some((m) => m.offerId === l.offerId))
    if (lines.length > 0) await ask(saga, 'inventory.worker.restock', { ...key, lines, operationId: returned.id })
  })
