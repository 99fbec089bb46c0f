import type { BehaviourRecord } from '../../mixins/behaviour/behaviour.ts'
import type { EventRecord, EventText } from '../../mixins/events/port.ts'
import type { Json } from '../../mixins/primitives/json.ts'
import { invalidField } from '../../mixins/primitives/problem.ts'
import type { EventContract, EventName, Events } from '../../mixins/runtime/calls.ts'
import { authEvents } from '../auth/auth.contract.ts'
import { cartEvents } from '../cart/cart.contract.ts'
import { inventoryEvents } from '../inventory/inventory.contract.ts'
import { logisticsEvents } from '../logistics/logistics.contract.ts'
import { orderEvents } from '../order/order.contract.ts'
import { paymentEvents } from '../payment/payment.contract.ts'
import { productEvents } from '../product/product.contract.ts'
import { PERIOD_MAX_DAYS } from './analytics.contract.ts'

/** Every business event of the house; one that is missing here does not compile. */
const everyEvent = {
  ...authEvents,
  ...cartEvents,
  ...inventoryEvents,
  ...logisticsEvents,
  ...orderEvents,
  ...paymentEvents,
  ...productEvents
} satisfies Record<EventName, EventContract>

type Row = Record<string, string | number>
type Table = 'souk.event' | 'souk.sale' | 'souk.sale_line' | 'souk.refund' | 'souk.behaviour'
type Rows = Partial<Record<Table, Row[]>>

type OrderBody = Events['order_confirmed']

/** Topics whose bodies say something that is counted; the others' are kept as they come, and cost no reading. */
const COUNTED = ['cart_updated', 'order_created', 'order_confirmed', 'order_cancelled', 'order_refunded'] as const satisfies readonly EventName[]
const counted: ReadonlySet<string> = new Set(COUNTED)
type Counted = { [N in (typeof COUNTED)[number]]: EventRecord<Events[N]> & { topic: N } }[(typeof COUNTED)[number]]

const read = (record: EventText): Counted | null => (counted.has(record.topic) ? ({ ...record, body: JSON.parse(record.body) as Json } as unknown as Counted) : null)

/** Rows of a batch, by table. They derive from the event alone, so an event that comes again gives the same rows with the same keys. */
function rowsOf(batch: readonly EventText[]): Rows {
  const rows: Required<Omit<Rows, 'souk.behaviour'>> = { 'souk.event': [], 'souk.sale': [], 'souk.sale_line': [], 'souk.refund': [] }
  for (const record of batch) {
    const event = read(record)
    rows['souk.event'].push(eventRow(record, event))
    if (!event) continue
    const sold = saleOf(event)
    if (sold) {
      rows['souk.sale'].push(...saleRows(record, sold.kind, sold.order))
      rows['souk.sale_line'].push(...lineRows(record, sold.kind, sold.order))
    }
    if (event.topic === 'order_refunded') {
      const { orderId, refundId, amount } = event.body
      rows['souk.refund'].push({ event_id: event.id, at: event.at, order_id: orderId, refund_id: refundId, currency: amount.currency, amount: amount.amount })
    }
  }
  return rows
}

/** Every business event of the house, for one group. */
export const FEED = { group: 'analytics', topics: Object.keys(everyEvent), rowsOf }

export const behaviourRows = (records: readonly BehaviourRecord[]): Rows => ({
  'souk.behaviour': records.map(({ id, at, kind, subject, productId, query }) => ({ event_id: id, at, kind, subject, product_id: productId, query }))
})

/** Whom and what a funnel counts: the person (or the guest's cart), and which of a topic's changes it was. */
function stepOf(event: Counted | null): { subject: string; detail: string } {
  switch (event?.topic) {
    case 'cart_updated':
      return { subject: event.body.userId ?? event.body.cartId, detail: event.body.change }
    case 'order_created':
    case 'order_confirmed':
      return { subject: event.body.buyerId, detail: '' }
    default:
      return { subject: '', detail: '' }
  }
}

const eventRow = ({ id, topic, aggregate, number, at, body }: EventText, event: Counted | null): Row => ({ event_id: id, topic, aggregate, number, at, ...stepOf(event), body })

/** A sale when an order is confirmed; its reverse when a confirmed order is cancelled. */
function saleOf(event: Counted): { kind: 'confirmed' | 'cancelled'; order: OrderBody } | null {
  if (event.topic === 'order_confirmed') return { kind: 'confirmed', order: event.body }
  if (event.topic === 'order_cancelled' && event.body.wasConfirmed === 'yes') return { kind: 'cancelled', order: event.body.order }
  return null
}

const saleRows = ({ id, at }: EventText, kind: string, { orderId, buyerId, subOrders }: OrderBody): Row[] =>
  subOrders.map(({ id: subOrderId, sellerId, totals: { subtotal, discount, shipping, tax, total }, lines }) => ({
    event_id: id,
    at,
    kind,
    order_id: orderId,
    buyer_id: buyerId,
    sub_order_id: subOrderId,
    seller_id: sellerId,
    currency: total.currency,
    units: lines.reduce((n, line) => n + line.quantity, 0),
    subtotal: subtotal.amount,
    discount: discount.amount,
    shipping: shipping.amount,
    tax: tax.amount,
    total: total.amount
  }))

const lineRows = ({ id, at }: EventText, kind: string, { orderId, subOrders }: OrderBody): Row[] =>
  subOrders.flatMap(({ id: subOrderId, sellerId, lines }) =>
    lines.map(({ offerId, productId, category, quantity, lineTotal }, line) => ({
      event_id: id,
      at,
      kind,
      order_id: orderId,
      sub_order_id: subOrderId,
      line,
      seller_id: sellerId,
      offer_id: offerId,
      product_id: productId,
      category,
      quantity,
      currency: lineTotal.currency,
      line_total: lineTotal.amount
    }))
  )

const DAY_MS = 86_400_000
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

function parseDay(field: string, day: string): number {
  const at = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(at) || dayOf(at) !== day) throw invalidField(field, 'date', 'is not a day of the calendar')
  return at
}

/** The period of a report, both days included: the 30 days up to today unless told. Throws `validation-failed` for one that is none, or too long. */
export function periodOf({ from, to }: { from?: string | undefined; to?: string | undefined }, now: number = Date.now()): { from: string; to: string } {
  const last = to === undefined ? parseDay('to', dayOf(now)) : parseDay('to', to)
  const first = from === undefined ? last - 29 * DAY_MS : parseDay('from', from)
  if (first > last) throw invalidField('from', 'period', 'is after the last day')
  if ((last - first) / DAY_MS >= PERIOD_MAX_DAYS) throw invalidField('from', 'period', `makes the period longer than ${PERIOD_MAX_DAYS} days`)
  return { from: dayOf(first), to: dayOf(last) }
}
