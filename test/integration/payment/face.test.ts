import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import { signIn, type SignedIn } from '../../support/callers.ts'
import { startPayments, type PaymentShop } from '../../support/payments.ts'

let shop: PaymentShop
let ada: SignedIn
let eve: SignedIn
let admin: SignedIn
beforeAll(async () => {
  shop = await startPayments()
  ;[ada, eve, admin] = await Promise.all([signIn(), signIn(), signIn(randomUUID(), ['admin'])])
})
afterAll(() => shop.stop())

const meta = (who: SignedIn | null, idempotencyKey?: string) => ({ meta: { ...(who?.meta ?? { credentials: {} }), ...(idempotencyKey ? { idempotencyKey } : {}) } })
const add = (who: SignedIn | null, body: { token: string; label: string }, key?: string) => call(shop.broker, 'payment.addMethod', body, meta(who, key))
const methods = async (who: SignedIn, query: { limit?: number; cursor?: string } = {}) => call(shop.broker, 'payment.methods', query, meta(who))
const refusal = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, problemType)

test('a token is stored, and never comes back', async () => {
  const method = await add(ada, { token: 'tok_demo_ok', label: 'My card' })
  expect(Object.keys(method).sort()).toEqual(['createdAt', 'id', 'label'])
  expect(JSON.stringify(await methods(ada))).not.toContain('tok_')
  expect((await methods(ada)).items).toEqual([method])
})

test('card numbers and other secrets are refused, and nothing of them is stored', async () => {
  expect(await refusal(add(ada, { token: '4111111111111111', label: 'x' }))).toBe('card-data-refused')
  expect(await refusal(add(ada, { token: 'tok_demo_ok', label: 'my 4111 1111 1111 1111' }))).toBe('card-data-refused')
  expect(await refusal(add(ada, { token: 'tok_5500005555555559', label: 'x' }))).toBe('card-data-refused')
  expect(await refusal(add(ada, { token: 'sk_live_secret', label: 'x' }))).toBe('validation-failed')
  expect(await shop.databases.query(`SELECT 1 FROM payment.method WHERE doc::text ~ '4111|5500|sk_live'`)).toEqual([])
})

test('the same key stores one method; another body is refused', async () => {
  const key = randomUUID()
  const [first, second] = await Promise.all([add(ada, { token: 'tok_demo_ok', label: 'once' }, key), add(ada, { token: 'tok_demo_ok', label: 'once' }, key)])
  expect(second).toEqual(first)
  expect((await methods(ada)).items.filter((m) => m.label === 'once')).toHaveLength(1)
  expect(await refusal(add(ada, { token: 'tok_demo_ok', label: 'other' }, key))).toBe('idempotency-key-reused')
  expect((await add(eve, { token: 'tok_demo_ok', label: 'hers' }, key)).id).not.toBe(first.id)
  await shop.databases.query(`UPDATE payment.method SET doc = doc || '{"createdAt": "2020-01-01T00:00:00.000Z"}' WHERE id = $1`, [first.id])
  expect((await add(ada, { token: 'tok_demo_ok', label: 'a day later' }, key)).id).not.toBe(first.id)
})

test('others’ methods are not there: not listed, not removed', async () => {
  const { id } = await add(eve, { token: 'tok_demo_ok', label: 'eve’s' })
  expect((await methods(ada)).items.some((m) => m.id === id)).toBe(false)
  expect(await refusal(call(shop.broker, 'payment.removeMethod', { id }, meta(ada)))).toBe('not-found')
  expect((await methods(eve)).items.some((m) => m.id === id)).toBe(true)
})

test('a removed method is gone, once', async () => {
  const { id } = await add(ada, { token: 'tok_demo_ok', label: 'going' })
  await call(shop.broker, 'payment.removeMethod', { id }, meta(ada))
  expect((await methods(ada)).items.some((m) => m.id === id)).toBe(false)
  expect(await refusal(call(shop.broker, 'payment.removeMethod', { id }, meta(ada)))).toBe('not-found')
})

test('lists come newest first and page by page, each once', async () => {
  const person = await signIn()
  const ids: string[] = []
  for (let i = 0; i < 5; i++) ids.unshift((await add(person, { token: 'tok_demo_ok', label: `card ${i}` })).id)
  const seen: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await methods(person, { limit: 2, ...(cursor ? { cursor } : {}) })
    seen.push(...page.items.map((m) => m.id))
    if (page.nextCursor === null) break
    cursor = page.nextCursor
  }
  expect(seen).toEqual(ids)
  expect(await refusal(methods(person, { cursor: 'made up' }))).toBe('validation-failed')
})

test('without a session there is nothing; the books are the administrator’s', async () => {
  expect(await refusal(add(null, { token: 'tok_demo_ok', label: 'x' }))).toBe('token-expired')
  const { paymentId, orderId } = await shop.intent()
  await shop.authorize(paymentId)
  expect(await refusal(call(shop.broker, 'payment.books', { id: orderId }, meta(ada)))).toBe('forbidden')
  const { items, provider } = await call(shop.broker, 'payment.books', { id: orderId }, meta(admin))
  for (const rows of [items, provider]) expect(rows).toMatchObject([{ kind: 'authorize', status: 'succeeded', amount: { amount: 1_000, currency: 'USD' } }])
})

test('subscribing wants a key and a proof; a person sees and cancels only their own', async () => {
  const { id: paymentMethodId } = await add(ada, { token: 'tok_demo_ok', label: 'for Prime' })
  const subscribe = (who: SignedIn, key: string | undefined, confirmation?: string) =>
    call(shop.broker, 'payment.subscribe', { plan: 'prime-monthly', paymentMethodId, ...(confirmation ? { confirmation } : {}) }, meta(who, key))
  expect(await refusal(subscribe(ada, undefined, 'confirmed'))).toBe('idempotency-key-required')
  expect(await refusal(subscribe(ada, randomUUID()))).toBe('identity-confirmation-required')
  expect(await refusal(subscribe(eve, randomUUID(), 'confirmed'))).toBe('not-found')
  const { id } = await subscribe(ada, randomUUID(), 'confirmed')
  expect((await call(shop.broker, 'payment.subscriptions', {}, meta(ada))).items.map((s) => s.id)).toEqual([id])
  expect((await call(shop.broker, 'payment.subscriptions', {}, meta(eve))).items).toEqual([])
  expect(await refusal(call(shop.broker, 'payment.unsubscribe', { id }, meta(eve, randomUUID())))).toBe('not-found')
  expect(await call(shop.broker, 'payment.unsubscribe', { id }, meta(ada, randomUUID()))).toMatchObject({ id, status: 'cancelled' })
})
