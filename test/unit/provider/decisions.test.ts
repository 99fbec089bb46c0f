import { expect, test } from '@jest/globals'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { decide, newAccount, type Account, type Entry, type Request } from '../../../services/provider/provider.ts'

/** One account and what became of it. */
function provider() {
  const account: Account = newAccount('k')
  const entries: Entry[] = []
  const ask = (request: Request) => {
    const earlier = request.kind === 'refund' ? (entries.find((e) => e.refundId === request.refundId) ?? null) : null
    const decision = decide(account, request, earlier)
    if (decision.entry) entries.push(decision.entry)
    return decision
  }
  return {
    account,
    entries,
    authorize: (token = 'tok_demo_ok', amount = 1_000) => ask({ kind: 'authorize', key: 'k', token, amount, currency: 'USD' }),
    capture: () => ask({ kind: 'capture', key: 'k' }),
    letGo: () => ask({ kind: 'void', key: 'k' }),
    refund: (refundId: string, amount: number) => ask({ kind: 'refund', key: 'k', refundId, amount, currency: 'USD' })
  }
}
const refusal = (fn: () => unknown): unknown => {
  try {
    return fn()
  } catch (error) {
    return problemType(error)
  }
}

test('the same request is answered the same, with one entry', () => {
  const p = provider()
  expect([p.authorize(), p.authorize(), p.capture(), p.capture()].map((d) => d.outcome)).toEqual(['authorized', 'authorized', 'captured', 'captured'])
  expect(p.refund('r', 300).outcome).toBe('succeeded')
  expect(p.refund('r', 300).outcome).toBe('succeeded')
  expect(p.entries.map((e) => e.kind)).toEqual(['authorize', 'capture', 'refund'])
  expect(p.account.refunded).toBe(300)
})

test('a key or a refund id with another amount is refused', () => {
  const p = provider()
  p.authorize()
  expect(refusal(() => p.authorize('tok_demo_ok', 999))).toBe('conflict')
  p.capture()
  p.refund('r', 1)
  expect(refusal(() => p.refund('r', 2))).toBe('conflict')
})

test('a void is for ever, also of a key that nobody has seen', () => {
  const p = provider()
  expect(p.letGo()).toMatchObject({ outcome: 'voided', released: 0 })
  expect([p.authorize().outcome, p.capture().outcome]).toEqual(['voided', 'voided'])
  const held = provider()
  held.authorize()
  expect([held.letGo(), held.letGo()]).toMatchObject([{ outcome: 'voided', released: 1_000 }, { outcome: 'voided', released: 1_000 }])
  expect(held.entries.map((e) => [e.kind, e.amount])).toEqual([['authorize', 1_000], ['void', 1_000]])
})

test('what was taken cannot be let go of, and never more than it goes back', () => {
  const p = provider()
  p.authorize()
  p.capture()
  expect(p.letGo().outcome).toBe('captured')
  expect(p.refund('a', 1_001)).toMatchObject({ outcome: 'declined', reason: 'exceeds_captured' })
  expect([p.refund('b', 600).outcome, p.refund('c', 401).outcome, p.refund('d', 400).outcome]).toEqual(['succeeded', 'declined', 'succeeded'])
  expect(p.account.refunded).toBe(1_000)
})

test('tokens decide: declines say why, a token of nobody is declined', () => {
  expect(['tok_demo_declined', 'tok_demo_insufficient', 'tok_other'].map((token) => provider().authorize(token).reason)).toEqual(['card_declined', 'insufficient_funds', 'unknown_token'])
  expect(['tok_demo_ok', 'tok_demo_slow', 'tok_demo_lost', 'tok_demo_down'].map((token) => provider().authorize(token).outcome)).toEqual(Array(4).fill('authorized'))
})

test('what it has not heard of it does not know', () => {
  expect(decide(null, { kind: 'capture', key: 'k' }, null).outcome).toBe('not-found')
  expect(provider().refund('r', 1).outcome).toBe('not-found')
})
