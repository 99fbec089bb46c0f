import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { newId } from '../../../mixins/primitives/ids.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import type { Meta } from '../../../mixins/runtime/service.ts'
import type { Subscriber } from '../../../services/payment/subscription.ts'
import { startPayments, type PaymentShop } from '../../support/payments.ts'
import { until } from '../../support/until.ts'

let shop: PaymentShop
beforeAll(async () => {
  shop = await startPayments()
})
afterAll(() => shop.stop())
beforeEach(() => {
  shop.seen.authIsDown = false
})

interface Options {
  token?: string
  key?: string
  bodyHash?: string
  confirmation?: string
  plan?: 'prime-monthly' | 'prime-yearly'
}

const subscribe = async (userId: string, { token, key = newId(), bodyHash = 'body', confirmation = 'confirmed', plan = 'prime-monthly' }: Options = {}) => {
  const meta: Meta = { operation: { id: key, bodyHash } }
  const paymentMethodId = await shop.method(userId, token)
  const answer = await call(shop.broker, 'payment.worker.subscribe', { userId, sessionId: 's', plan, paymentMethodId, confirmation }, { meta }).catch((error: unknown) => ({ problem: problemType(error) }))
  return { answer, meta }
}
const unsubscribe = (userId: string, subscriptionId: string, key = newId()) => call(shop.broker, 'payment.worker.unsubscribe', { userId, subscriptionId }, { meta: { operation: { id: key, bodyHash: 'b' } } })
const list = async (userId: string) => (await call(shop.broker, 'payment.worker.subscriptions', { userId })).items
const profile = (userId: string) => shop.seen.profiles.get(userId)?.subscription
const document = async (userId: string) => (await shop.databases.query<{ doc: Subscriber }>('SELECT doc FROM payment.subscriber WHERE id = $1', [userId]))[0]!.doc
const charges = async (subscriptionId: string) => (await shop.databases.query<{ captured: number }>(`SELECT captured::int FROM provider.account WHERE key LIKE $1 || '.%' AND captured > 0`, [subscriptionId])).length
/** Moves the end of the paid period to the past. */
const lapse = (userId: string, renewsAt: string) =>
  shop.databases.query(`UPDATE payment.subscriber SET doc = jsonb_set(doc, '{subscriptions,0,renewsAt}', to_jsonb($2::text)) || jsonb_build_object('due', $2::text) WHERE id = $1`, [userId, renewsAt])
const hoursAgo = (n: number): string => new Date(Date.now() - n * 3_600_000).toISOString()

describe('subscribing', () => {
  test('charges once, spends the proof, and changes the profile', async () => {
    const userId = newId()
    const { answer } = await subscribe(userId)
    expect(answer).toMatchObject({ plan: 'prime-monthly', status: 'active', price: { amount: 1_499 } })
    expect(profile(userId)).toMatchObject({ plan: 'prime-monthly', status: 'active' })
    const [subscription] = await list(userId)
    expect(await charges(subscription!.id)).toBe(1)
    await until('the proof is spent', () => shop.seen.proofs.get(subscription!.id) === 'spent')
  })

  test('the same key answers the same, at once and later; another body is refused', async () => {
    const [userId, key] = [newId(), newId()]
    const both = await Promise.all([subscribe(userId, { key }), subscribe(userId, { key })])
    const first = both.find(({ answer }) => 'id' in answer)!.answer
    for (const { answer } of both) if ('problem' in answer) expect(answer.problem).toBe('idempotency-key-in-progress')
    const again = await subscribe(userId, { key })
    expect([again.answer, again.meta.replayed, again.meta.$statusCode]).toEqual([first, true, 201])
    expect((await subscribe(userId, { key, bodyHash: 'other' })).answer).toEqual({ problem: 'idempotency-key-reused' })
    expect(await list(userId)).toHaveLength(1)
    expect(await charges((first as { id: string }).id)).toBe(1)
  })

  test('one at a time: many at once leave one, charged once', async () => {
    const userId = newId()
    const answers = await Promise.all(Array.from({ length: 6 }, () => subscribe(userId)))
    const done = answers.filter(({ answer }) => 'id' in answer)
    expect(done).toHaveLength(1)
    expect(answers.filter(({ answer }) => 'problem' in answer && answer.problem === 'conflict')).toHaveLength(5)
    expect(await charges((done[0]!.answer as { id: string }).id)).toBe(1)
  })

  test('a decline is stored under its key, frees the proof, and leaves room for another try', async () => {
    const [userId, key] = [newId(), newId()]
    expect((await subscribe(userId, { key, token: 'tok_demo_declined' })).answer).toEqual({ problem: 'payment-declined' })
    const again = await subscribe(userId, { key })
    expect([again.answer, again.meta.replayed]).toEqual([{ problem: 'payment-declined' }, true])
    await until('the proof is free', () => [...shop.seen.proofs.values()].includes('freed'))
    expect([await list(userId), profile(userId)]).toEqual([[], undefined])
    expect((await subscribe(userId)).answer).toMatchObject({ status: 'active' })
  })

  test('a refused proof leaves nothing behind, the key included', async () => {
    const [userId, key] = [newId(), newId()]
    expect((await subscribe(userId, { key, confirmation: 'wrong' })).answer).toEqual({ problem: 'identity-confirmation-required' })
    expect(await document(userId)).toMatchObject({ subscriptions: [], requests: [] })
    expect((await subscribe(userId, { key })).answer).toMatchObject({ status: 'active' })
  })

  test('somebody else’s payment method does not exist', async () => {
    const paymentMethodId = await shop.method(newId())
    const refused = call(shop.broker, 'payment.worker.subscribe', { userId: newId(), sessionId: 's', plan: 'prime-yearly', paymentMethodId, confirmation: 'confirmed' })
    expect(await refused.catch(problemType)).toBe('not-found')
  })

  test('a charge that nobody answers is pending, then settled by the sweeper, once', async () => {
    const [userId, key] = [newId(), newId()]
    const { answer, meta } = await subscribe(userId, { key, token: 'tok_demo_lost' })
    expect([answer, meta.$statusCode]).toEqual([expect.objectContaining({ status: 'pending' }), 202])
    await shop.hurry()
    await until('the profile shows it', () => profile(userId)?.status === 'active')
    const again = await subscribe(userId, { key, token: 'tok_demo_lost' })
    expect([again.answer, again.meta.$statusCode]).toEqual([answer, 202])
    expect(await charges((answer as { id: string }).id)).toBe(1)
  })
})

