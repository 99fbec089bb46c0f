import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { signGrant } from '../../../mixins/access/grants.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import { money } from '../../../mixins/primitives/money.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import { isBalanced } from '../../../services/payment/payment.ts'
import { splitOf, startPayments, type PaymentShop } from '../../support/payments.ts'
import { until } from '../../support/until.ts'

let shop: PaymentShop
beforeAll(async () => {
  shop = await startPayments()
})
afterAll(() => shop.stop())

const authorize = async (paymentId: string) => (await shop.authorize(paymentId)).status
const capture = async (paymentId: string) => (await call(shop.broker, 'payment.worker.capture', { paymentId })).status
const letGo = async (paymentId: string, orderId: string) => (await call(shop.broker, 'payment.worker.void', { paymentId, orderId })).status
const status = async (paymentId: string) => (await call(shop.broker, 'payment.worker.status', { paymentId })).status
const books = (orderId: string) => call(shop.broker, 'payment.worker.books', { orderId })
const rows = (list: { kind: string; status: string; amount: { amount: number } }[]) => list.map((r) => [r.kind, r.status, r.amount.amount])
const refusal = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, problemType)
const many = <T>(n: number, fn: (i: number) => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: n }, (_, i) => fn(i)))

describe('a payment', () => {
  test('is held and taken once, however often it is asked for at once; both books agree', async () => {
    const { paymentId, orderId } = await shop.intent()
    expect(new Set(await many(20, () => authorize(paymentId)))).toEqual(new Set(['authorized']))
    expect(new Set(await many(20, () => capture(paymentId)))).toEqual(new Set(['captured']))
    const { items, provider } = await books(orderId)
    expect(rows(items)).toEqual([['authorize', 'succeeded', 1_000], ['capture', 'succeeded', 1_000]])
    expect(rows(provider)).toEqual(rows(items))
    expect(isBalanced(await shop.payment(paymentId))).toBe(true)
    expect((await shop.payment(paymentId)).token).toBeUndefined()
  })

  test('an intent repeated is the same payment; its id for another sum is refused', async () => {
    const { paymentId, orderId, buyerId } = await shop.intent()
    const again = async (amount: number) =>
      call(shop.broker, 'payment.worker.intent', {
        paymentId, orderId, buyerId, amount: money(amount), paymentMethodId: await shop.method(buyerId), splits: [splitOf({ sellerId: 'seller-a', subtotal: amount })]
      })
    expect(await again(1_000)).toEqual({ paymentId, status: 'unknown' })
    await authorize(paymentId)
    expect(await again(1_000)).toEqual({ paymentId, status: 'authorized' })
    expect(await refusal(again(2_000))).toBe('conflict')
  })

  test('nothing is written without the buyer’s own method, and splits that add up', async () => {
    const [buyerId, orderId] = [newId(), newId()]
    const paymentMethodId = await shop.method(buyerId)
    const paymentId = `${orderId}.1`
    const intent = (fields: object = {}) =>
      refusal(call(shop.broker, 'payment.worker.intent', { paymentId, orderId, buyerId, amount: money(1_000), paymentMethodId, splits: [splitOf({ sellerId: 's', subtotal: 1_000 })], ...fields }))
    expect(await intent({ paymentMethodId: await shop.method(newId()) })).toBe('not-found')
    expect(await intent({ splits: [splitOf({ sellerId: 's', subtotal: 999 })] })).toBe('validation-failed')
    expect(await refusal(status(paymentId))).toBe('not-found')
    expect(await intent()).toBeNull()
  })

  test('nothing is asked of the provider without a proof for this holder, sum and person', async () => {
    const { paymentId, orderId, buyerId, amount } = await shop.intent()
    const grant = (fields: object = {}) => signGrant({ userId: buyerId, holder: orderId, amount, ...fields })
    const authorized = async (grant: string | Promise<string>) => refusal(call(shop.broker, 'payment.worker.authorize', { paymentId, grant: await grant }))
    for (const wrong of [grant({ holder: newId() }), grant({ amount: money(999) }), grant({ userId: newId() }), 'forged']) expect(await authorized(wrong)).toBe('identity-confirmation-required')
    expect((await call(shop.broker, 'provider.lookup', { key: paymentId })).found).toBeNull()
    expect(await status(paymentId)).toBe('unknown')
    expect(await authorized(grant())).toBeNull()
    expect(await authorized(grant({ holder: paymentId }))).toBeNull() // paying again is confirmed for the attempt
  })

  test('a decline is told with its reason and stays one', async () => {
    const { paymentId } = await shop.intent({ token: 'tok_demo_insufficient' })
    expect(await shop.authorize(paymentId)).toEqual({ paymentId, status: 'declined', reason: 'insufficient_funds' })
    expect([await capture(paymentId), await authorize(paymentId)]).toEqual(['declined', 'declined'])
  })
})

