import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { guestCartId } from '../../mixins/access/middleware.ts'
import { money, type Money } from '../../mixins/primitives/money.ts'
import { problemType } from '../../mixins/primitives/problem.ts'
import { call, hint } from '../../mixins/runtime/calls.ts'
import type { CartContents, CartLine } from '../../services/cart/cart.contract.ts'
import { signIn } from '../support/callers.ts'
import { cartEngines, plant, withCartStore, type CartEngine } from '../support/cart-engines.ts'
import { startShop, type Shop } from '../support/shop.ts'
import { until } from '../support/until.ts'

/** Stands in for the catalogue: every offer is known but `none-such`, `gone` is not sold any more. */
let price: Money
let lookups = 0
const catalogue = {
  name: 'product.worker',
  actions: {
    offers(ctx: { params: { offerIds: string[] } }) {
      lookups++
      const items = ctx.params.offerIds.filter((o) => o !== 'none-such').map((offerId) => ({ offerId, productId: `p-${offerId}`, title: `Offer ${offerId}`, price, availability: 'in_stock', active: offerId !== 'gone' }))
      return { items }
    }
  }
}

describe.each(cartEngines)('a cart in %s', (_name, startEngine) => {
  let engine: CartEngine
  let shop: Shop

  beforeAll(async () => {
    engine = await startEngine()
    shop = await startShop(['cart.worker', 'cart'], [catalogue])
  })
  afterAll(async () => {
    await shop.stop()
    await engine.stop()
  })
  beforeEach(() => {
    price = money(1_000)
  })

  const line = (offerId: string, quantity = 1): CartLine => ({ offerId, productId: `p-${offerId}`, quantity, unitPrice: money(1_000) })
  const add = (cartId: string, offerId: string, quantity = 1) => call(shop.broker, 'cart.worker.add', { cartId, line: line(offerId, quantity), create: true })
  const contents = (cartId: string) => call(shop.broker, 'cart.worker.contents', { cartId })
  const take = (cartId: string, orderId: string, lines: { offerId: string; quantity: number }[]) => call(shop.broker, 'cart.worker.take', { cartId, orderId, lines })
  const merge = (from: string, to: string) => call(shop.broker, 'cart.worker.merge', { from, to })
  const quantities = ({ lines }: { lines: { offerId: string; quantity: number }[] }): Record<string, number> => Object.fromEntries(lines.map((l) => [l.offerId, l.quantity]))
  const quantitiesOf = async (cartId: string): Promise<Record<string, number>> => quantities(await contents(cartId))
  const guest = (): string => guestCartId(randomUUID())
  const refusal = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, problemType)
  const eventsOf = (cartId: string) => engine.eventsOf(shop, cartId)
  const rowOf = (cartId: string) => withCartStore(async (store) => (await store.load('cart', [cartId]))[0])

  test('twenty adds at once are all there, each with a version and an event of its own', async () => {
    const cart = randomUUID()
    const answers: CartContents[] = await Promise.all(Array.from({ length: 20 }, (_, i) => add(cart, `o${i % 2}`)))
    expect(await contents(cart)).toMatchObject({ version: 20, lines: [{ quantity: 10 }, { quantity: 10 }] })
    expect(answers.map((a) => a.version).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    const events = await eventsOf(cart)
    expect(events.map((e) => [e.number, e.body.version, e.body.change])).toEqual(Array.from({ length: 20 }, (_, i) => [i + 1, i + 1, 'added']))
  })

  test('an order takes what it ordered, once, and leaves what was added since', async () => {
    const cart = randomUUID()
    await add(cart, 'a', 2)
    await add(cart, 'b', 1)
    const ordered = (await contents(cart)).lines.map(({ offerId, quantity }) => ({ offerId, quantity }))
    await add(cart, 'a', 3)
    await add(cart, 'c', 1)
    const order = randomUUID()
    await Promise.all(Array.from({ length: 10 }, () => take(cart, order, ordered)))
    expect(await quantitiesOf(cart)).toEqual({ a: 3, c: 1 })
    await add(cart, 'b', 1)
    await take(cart, order, ordered)
    expect(await quantitiesOf(cart)).toEqual({ a: 3, b: 1, c: 1 })
  })

  test('a take that found nothing is still the only one of its order', async () => {
    const cart = randomUUID()
    const order = randomUUID()
    await add(cart, 'a', 2)
    await call(shop.broker, 'cart.worker.remove', { cartId: cart, offerId: 'a' })
    await take(cart, order, [{ offerId: 'a', quantity: 2 }])
    await add(cart, 'a', 2)
    await take(cart, order, [{ offerId: 'a', quantity: 2 }])
    expect(await quantitiesOf(cart)).toEqual({ a: 2 })
  })

  test('many sign-ins at once merge a guest\'s cart once', async () => {
    const [from, to] = [guest(), randomUUID()]
    await add(from, 'a', 2)
    await add(from, 'b', 1)
    await add(to, 'a', 1)
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => merge(from, to)))
    expect(outcomes.some((o) => o.outcome === 'merged')).toBe(true)
    expect(await quantitiesOf(to)).toEqual({ a: 3, b: 1 })
    expect(await merge(from, to)).toEqual({ outcome: 'ignored' })
    expect(await quantitiesOf(to)).toEqual({ a: 3, b: 1 })
    expect(await quantitiesOf(from)).toEqual({})
  })

  test('two people with one guest\'s token: one of them gets it all', async () => {
    const [from, one, two] = [guest(), randomUUID(), randomUUID()]
    await add(from, 'a', 2)
    await Promise.all([merge(from, one), merge(from, two), merge(from, one), merge(from, two)])
    const [mine, theirs] = [await quantitiesOf(one), await quantitiesOf(two)]
    expect([mine, theirs]).toContainEqual({ a: 2 })
    expect([mine, theirs]).toContainEqual({})
  })

  test('an add that races the merge is merged, or refused: never acknowledged and lost', async () => {
    for (let round = 0; round < 5; round++) {
      const [from, to] = [guest(), randomUUID()]
      await add(from, 'a', 1)
      let acknowledged = 1
      const addUntilRefused = async (): Promise<void> => {
        for (;;) {
          await call(shop.broker, 'cart.worker.add', { cartId: from, line: line('a'), create: false })
          acknowledged++
        }
      }
      const shoppers = Array.from({ length: 4 }, () => addUntilRefused().catch(problemType))
      await until('some adds are there', () => acknowledged > 10)
      await merge(from, to)
      expect(await Promise.all(shoppers)).toEqual(shoppers.map(() => 'not-found'))
      expect(await quantitiesOf(to)).toEqual({ a: acknowledged })
    }
  })

  test('a merge that died half way is finished by its reminder', async () => {
    const [from, to] = [guest(), randomUUID()]
    await add(from, 'a', 2)
    await plant(from, { handedTo: to }, [{ name: 'hand-over', at: new Date().toISOString() }])
    await until('the lines have arrived', async () => (await quantitiesOf(to))['a'] === 2)
    await until('the guest\'s cart is dead', async () => (await rowOf(from))?.state === null)
    await until('its reminder is gone', async () => (await engine.reminder(shop, from, 'hand-over')) === null)
  })

  test('a guest\'s cart that nobody has touched for a month ends; one that was touched goes on', async () => {
    const [old, young] = [guest(), guest()]
    for (const cart of [old, young]) {
      await add(cart, 'a')
      const touchedAt = Date.now() - (cart === old ? 31 : 20) * 86_400_000
      await plant(cart, { touchedAt }, [{ name: 'expire', at: new Date().toISOString() }])
    }
    await until('the old one has ended', async () => (await eventsOf(old)).at(-1)!.body.change === 'ended')
    await until('the young one is looked at again later', async () => ((await engine.reminder(shop, young, 'expire')) ?? 0) > Date.now() + 9 * 86_400_000)
    expect(await quantitiesOf(old)).toEqual({})
    expect(await quantitiesOf(young)).toEqual({ a: 1 })
  })

  test('bounds are refused and change nothing', async () => {
    const cart = randomUUID()
    await add(cart, 'a', 999)
    expect(await refusal(add(cart, 'a'))).toBe('validation-failed')
    expect(await contents(cart)).toMatchObject({ version: 1, lines: [{ quantity: 999 }] })
  })

  describe('over its face', () => {
    const faceAdd = (offerId: string, meta: object, quantity = 1) => call(shop.broker, 'cart.add', { offerId, quantity }, { meta })

    test('an anonymous caller gets a cart with a token, an unknown or used token counts as none', async () => {
      const first: { $responseHeaders?: Record<string, string> } = {}
      await faceAdd('a', first)
      const token = first.$responseHeaders!['Souk-Cart']!
      const asGuest = () => ({ credentials: { cart: token } })
      const cart = await faceAdd('b', asGuest(), 2)
      expect(cart.id).toBe(guestCartId(token))
      expect(quantities(cart)).toEqual({ a: 1, b: 2 })
      expect(quantities(await call(shop.broker, 'cart.get', {}, { meta: asGuest() }))).toEqual({ a: 1, b: 2 })

      await merge(guestCartId(token), randomUUID())
      expect(await call(shop.broker, 'cart.get', {}, { meta: asGuest() })).toMatchObject({ lines: [], subtotal: money(0) })
      for (const used of [token, 'a-token-that-somebody-made-up']) {
        const meta: { credentials: object; $responseHeaders?: Record<string, string> } = { credentials: { cart: used } }
        expect(quantities(await faceAdd('c', meta))).toEqual({ c: 1 })
        expect(meta.$responseHeaders!['Souk-Cart']).not.toBe(used)
      }
      expect(await refusal(call(shop.broker, 'cart.set', { offerId: 'a', quantity: 1 }, { meta: { credentials: { cart: 'a-token-that-somebody-made-up' } } }))).toBe('not-found')
      expect(await rowOf(guestCartId('a-token-that-somebody-made-up'))).toBeNull()
    })

    test('add, set, remove and clear answer the whole cart', async () => {
      const ada = await signIn()
      await faceAdd('a', ada.meta, 2)
      const cart = await faceAdd('b', ada.meta, 1)
      expect(cart).toMatchObject({ id: ada.userId, version: 2, subtotal: money(3_000), lines: [{ offerId: 'a', productId: 'p-a', title: 'Offer a', quantity: 2, lineTotal: money(2_000), priceChanged: false, availability: 'in_stock' }, {}] })
      expect(quantities(await call(shop.broker, 'cart.set', { offerId: 'a', quantity: 5 }, ada))).toEqual({ a: 5, b: 1 })
      expect(quantities(await call(shop.broker, 'cart.remove', { offerId: 'b' }, ada))).toEqual({ a: 5 })
      expect((await call(shop.broker, 'cart.remove', { offerId: 'b' }, ada)).version).toBe(4)
      expect(await call(shop.broker, 'cart.clear', {}, ada)).toMatchObject({ version: 5, lines: [] })
      expect(await call(shop.broker, 'cart.clear', {}, ada)).toMatchObject({ version: 5, lines: [] })
      expect(await refusal(call(shop.broker, 'cart.set', { offerId: 'a', quantity: 1 }, ada))).toBe('not-found')
    })

    test('If-Match holds a change to the version that was seen', async () => {
      const ada = await signIn()
      await faceAdd('a', ada.meta)
      const set = (ifMatch: string, quantity: number) => call(shop.broker, 'cart.set', { offerId: 'a', quantity }, { meta: { ...ada.meta, ifMatch } })
      expect((await set('1', 3)).version).toBe(2)
      expect(await refusal(set('1', 4))).toBe('version-conflict')
      expect(await refusal(set('some-other-tag', 4))).toBe('version-conflict')
      expect(await quantitiesOf(ada.userId)).toEqual({ a: 3 })
    })

    test('an add repeated under its key adds once, also when it would be refused by now', async () => {
      const ada = await signIn()
      const idempotencyKey = randomUUID()
      const keyed = () => faceAdd('a', { ...ada.meta, idempotencyKey }, 600)
      const first = await keyed()
      expect(await keyed()).toEqual(first)
      expect(await Promise.all([keyed(), keyed(), keyed()])).toEqual([first, first, first])
      expect(await refusal(faceAdd('a', { ...ada.meta, idempotencyKey }, 1))).toBe('idempotency-key-reused')
      expect(await quantitiesOf(ada.userId)).toEqual({ a: 600 })
    })

    test('offers that are unknown or not sold are not found', async () => {
      const ada = await signIn()
      expect(await refusal(faceAdd('none-such', ada.meta))).toBe('not-found')
      expect(await refusal(faceAdd('gone', ada.meta))).toBe('not-found')
    })

    test('prices come from memory until a hint says that they changed', async () => {
      const ada = await signIn()
      await faceAdd('dear', ada.meta)
      const before = lookups
      await Promise.all(Array.from({ length: 10 }, () => faceAdd('dear', ada.meta)))
      expect(lookups).toBe(before)
      price = money(1_250)
      hint(shop.broker, 'card.changed', { productIds: [], offerIds: ['dear'] })
      const cart = await until('the new price is shown', async () => {
        const seen = await call(shop.broker, 'cart.get', {}, ada)
        return seen.lines[0]!.unitPrice.amount === 1_250 ? seen : null
      })
      expect(cart.lines[0]).toMatchObject({ priceChanged: true, lineTotal: money(13_750) })
      expect((await faceAdd('dear', ada.meta)).lines[0]).toMatchObject({ priceChanged: false, quantity: 12 })
    })
  })
})