describe('telling Auth', () => {
  test('is repeated until Auth answers', async () => {
    const userId = newId()
    await subscribe(userId)
    shop.seen.authIsDown = true
    const [subscription] = await list(userId)
    await unsubscribe(userId, subscription!.id)
    expect(profile(userId)?.status).toBe('active')
    await shop.hurry()
    await until('it was tried in vain', async () => (await document(userId)).asked > 0)
    shop.seen.authIsDown = false
    await shop.hurry()
    await until('the profile shows the cancel', () => profile(userId)?.status === 'cancelled')
    await until('only the end of its period is due', async () => (await document(userId)).due === subscription!.renewsAt)
  })

  test('survives the crash of the worker that charged: another one goes on', async () => {
    const userId = newId()
    const { answer } = await subscribe(userId)
    const { id } = answer as { id: string }
    // As it lay there when the first worker died: charged, nothing told, nothing sent.
    shop.seen.profiles.delete(userId)
    await shop.databases.query(`UPDATE payment.subscriber SET doc = doc || '{"profileKnown": 0, "due": "2020-01-01T00:00:00.000Z"}' WHERE id = $1`, [userId])
    await shop.restart(['payment.worker'])
    await until('the profile shows it', () => profile(userId)?.status === 'active')
    expect(await charges(id)).toBe(1)
  })
})

describe('a crash in the middle of the first charge', () => {
  const plant = async (userId: string, since: string): Promise<string> => {
    const [id, at] = [newId(), since]
    await call(shop.broker, 'payment.worker.subscribe', { userId, sessionId: 's', plan: 'prime-monthly', paymentMethodId: await shop.method(userId), confirmation: 'confirmed' })
    const subscription = { id, plan: 'prime-monthly', price: { amount: 1_499, currency: 'USD' }, methodId: await shop.method(userId), status: 'pending', startedAt: at, anchor: at, periods: 0, renewsAt: null, charges: 1, charge: { paymentId: `${id}.1`, since: at }, tryAt: null }
    const doc = { subscriptions: [subscription], requests: [{ id: `op-${id}`, bodyHash: 'body', subscriptionId: id, status: null, answer: null, at }], due: '2020-01-01T00:00:00.000Z', profileKnown: 1, profileVersion: 1 }
    await shop.databases.query('UPDATE payment.subscriber SET doc = doc || $2 WHERE id = $1', [userId, JSON.stringify(doc)])
    return id
  }

  test('before anything was charged, it is as if nothing had been, and the key is free', async () => {
    const userId = newId()
    const id = await plant(userId, hoursAgo(1))
    await until('it is taken back', async () => (await document(userId)).subscriptions.length === 0)
    expect((await document(userId)).requests).toEqual([])
    expect(await charges(id)).toBe(0)
    expect((await subscribe(userId, { key: `op-${id}` })).answer).toMatchObject({ status: 'active' })
  })

  test('a request that is still at it is left alone', async () => {
    const userId = newId()
    await plant(userId, new Date().toISOString())
    await until('the sweeper has looked', async () => (await document(userId)).asked > 0)
    expect((await document(userId)).subscriptions).toMatchObject([{ status: 'pending' }])
  })

  test('after the provider has charged, the subscription begins, and the waiting key gets its answer', async () => {
    const userId = newId()
    const id = await plant(userId, hoursAgo(0.002))
    const amount = { amount: 1_499, currency: 'USD' }
    const payment = { buyerId: userId, subscriptionId: id, currency: 'USD', amount: 1_499, token: 'tok_demo_ok', parts: [{ sellerId: null, seller: 0, fee: 1_499, held: 0 }], status: 'unknown', reason: null, captured: 0, refunded: 0, operations: [{ id: `${id}.1.authorize`, kind: 'authorize', amount: 1_499, status: 'unknown', at: hoursAgo(0.002) }], ledger: [], tell: false, asked: 0, createdAt: hoursAgo(0.002), eventNumber: 0, outbox: [] }
    await shop.databases.query('INSERT INTO payment.payment (id, version, doc) VALUES ($1, 1, $2)', [`${id}.1`, JSON.stringify({ id: `${id}.1`, ...payment })])
    await call(shop.broker, 'provider.authorize', { key: `${id}.1`, token: 'tok_demo_ok', amount })
    await call(shop.broker, 'provider.capture', { key: `${id}.1` })
    await shop.hurry()
    await until('it is active', async () => (await document(userId)).subscriptions[0]?.status === 'active')
    const again = await subscribe(userId, { key: `op-${id}` })
    expect([again.meta.replayed, again.meta.$statusCode, (again.answer as { status: string }).status]).toEqual([true, 201, 'active'])
    expect(await charges(id)).toBe(1)
  })
})