describe('an outcome that nobody knows', () => {
  test('a lost answer is neither yes nor no: asking again finds the money held, once', async () => {
    const { paymentId, orderId } = await shop.intent({ token: 'tok_demo_lost' })
    expect(await authorize(paymentId)).toBe('unknown')
    expect(await authorize(paymentId)).toBe('authorized')
    expect(await capture(paymentId)).toBe('captured')
    const { provider } = await books(orderId)
    expect(provider.filter((r) => r.kind === 'authorize')).toHaveLength(1)
  })

  test('nobody need ask: the sweeper does, and tells the order', async () => {
    const { paymentId, orderId } = await shop.intent({ token: 'tok_demo_lost' })
    expect(await authorize(paymentId)).toBe('unknown')
    await shop.hurry()
    await until('the order is told', () => shop.seen.resumed.includes(orderId))
    expect(await status(paymentId)).toBe('authorized')
    await until('nothing is owed any more', async () => (await shop.payment(paymentId)).due === undefined)
  })

  test('“not found” is not no: a request that is still on its way is not given up', async () => {
    const { paymentId, orderId } = await shop.intent({ token: 'tok_demo_slow' })
    const first = authorize(paymentId)
    await shop.hurry() // the sweeper asks while the provider has not heard of it
    expect(await first).toBe('unknown')
    await until('the provider has worked', async () => (await books(orderId)).provider.length > 0)
    await shop.hurry()
    await until('the sweeper knows', async () => (await status(paymentId)) === 'authorized')
  })

  test('a crash between the provider’s yes and our record of it is made good', async () => {
    const { paymentId, orderId, amount } = await shop.intent()
    await call(shop.broker, 'provider.authorize', { key: paymentId, token: 'tok_demo_ok', amount })
    await call(shop.broker, 'provider.capture', { key: paymentId })
    await shop.hurry()
    await until('the order is told', () => shop.seen.resumed.includes(orderId))
    expect(await shop.payment(paymentId)).toMatchObject({ status: 'captured', captured: 1_000 })
    expect(isBalanced(await shop.payment(paymentId))).toBe(true)
  })

  test('a provider that cannot be reached leaves it open until it is voided', async () => {
    const { paymentId, orderId } = await shop.intent({ token: 'tok_demo_down' })
    expect(await authorize(paymentId)).toBe('unknown')
    expect(await letGo(paymentId, orderId)).toBe('voided')
    const { items, provider } = await books(orderId)
    expect(rows(items)).toEqual([['authorize', 'declined', 1_000], ['void', 'succeeded', 0]])
    expect(rows(provider)).toEqual([['void', 'succeeded', 0]])
  })
})

