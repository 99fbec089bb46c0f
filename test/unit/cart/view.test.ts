import { describe, expect, test } from '@jest/globals'
import { money } from '../../../mixins/primitives/money.ts'
import { cartView } from '../../../services/cart/cart-view.ts'
import type { Sellable } from '../../../services/product/product.contract.ts'

const offer = (fields: Partial<Sellable>): Sellable => ({
  offerId: 'o1', productId: 'p1', title: 'Lamp', category: 'lamps', sellerId: 's1', sellerName: 'S', warehouseId: 'w1', price: money(1_000), condition: 'new', handlingDays: 1, availability: 'in_stock', active: true, ...fields
})
const contents = (quantity = 3) => ({ cartId: 'c1', version: 4, lines: [{ offerId: 'o1', productId: 'p1', quantity, unitPrice: money(1_000) }] })

describe('the view of a cart', () => {
  test('has today\'s price, and says when it is another than the one seen', () => {
    expect(cartView(contents(), [offer({})])).toEqual({
      id: 'c1', version: 4, subtotal: money(3_000),
      lines: [{ offerId: 'o1', productId: 'p1', title: 'Lamp', quantity: 3, unitPrice: money(1_000), lineTotal: money(3_000), priceChanged: false, availability: 'in_stock' }]
    })
    const dearer = cartView(contents(), [offer({ price: money(1_100), availability: 'low_stock' })])
    expect(dearer.lines[0]).toMatchObject({ unitPrice: money(1_100), lineTotal: money(3_300), priceChanged: true, availability: 'low_stock' })
    expect(dearer.subtotal).toEqual(money(3_300))
  })

  test('shows what is no longer sold at the price it had, out of stock', () => {
    for (const gone of [undefined, offer({ active: false, price: money(1) }), offer({ price: money(1, 'EUR') })]) {
      expect(cartView(contents(), [gone])).toMatchObject({ subtotal: money(3_000), lines: [{ unitPrice: money(1_000), priceChanged: false, availability: 'out_of_stock' }] })
    }
  })

  test('an empty cart is worth nothing', () => {
    expect(cartView({ cartId: 'c1', version: 0, lines: [] }, [])).toEqual({ id: 'c1', version: 0, lines: [], subtotal: money(0) })
  })
})
