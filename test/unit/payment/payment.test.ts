import { describe, expect, test } from '@jest/globals'
import { money } from '../../../mixins/primitives/money.ts'
import { acceptRefund, askedInVain, isBalanced, learn, newPayment, operationOf, sent, told, tombstone, unanswered, type Fact, type Payment } from '../../../services/payment/payment.ts'

const AT = '2026-03-01T10:00:00.000Z'
const parts = [
  { sellerId: 'a', seller: 800, fee: 100, held: 50 },
  { sellerId: 'b', seller: 45, fee: 5, held: 0 }
]
const opened = (): Payment => newPayment({ paymentId: 'o1.1', orderId: 'o1', buyerId: 'ada', amount: money(1_000), token: 'tok_demo_ok', parts }, AT)
const fact = (kind: Fact['kind'], rest: Partial<Fact> = {}): Fact => ({ kind, status: 'succeeded', at: AT, amount: 1_000, ...rest })
const after = (payment: Payment, ...facts: Fact[]): Payment => facts.reduce((p, f) => learn(p, f, AT), payment)
const captured = (): Payment => after(opened(), fact('authorize'), fact('capture'))
const topics = (p: Payment): [string, number][] => p.outbox.map((e) => [e.topic, e.number])

/** All orders of a list. */
const permutations = <T>(list: readonly T[]): T[][] => (list.length < 2 ? [[...list]] : list.flatMap((one, i) => permutations(list.toSpliced(i, 1)).map((rest) => [one, ...rest])))

describe('what is learned of a payment', () => {
  test('it is unknown, and due, from the moment it is written down', () => {
    expect(opened()).toMatchObject({ status: 'unknown', token: 'tok_demo_ok', operations: [{ kind: 'authorize', status: 'unknown', amount: 1_000 }] })
    expect(opened().due! > AT).toBe(true)
  })

  test('held, then taken: the token is forgotten, the ledger balances, one event', () => {
    const held = after(opened(), fact('authorize'))
    expect(held).toMatchObject({ status: 'authorized', captured: 0 })
    expect([held.token, held.due]).toEqual([undefined, undefined])
    expect(captured()).toMatchObject({ status: 'captured', captured: 1_000 })
    expect(isBalanced(captured())).toBe(true)
    expect(topics(captured())).toEqual([['payment_succeeded', 1]])
  })

  test('the same fact again is no change at all', () => {
    const p = captured()
    expect(after(p, fact('authorize'), fact('capture'))).toBe(p)
  })

  test('facts in any order and any number of times end in the same state', () => {
    const refund = fact('refund', { refundId: 'r1', amount: 400 })
    for (const order of permutations([fact('authorize'), fact('capture'), fact('capture')])) {
      const p = after(opened(), ...order, refund, refund)
      expect(p).toMatchObject({ status: 'partially_refunded', captured: 1_000, refunded: 400 })
      expect(p.operations.map((o) => [o.kind, o.status])).toEqual([['authorize', 'succeeded'], ['capture', 'succeeded'], ['refund', 'succeeded']])
      expect(isBalanced(p)).toBe(true)
      expect(topics(p)).toEqual([['payment_succeeded', 1], ['payment_refunded', 2]])
    }
  })

  test('a void that let go of money means that it was held; one that let go of nothing means that it never was', () => {
    const [released, nothing] = [after(opened(), fact('void')), after(opened(), fact('void', { amount: 0 }))]
    expect(released.operations.map((o) => [o.kind, o.status])).toEqual([['authorize', 'succeeded'], ['void', 'succeeded']])
    expect(nothing.operations.map((o) => [o.kind, o.status])).toEqual([['authorize', 'declined'], ['void', 'succeeded']])
    expect([released.status, nothing.status, topics(nothing)]).toEqual(['voided', 'voided', [['payment_failed', 1]]])
  })

  test('news of the authorisation after a void changes the state no more', () => {
    expect(after(opened(), fact('void'), fact('authorize'), fact('capture'))).toMatchObject({ status: 'voided', captured: 0, ledger: [] })
  })

  test('a void whose answer never came is over when the money turns out to be taken', () => {
    const p = after(unanswered(after(opened(), fact('authorize')), 'void', AT), fact('capture'))
    expect(p.operations.map((o) => [o.kind, o.status])).toEqual([['authorize', 'succeeded'], ['void', 'declined'], ['capture', 'succeeded']])
  })

  test('a decline is final', () => {
    const p = after(opened(), fact('authorize', { status: 'declined', reason: 'card_declined' }))
    expect(p).toMatchObject({ status: 'declined', reason: 'card_declined' })
    expect(after(p, fact('authorize'), fact('capture'), fact('void'))).toBe(p)
  })

  test('who waits is told when it was settled behind their back, once', () => {
    const told1 = learn(opened(), fact('authorize'), AT, { tell: true })
    expect([told1.tell, told1.due !== undefined]).toEqual([true, true])
    expect(told(told1, AT)).toMatchObject({ tell: false })
    expect(told(told1, AT).due).toBeUndefined()
    expect(learn(after(opened(), fact('authorize')), fact('capture'), AT, { tell: true }).tell).toBe(false) // nobody waited
  })

  test('events leave when the log has them; later ones stay', () => {
    const p = after(acceptRefund(captured(), { refundId: 'r', amount: 1, reason: 'x' }, AT)!, fact('refund', { refundId: 'r', amount: 1 }))
    expect(topics(sent(p, 1, AT))).toEqual([['payment_refunded', 2]])
    expect(sent(p, 2, AT)).toMatchObject({ outbox: [], eventNumber: 2 })
    expect(sent(sent(p, 2, AT), 2, AT).due).toBeUndefined()
  })

  test('questions in vain come at growing pauses; news starts anew', () => {
    let p = opened()
    const dues: number[] = []
    for (let i = 0; i < 12; i++) dues.push(Date.parse((p = askedInVain(p, AT)).due!) - Date.parse(AT))
    expect(dues.slice(0, 3)).toEqual([5_000, 10_000, 20_000])
    expect(Math.max(...dues)).toBe(300_000)
    expect(after(p, fact('authorize')).asked).toBe(0)
  })

  test('a payment that never arrived is voided and owes nothing', () => {
    const p = tombstone('o1.1', { orderId: 'o1' }, AT)
    expect(p).toMatchObject({ status: 'voided', captured: 0, outbox: [] })
    expect([p.due, p.token, isBalanced(p)]).toEqual([undefined, undefined, true])
  })
})

