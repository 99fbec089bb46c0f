import type { Money } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { Infer } from '../../mixins/primitives/schema.ts'
import { call, type CallSource } from '../../mixins/runtime/calls.ts'
import type { Quote } from '../pricing/pricing.contract.ts'
import type { Sellable } from '../product/product.contract.ts'
import type { orderActions, SHIPPING_METHODS } from './order.contract.ts'
import type { OrderLine, OrderState, SubOrder } from './order.ts'
import { now } from './saga.ts'

type QuoteView = Infer<(typeof orderActions)['order.worker.quote']['returns']>
type Address = OrderState['shippingAddress']

/** What a buyer wants priced. */
export interface QuoteRequest {
  buyerId: string
  addressId: string
  shippingMethod: (typeof SHIPPING_METHODS)[number]
  coupon?: string | undefined
}

/** A priced cart: the prices are today's, whatever the cart showed. */
export interface Basket {
  address: Address
  /** In the cart's order. */
  lines: { sellable: Sellable; quantity: number; priced: Quote['lines'][number] }[]
  quote: Quote
}

/** Prime's benefits last as long as it is paid for, also after a cancel. */
const hasPrime = (subscription: { status: string; renewsAt: string } | null): boolean => subscription !== null && (subscription.status !== 'cancelled' || subscription.renewsAt > now())

const unsellable = (lines: readonly { offerId: string; quantity: number }[]): Error =>
  problem('out-of-stock', 'Some lines are not sold any more: take them out of the cart.', { lines: lines.map((l) => ({ offerId: l.offerId, requested: l.quantity, available: 0 })) })

/**
 * Reads the buyer's cart and prices it. `cart-empty`; `not-found` for an address that is not the buyer's; `out-of-stock` with the
 * lines that are not sold any more; pricing's own refusals for coupon and shipping method. Changes nothing.
 */
export async function priceCart(source: CallSource, { buyerId, addressId, shippingMethod, coupon }: QuoteRequest): Promise<Basket> {
  const [cart, { address, subscription }] = await Promise.all([
    call(source, 'cart.worker.contents', { cartId: buyerId }),
    call(source, 'auth.worker.buyer', { userId: buyerId, addressId })
  ])
  if (cart.lines.length === 0) throw problem('cart-empty', 'There is nothing in the cart: add something first.')
  const { items } = await call(source, 'product.worker.offers', { offerIds: cart.lines.map((l) => l.offerId) })
  const offers = new Map(items.filter((o) => o.active).map((o) => [o.offerId, o]))
  const gone = cart.lines.filter((l) => !offers.has(l.offerId))
  if (gone.length > 0) throw unsellable(gone)
  const wanted = cart.lines.map((l) => ({ quantity: l.quantity, sellable: offers.get(l.offerId)! }))
  const quote = await call(source, 'pricing.worker.quote', {
    buyerId,
    lines: wanted.map(({ quantity, sellable: o }) => ({ offerId: o.offerId, productId: o.productId, sellerId: o.sellerId, category: o.category, quantity, unitPrice: o.price, handlingDays: o.handlingDays })),
    address: { country: address.country, region: address.region, postalCode: address.postalCode },
    shippingMethod,
    ...(coupon === undefined ? {} : { coupon }),
    prime: hasPrime(subscription)
  })
  const { id: _id, ...postal } = address
  return { address: postal, quote, lines: wanted.map((w, i) => ({ ...w, priced: quote.lines[i]! })) }
}

/** The quote as the buyer sees it. */
export function quoteView({ lines, quote }: Basket): QuoteView {
  return {
    lines: lines.map(({ sellable: o, quantity, priced }) => ({
      offerId: o.offerId,
      productId: o.productId,
      title: o.title,
      sellerId: o.sellerId,
      quantity,
      unitPrice: priced.unitPrice,
      lineTotal: priced.lineTotal,
      discount: priced.discount,
      tax: priced.tax,
      availability: o.availability
    })),
    ...quote.totals,
    shippingOptions: quote.shippingOptions
  }
}

/** A new order of a priced cart: one sub-order per seller, exact in minor units. */
export function newOrder(
  basket: Basket,
  request: QuoteRequest & { orderId: string; sessionId: string; paymentMethodId: string; confirmation?: string | undefined; operationId: string | null }
): OrderState {
  const { currency } = basket.quote.totals.total
  const at = now()
  return {
    id: request.orderId,
    buyerId: request.buyerId,
    sessionId: request.sessionId,
    status: 'payment_pending',
    phase: 'placing',
    placedAt: at,
    currency,
    shippingAddress: basket.address,
    shippingMethod: request.shippingMethod,
    coupon: request.coupon ?? null,
    subOrders: basket.quote.sellers.map((seller, i) => subOrderOf(basket, seller, `${request.orderId}.s${i + 1}`)),
    totals: amounts(basket.quote.totals),
    attempt: 1,
    paymentMethodId: request.paymentMethodId,
    confirmation: request.confirmation ?? null,
    operationId: request.operationId,
    refusal: null,
    payment: { status: null, captured: 0, refunded: 0 },
    refunds: [],
    returns: [],
    cancel: null,
    timeline: [{ at, status: 'payment_pending' }]
  }
}

function subOrderOf(basket: Basket, seller: Quote['sellers'][number], id: string): SubOrder {
  const own = basket.lines.filter((l) => l.sellable.sellerId === seller.sellerId)
  const { sellerId, sellerName, warehouseId } = own[0]!.sellable
  return {
    id,
    sellerId,
    sellerName,
    warehouseId,
    handlingDays: Math.max(...own.map((l) => l.sellable.handlingDays)),
    status: 'confirmed',
    lines: own.map(lineOf),
    totals: amounts(seller),
    shipments: []
  }
}

const lineOf = ({ sellable: o, quantity, priced }: Basket['lines'][number]): OrderLine => ({
  offerId: o.offerId,
  productId: o.productId,
  category: o.category,
  title: o.title,
  quantity,
  unitPrice: priced.unitPrice.amount,
  discount: priced.discount.amount,
  tax: priced.tax.amount
})

const amounts = (t: Record<'subtotal' | 'discount' | 'shipping' | 'tax' | 'total', Money>): OrderState['totals'] => ({
  subtotal: t.subtotal.amount,
  discount: t.discount.amount,
  shipping: t.shipping.amount,
  tax: t.tax.amount,
  total: t.total.amount
})
