import { describe, expect, test } from '@jest/globals'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { addMonths, answered, begin, cancel, charged, chargeFailed, isProfileOwed, liveOne, newSubscriber, profileOf, profileTold, takeBack, turn, viewsOf, withRequest, type Subscriber } from '../../../services/payment/subscription.ts'

const AT = '2026-01-31T10:00:00.000Z'
const day = (n: number, from = AT): string => new Date(Date.parse(from) + n * 86_400_000).toISOString()
const begun = (subscriber = newSubscriber('ada'), id = 's1', at = AT): Subscriber => begin(subscriber, { id, plan: 'prime-monthly', methodId: 'm' }, null, at)
const charge = (s: Subscriber): string => s.subscriptions.find((one) => one.charge)!.charge!.paymentId
const active = (): Subscriber => charged(begun(), 's1.1', AT)
const RENEWAL = '2026-02-28T10:00:00.000Z'
const refusal = (fn: () => unknown): unknown => {
  try {
    return fn()
  } catch (error) {
    return problemType(error)
  }
}

describe('a subscription', () => {
  test('begins pending, with its charge written down, and one at a time', () => {
    expect(begun().subscriptions[0]).toMatchObject({ status: 'pending', charge: { paymentId: 's1.1' }, renewsAt: null })
    expect(profileOf(begun())).toBeNull()
    expect(refusal(() => begun(begun(), 's2'))).toBe('conflict')
  })

  test('is active once charged, and Auth is to be told with a version that grows', () => {
    const s = active()
    expect(profileOf(s)).toEqual({ id: 's1', plan: 'prime-monthly', status: 'active', renewsAt: RENEWAL })
    expect([isProfileOwed(s), s.outbox.map((e) => [e.topic, e.number])]).toEqual([true, [['subscription_changed', 1]]])
    expect(isProfileOwed(profileTold(s, s.profileVersion, AT))).toBe(false)
    expect(charged(s, 's1.1', AT)).toBe(s)
  })

  test('news that Auth was told of an older profile leaves the newer one owed', () => {
    const first = active()
    const second = cancel(first, 's1', day(1))
    expect(isProfileOwed(profileTold(second, first.profileVersion, AT))).toBe(true)
  })

  test('months are counted by the calendar from the first day, not from the last renewal', () => {
    expect([1, 2, 3].map((n) => addMonths(AT, n).slice(0, 10))).toEqual(['2026-02-28', '2026-03-31', '2026-04-30'])
    expect(addMonths('2024-02-29T00:00:00.000Z', 12).slice(0, 10)).toBe('2025-02-28')
    const renewed = charged(turn(active(), RENEWAL), 's1.2', RENEWAL)
    expect(profileOf(renewed)!.renewsAt).toBe('2026-03-31T10:00:00.000Z')
  })

  test('nothing happens before its time; then a charge is begun, once', () => {
    const s = active()
    expect(turn(s, day(20))).toBe(s)
    const due = turn(s, RENEWAL)
    expect(charge(due)).toBe('s1.2')
    expect(turn(due, day(40))).toBe(due)
  })

  test('a renewal that fails keeps the benefits for some days, is tried again, then it is over', () => {
    let s = chargeFailed(turn(active(), RENEWAL), 's1.2', RENEWAL)
    expect(profileOf(s)).toMatchObject({ status: 'grace', renewsAt: RENEWAL })
    for (const n of [1, 2]) {
      expect(turn(s, day(n - 0.5, RENEWAL))).toBe(s)
      s = turn(s, day(n, RENEWAL))
      s = chargeFailed(s, charge(s), day(n, RENEWAL))
      expect(profileOf(s)?.status).toBe('grace')
    }
    s = turn(s, day(3, RENEWAL))
    s = chargeFailed(s, charge(s), day(3, RENEWAL))
    expect([profileOf(s), viewsOf(s)[0]!.status]).toEqual([null, 'cancelled'])
    expect(s.due === undefined || isProfileOwed(s)).toBe(true)
  })

  test('one that succeeds in grace counts from where it was due', () => {
    let s = turn(chargeFailed(turn(active(), RENEWAL), 's1.2', RENEWAL), day(1, RENEWAL))
    s = charged(s, charge(s), day(1, RENEWAL))
    expect(profileOf(s)).toMatchObject({ status: 'active', renewsAt: '2026-03-31T10:00:00.000Z' })
  })

  test('cancelled, it keeps its benefits until the paid period ends', () => {
    const s = cancel(active(), 's1', day(5))
    expect(profileOf(s)).toMatchObject({ status: 'cancelled', renewsAt: RENEWAL })
    expect(refusal(() => cancel(s, 's1', day(6)))).toBe('invalid-transition')
    expect(refusal(() => cancel(s, 'other', day(6)))).toBe('not-found')
    expect(profileOf(turn(s, RENEWAL))).toBeNull()
  })

  test('a new one after a cancel adds what was paid and not used', () => {
    const s = charged(begun(cancel(active(), 's1', day(5)), 's2', day(6)), 's2.1', day(6))
    expect(profileOf(s)).toMatchObject({ id: 's2', status: 'active', renewsAt: '2026-03-28T10:00:00.000Z' })
    expect(s.subscriptions.map((one) => one.status)).toEqual(['ended', 'active'])
  })

  test('nobody pays for the time that the marketplace was down', () => {
    const late = day(100)
    const s = charged(turn(active(), late), 's1.2', late)
    expect(profileOf(s)!.renewsAt).toBe(addMonths(late, 1))
  })

  test('a beginning that is declined, or taken back, leaves room for another; taking back frees the key', () => {
    const request = { id: 'op', bodyHash: 'h', subscriptionId: 's1', status: null, answer: null, at: AT }
    const s = begin(newSubscriber('ada'), { id: 's1', plan: 'prime-monthly', methodId: 'm' }, request, AT)
    const refused = answered(chargeFailed(s, 's1.1', AT), (r) => r.subscriptionId === 's1', 402, 'no')
    expect([liveOne(refused), viewsOf(refused), refused.requests[0]!.status]).toEqual([undefined, [], 402])
    const back = takeBack(s, 's1', AT)
    expect([liveOne(back), back.requests, back.due]).toEqual([undefined, [], undefined])
    expect(takeBack(active(), 's1', AT).subscriptions).toHaveLength(1)
  })

  test('answers are kept for a day', () => {
    const request = (id: string, at: string) => ({ id, bodyHash: 'h', subscriptionId: 's1', status: 200, answer: null, at })
    const s = withRequest(withRequest(newSubscriber('ada'), request('old', AT), AT), request('new', day(1.1)), day(1.1))
    expect(s.requests.map((r) => r.id)).toEqual(['new'])
  })
})