describe('a void', () => {
  test('beats an authorise that arrives late: nothing is held', async () => {
    const { paymentId, orderId } = await shop.intent({ token: 'tok_demo_slow' })
    const late = call(shop.broker, 'provider.authorize', { key: paymentId, token: 'tok_demo_slow', amount: money(1_000) })
    expect(await letGo(paymentId, orderId)).toBe('voided')
    expect((await late).outcome).toBe('voided')
    expect(await authorize(paymentId)).toBe('voided')
    expect(rows((await books(orderId)).provider)).toEqual([['void', 'succeeded', 0]])
  })

  test('holds for what never arrived: a late intent finds it, and nothing is sent', async () => {
    const [orderId, buyerId] = [newId(), newId()]
    const paymentId = `${orderId}.1`
    expect(new Set(await many(5, () => letGo(paymentId, orderId)))).toEqual(new Set(['voided']))
    const late = await call(shop.broker, 'payment.worker.intent', { paymentId, orderId, buyerId, amount: money(500), paymentMethodId: await shop.method(buyerId), splits: [splitOf({ sellerId: 's', subtotal: 500 })] })
    expect([late.status, await authorize(paymentId), await capture(paymentId)]).toEqual(['voided', 'voided', 'voided'])
    expect((await call(shop.broker, 'provider.lookup', { key: paymentId })).found).toBeNull()
  })

  test('and an intent at the same time: either nothing was sent, or it is let go', async () => {
    for (let round = 0; round < 10; round++) {
      const [orderId, buyerId] = [newId(), newId()]
      const paymentId = `${orderId}.1`
      const paymentMethodId = await shop.method(buyerId)
      const pay = call(shop.broker, 'payment.worker.intent', { paymentId, orderId, buyerId, amount: money(500), paymentMethodId, splits: [splitOf({ sellerId: 's', subtotal: 500 })] }).then(() => authorize(paymentId))
      await Promise.all([pay, letGo(paymentId, orderId)])
      expect(await status(paymentId)).toBe('voided')
      const { found } = await call(shop.broker, 'provider.lookup', { key: paymentId })
      expect(found?.account.state ?? 'voided').toBe('voided')
    }
  })

  test('and a capture at the same time: one of them wins, in both books', async () => {
    const ends = new Set<string>()
    for (let round = 0; round < 20; round++) {
      const { paymentId, orderId } = await shop.intent()
      await authorize(paymentId)
      await Promise.all([capture(paymentId), letGo(paymentId, orderId), capture(paymentId), letGo(paymentId, orderId)].toSorted(() => Math.random() - 0.5))
      const end = await status(paymentId)
      ends.add(end)
      const { found } = await call(shop.broker, 'provider.lookup', { key: paymentId })
      expect(found!.account.state).toBe(end)
      expect(isBalanced(await shop.payment(paymentId))).toBe(true)
    }
    for (const end of ends) expect(['captured', 'voided']).toContain(end)
  })
})

describe('the books', () => {
  test('of all payments together balance, and agree with the provider’s', async () => {
    await shop.hurry()
    const all = async () => {
      const pages = []
      for (let after: string | undefined; ; ) {
        const page = await call(shop.broker, 'payment.worker.reconcile', { limit: 7, ...(after ? { after } : {}) })
        pages.push(page)
        if (page.next === null) return pages
        after = page.next
      }
    }
    const pages = await until('both sides agree', async () => {
      const found = await all()
      return found.every((p) => p.differences.length === 0) && found
    })
    expect(pages.length).toBeGreaterThan(3)
    expect(pages.flatMap((p) => p.unbalanced)).toEqual([])
    const total = (name: 'captured' | 'refunded' | 'sellers' | 'fees' | 'held') => pages.reduce((n, p) => n + p.sums[name], 0)
    expect(total('captured') - total('refunded')).toBe(total('sellers') + total('fees') + total('held'))
    expect(total('captured')).toBeGreaterThan(0)
  })

  test('money that the provider holds and we know nothing of is found', async () => {
    const key = `zzz-${newId()}.1`
    await call(shop.broker, 'provider.authorize', { key, token: 'tok_demo_ok', amount: money(700) })
    const page = await call(shop.broker, 'payment.worker.reconcile', { limit: 500 })
    expect(page.differences).toEqual([{ paymentId: key, ours: null, provider: 'authorized 0 0' }])
  })

  test('an order without a payment has none', async () => {
    expect(await refusal(books(newId()))).toBe('not-found')
  })
})

test('events of a payment reach the log in order and without gaps', async () => {
  const { paymentId } = await shop.intent({ splits: [{ sellerId: 'a', subtotal: 600, tax: 40 }, { sellerId: 'b', subtotal: 360 }] })
  await authorize(paymentId)
  await capture(paymentId)
  await call(shop.broker, 'payment.worker.refund', { paymentId, refundId: newId(), amount: money(100), reason: 'x' })
  const log = () => shop.databases.query<{ topic: string; number: number; body: Record<string, unknown> }>(`SELECT DISTINCT topic, number::int AS number, body::text::jsonb AS body FROM log.event WHERE aggregate = $1 ORDER BY number`, [`payment/${paymentId}`])
  const events = await until('both are in the log', async () => {
    const found = await log()
    return found.length >= 2 && found
  })
  expect(events.map((e) => [e.topic, e.number])).toEqual([['payment_succeeded', 1], ['payment_refunded', 2]])
  expect(events[0]!.body).toMatchObject({ paymentId, amount: money(1_000), fee: money(96), held: money(40), sellers: [{ sellerId: 'a', amount: money(540), fee: money(60) }, { sellerId: 'b', amount: money(324), fee: money(36) }] })
  await until('the outbox is empty', async () => (await shop.payment(paymentId)).outbox.length === 0)
})
