import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId } from '../../../mixins/primitives/ids.ts'
import { money } from '../../../mixins/primitives/money.ts'
import { sign } from '../../../mixins/webhooks/signature.ts'
import { quickProvider, startPayments, type PaymentShop } from '../../support/payments.ts'
import { until } from '../../support/until.ts'

let shop: PaymentShop
beforeAll(async () => {
  shop = await startPayments(quickProvider({ webhookMs: [[50, 300], [100, 900]] }))
})
afterAll(() => shop.stop())

const url = () => `http://127.0.0.1:${process.env['SOUK_PORT']}/api/v1/webhooks/payments`
const secret = () => process.env['SOUK_WEBHOOK_SECRET']!
const post = async (body: string, signature: string): Promise<number> => (await fetch(url(), { method: 'POST', body, headers: { 'souk-signature': signature } })).status
const event = (key: string, kind: string, fields: object = {}) => ({ id: newId(), at: new Date().toISOString(), key, kind, status: 'succeeded', amount: money(1_000), ...fields })
const deliver = (events: object[]): Promise<number> => {
  const body = JSON.stringify({ events })
  return post(body, sign(secret(), body))
}
const pendingDeliveries = async (key: string): Promise<number> => (await shop.databases.query(`SELECT 1 FROM provider.delivery WHERE event->>'key' = $1`, [key])).length

test('a forged, changed, stale or unsigned webhook is refused and has no effect', async () => {
  const { paymentId } = await shop.intent()
  const body = JSON.stringify({ events: [event(paymentId, 'authorize')] })
  expect(await post(body, sign('another secret', body))).toBe(401)
  expect(await post(body.replace('authorize', 'capture'), sign(secret(), body))).toBe(401)
  expect(await post(body, sign(secret(), body, Date.now() - 6 * 60_000))).toBe(401)
  expect(await post(body, '')).toBe(401)
  expect((await shop.payment(paymentId)).status).toBe('unknown')
})

test('the same webhook twice, and older ones after newer ones, have their effect once', async () => {
  const { paymentId, orderId } = await shop.intent()
  const [authorized, captured, refunded] = [event(paymentId, 'authorize'), event(paymentId, 'capture'), event(paymentId, 'refund', { refundId: 'r1', amount: money(250) })]
  for (const events of [[captured], [refunded, refunded], [authorized, captured, refunded], [authorized]]) expect(await deliver(events)).toBe(200)
  await Promise.all(Array.from({ length: 10 }, () => deliver([refunded, captured, authorized])))
  expect(await shop.payment(paymentId)).toMatchObject({ status: 'partially_refunded', captured: 1_000, refunded: 250, eventNumber: 2 })
  await until('the order is told', () => shop.seen.resumed.includes(orderId))
})

test('one about a payment that is not ours is acknowledged', async () => {
  expect(await deliver([event('somebody-else.1', 'capture')])).toBe(200)
})

test('it settles what no answer settled, and tells the order', async () => {
  const { paymentId, orderId } = await shop.intent({ token: 'tok_demo_lost' })
  const { status } = await shop.authorize(paymentId)
  expect(['unknown', 'authorized']).toContain(status) // the webhook may be faster than our patience ends
  await until('the order is told', () => shop.seen.resumed.includes(orderId))
  expect((await shop.payment(paymentId)).status).toBe('authorized')
})

test('every entry is sent twice, and none is lost while nobody listens', async () => {
  const { paymentId } = await shop.intent()
  const port = process.env['SOUK_PORT']
  process.env['SOUK_PORT'] = '1' // nobody there
  await shop.authorize(paymentId)
  expect(await pendingDeliveries(paymentId)).toBe(2)
  const tried = () => shop.databases.query(`SELECT 1 FROM provider.delivery WHERE event->>'key' = $1 AND attempts > 0`, [paymentId])
  await until('both were tried in vain', async () => (await tried()).length === 2)
  process.env['SOUK_PORT'] = port
  await shop.databases.query('UPDATE provider.delivery SET due_at = now()')
  await until('both are delivered', async () => (await pendingDeliveries(paymentId)) === 0)
})