describe('refunds', () => {
  const refund = (p: Payment, refundId: string, amount: number): Payment | null => acceptRefund(p, { refundId, amount, reason: 'returned' }, AT)

  test('those under way count: together they never exceed what was captured', () => {
    const one = refund(captured(), 'r1', 600)!
    expect(refund(one, 'r2', 401)).toBeNull()
    const two = refund(one, 'r2', 400)!
    const done = after(two, fact('refund', { refundId: 'r2', amount: 400 }), fact('refund', { refundId: 'r1', amount: 600 }))
    expect(done).toMatchObject({ status: 'refunded', refunded: 1_000 })
    expect(isBalanced(done)).toBe(true)
    expect(done.ledger.reduce((n, e) => n + e.amount, 0)).toBe(0)
  })

  test('a refused refund gives its share free again', () => {
    const one = after(refund(captured(), 'r1', 1_000)!, fact('refund', { refundId: 'r1', status: 'declined', reason: 'no' }))
    expect(one).toMatchObject({ status: 'captured', refunded: 0 })
    expect(refund(one, 'r2', 1_000)).not.toBeNull()
  })

  test('a seller’s refund leaves the other seller’s money alone', () => {
    const p = acceptRefund(captured(), { refundId: 'r', amount: 50, reason: 'x', sellers: [{ sellerId: 'b', amount: 50 }] }, AT)!
    const done = after(p, fact('refund', { refundId: 'r', amount: 50 }))
    expect(done.ledger.filter((e) => e.amount < 0)).toEqual([
      { operationId: 'r', sellerId: 'b', account: 'seller', amount: -45 },
      { operationId: 'r', sellerId: 'b', account: 'fee', amount: -5 }
    ])
  })

  test('one made at the provider’s desk is taken over, in proportion', () => {
    const done = after(captured(), fact('refund', { refundId: 'desk', amount: 500 }))
    expect(done).toMatchObject({ status: 'partially_refunded', refunded: 500 })
    expect(operationOf(done, 'refund', 'desk')?.status).toBe('succeeded')
    expect(isBalanced(done)).toBe(true)
  })
})
