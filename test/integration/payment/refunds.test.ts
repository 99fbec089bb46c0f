import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId } from '../../../mixins/primitives/ids.ts'
import { money } from '../../../mixins/primitives/money.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import { isBalanced } from '../../../services/payment/payment.ts'
import { forgetfulProvider, startPayments, type PaymentShop, type SplitAmounts } from '../../support/payments.ts'
import { until } from '../../support/until.ts'

let shop: PaymentShop
beforeAll(async () => {
  shop = await startPayments(forgetfulProvider(['refund', 'capture', 'void'], 1)) // the first answer of each is lost
})
afterAll(() => shop.stop())

const refund = (paymentId: string, refundId: string, amount: number, sellers?: { sellerId: string; amount: number }[]) =>
  call(shop.broker, 'payment.worker.refund', {
    paymentId, refundId, amount: money(amount), reason: 'returned', ...(sellers ? { sellers: sellers.map((s) => ({ sellerId: s.sellerId, amount: money(s.amount) })) } : {})
  })

async function captured(splits?: SplitAmounts[], amount = 1_000): Promise<{ paymentId: string; orderId: string }> {
  const { paymentId, orderId } = await shop.intent({ amount, ...(splits ? { splits } : {}) })
  await shop.authorize(paymentId)
  await until('it is captured', async () => (await call(shop.broker, 'payment.worker.capture', { paymentId })).status === 'captured')
  return { paymentId, orderId }
}
const atProvider = async (key: string) => (await call(shop.broker, 'provider.lookup', { key })).found!

test('a capture, a refund and a void whose answers are lost are repeated until they are known, and happen once', async () => {
  const { paymentId } = await shop.intent()
  await shop.authorize(paymentId)
  expect((await call(shop.broker, 'payment.worker.capture', { paymentId })).status).toBe('authorized')
  expect((await shop.payment(paymentId)).operations.map((o) => [o.kind, o.status])).toEqual([['authorize', 'succeeded'], ['capture', 'unknown']])
  await shop.hurry()
  await until('the capture is known', async () => (await shop.payment(paymentId)).status === 'captured')

  const refundId = newId()
  expect(await refund(paymentId, refundId, 300)).toMatchObject({ outcome: 'unknown', refunded: money(0) })
  await shop.hurry()
  await until('the refund is known', async () => (await shop.payment(paymentId)).refunded === 300)
  expect(await refund(paymentId, refundId, 300)).toMatchObject({ outcome: 'succeeded', status: 'partially_refunded', refunded: money(300) })

  const other = await shop.intent()
  await shop.authorize(other.paymentId)
  expect((await call(shop.broker, 'payment.worker.void', { paymentId: other.paymentId, orderId: other.orderId })).status).toBe('authorized')
  await shop.hurry()
  await until('the void is known and the order told', () => shop.seen.resumed.includes(other.orderId))
  expect((await shop.payment(other.paymentId)).status).toBe('voided')
  for (const key of [paymentId, other.paymentId]) {
    const { entries } = await atProvider(key)
    expect(new Set(entries.map((e) => e.kind)).size).toBe(entries.length)
  }
})

test('many refunds at once never give back more than was captured, in both books', async () => {
  const { paymentId } = await captured()
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => refund(paymentId, `${paymentId}.r${i}`, 70 + i)))
  const back = answers.reduce((n, a, i) => n + (a.outcome === 'succeeded' ? 70 + i : 0), 0)
  const payment = await shop.payment(paymentId)
  const sum = payment.operations.filter((o) => o.kind === 'refund' && o.status === 'succeeded').reduce((n, o) => n + o.amount, 0)
  expect([payment.refunded, back]).toEqual([sum, sum])
  expect(sum).toBeLessThanOrEqual(1_000)
  expect(sum).toBeGreaterThan(900) // as many as fit
  expect((await atProvider(paymentId)).account.refunded.amount).toBe(sum)
  expect(isBalanced(payment)).toBe(true)
})

test('one refund id gives money back once, however often and from wherever it is asked for', async () => {
  const { paymentId } = await captured()
  const answers = await Promise.all(Array.from({ length: 10 }, () => refund(paymentId, `${paymentId}.once`, 400)))
  expect(answers.every((a) => a.outcome === 'succeeded')).toBe(true)
  expect((await shop.payment(paymentId)).refunded).toBe(400)
  expect((await atProvider(paymentId)).account.refunded.amount).toBe(400)
})

test('the last refund ends the payment; one more is declined', async () => {
  const { paymentId } = await captured([{ sellerId: 'a', subtotal: 333, tax: 33 }, { sellerId: 'b', subtotal: 634 }])
  for (const amount of [1, 332, 667]) expect(await refund(paymentId, newId(), amount)).toMatchObject({ outcome: 'succeeded' })
  const payment = await shop.payment(paymentId)
  expect(payment.status).toBe('refunded')
  const left = new Map<string, number>()
  for (const e of payment.ledger) left.set(`${e.sellerId} ${e.account}`, (left.get(`${e.sellerId} ${e.account}`) ?? 0) + e.amount)
  expect([...left.values()].every((n) => n === 0)).toBe(true)
  expect(await refund(paymentId, newId(), 1)).toMatchObject({ outcome: 'declined', reason: 'exceeds_captured', refunded: money(1_000) })
})

test('a seller’s refund is bounded by that seller’s part', async () => {
  const { paymentId } = await captured([{ sellerId: 'a', subtotal: 600 }, { sellerId: 'b', subtotal: 400 }])
  expect(await refund(paymentId, newId(), 401, [{ sellerId: 'b', amount: 401 }])).toMatchObject({ outcome: 'declined' })
  expect(await refund(paymentId, newId(), 400, [{ sellerId: 'b', amount: 400 }])).toMatchObject({ outcome: 'succeeded' })
  expect((await shop.payment(paymentId)).ledger.filter((e) => e.sellerId === 'b').reduce((n, e) => n + e.amount, 0)).toBe(0)
  await expect(refund(paymentId, newId(), 100, [{ sellerId: 'a', amount: 99 }])).rejects.toMatchObject({ type: 'validation-failed' })
})

test('what was never captured cannot be refunded', async () => {
  const { paymentId } = await shop.intent()
  await shop.authorize(paymentId)
  expect(await refund(paymentId, newId(), 1).then(() => null, problemType)).toBe('invalid-transition')
})