describe('renewing', () => {
  test('a period that is over is charged again, once, by however many sweepers', async () => {
    const userId = newId()
    const { answer } = await subscribe(userId)
    const { id } = answer as { id: string }
    await lapse(userId, hoursAgo(1))
    await until('it is renewed', async () => (await charges(id)) === 2)
    await until('the profile shows the new period', () => (profile(userId)?.renewsAt ?? '') > new Date(Date.now() + 20 * 86_400_000).toISOString())
    expect(await charges(id)).toBe(2)
  })

  test('one that fails keeps the benefits in grace; with a working method it is active again', async () => {
    const userId = newId()
    const { answer } = await subscribe(userId)
    const { id } = answer as { id: string }
    const setToken = (token: string) => shop.databases.query(`UPDATE payment.method SET doc = doc || jsonb_build_object('token', $2::text) WHERE doc->>'userId' = $1`, [userId, token])
    await setToken('tok_demo_declined')
    await lapse(userId, hoursAgo(1))
    await until('it is in grace', () => profile(userId)?.status === 'grace')
    await setToken('tok_demo_ok')
    await shop.databases.query(`UPDATE payment.subscriber SET doc = jsonb_set(doc, '{subscriptions,0,tryAt}', to_jsonb($2::text)) || jsonb_build_object('due', $2::text) WHERE id = $1`, [userId, hoursAgo(0.5)])
    await until('it is active', () => profile(userId)?.status === 'active')
    expect(await charges(id)).toBe(2)
  })

  test('without a payment method there is nothing to charge', async () => {
    const userId = newId()
    await subscribe(userId)
    for (const { id } of (await call(shop.broker, 'payment.worker.methods', { userId })).items) await call(shop.broker, 'payment.worker.removeMethod', { userId, methodId: id })
    await lapse(userId, hoursAgo(73)) // the days of grace are over
    await until('it has ended', () => profile(userId) === null)
    expect(await list(userId)).toMatchObject([{ status: 'cancelled' }])
  })
})

describe('cancelling', () => {
  test('keeps the benefits until the period ends, then the profile has none', async () => {
    const userId = newId()
    const { answer } = await subscribe(userId, { plan: 'prime-yearly' })
    const { id, renewsAt } = answer as { id: string; renewsAt: string }
    expect(await unsubscribe(userId, id)).toMatchObject({ status: 'cancelled', renewsAt })
    expect(profile(userId)).toMatchObject({ status: 'cancelled', renewsAt })
    await lapse(userId, hoursAgo(1))
    await until('it has ended', () => profile(userId) === null)
    expect(await charges(id)).toBe(1)
  })

  test('the same key answers the same; a new one finds nothing to cancel; others do not see it', async () => {
    const [userId, key] = [newId(), newId()]
    const { answer } = await subscribe(userId)
    const { id } = answer as { id: string }
    const first = await unsubscribe(userId, id, key)
    expect(await unsubscribe(userId, id, key)).toEqual(first)
    expect(await unsubscribe(userId, id).catch(problemType)).toBe('invalid-transition')
    expect(await unsubscribe(newId(), id).catch(problemType)).toBe('not-found')
  })
})
