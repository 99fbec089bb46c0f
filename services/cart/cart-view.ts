import { DEFAULT_CURRENCY, sum, times } from '../../mixins/primitives/money.ts'
import type { Sellable } from '../product/product.contract.ts'
import type { CartContents, CartLine, CartView } from './cart.contract.ts'

function lineView({ offerId, productId, quantity, unitPrice: seen }: CartLine, offer: Sellable | undefined): CartView['lines'][number] {
  const line = { offerId, productId, quantity }
  // What is not sold any more stays to be seen, at the price it had, until it is taken out.
  if (!offer?.active || offer.price.currency !== seen.currency) {
    return { ...line, title: offer?.title ?? 'No longer available', unitPrice: seen, lineTotal: times(seen, quantity), priceChanged: false, availability: 'out_of_stock' }
  }
  const { title, price, availability } = offer
  return { ...line, title, unitPrice: price, lineTotal: times(price, quantity), priceChanged: price.amount !== seen.amount, availability }
}

/** A cart as its owner sees it: `offers` are those of its lines, in their order; undefined for one that is gone. */
export function cartView({ cartId, version, lines }: CartContents, offers: readonly (Sellable | undefined)[]): CartView {
  const views = lines.map((line, i) => lineView(line, offers[i]))
  return { id: cartId, version, lines: views, subtotal: sum(views.map((line) => line.lineTotal), lines[0]?.unitPrice.currency ?? DEFAULT_CURRENCY) }
}
