import { describe, expect, test } from '@jest/globals'
import { problemType } from '../../mixins/primitives/problem.ts'
import { availabilityOf } from '../../services/inventory/inventory.contract.ts'
import { DeskTurn, summed, type Reservation } from '../../services/inventory/inventory.ts'

const row = (onHand: number, reserved = 0, offerId = 'a') => ({ offerId, warehouseId: 'w', onHand, reserved })
const reserve = (orderId: string, ...lines: [string, number][]) => ({ kind: 'reserve', orderId, attempt: 1, warehouseId: 'w', lines: lines.map(([offerId, quantity]) => ({ offerId, quantity })) }) as const
const of = (kind: 'take' | 'release', orderId: string, attempt = 1) => ({ kind, orderId, attempt, warehouseId: 'w' }) as const
const taken = (quantity: number): Reservation => ({ orderId: 'o', warehouseId: 'w', attempt: 1, status: 'taken', lines: [{ offerId: 'a', quantity }], restocks: [] })
const refusal = (run: () => unknown): string | null => {
  try {
    run()
  } catch (error) {
    return problemType(error)
  }
  return null
}

describe('the turn of a stock desk', () => {
  test('one to five units are few, none is out', () => {
    expect([0, 1, 5, 6].map(availabilityOf)).toEqual(['out_of_stock', 'low_stock', 'low_stock', 'in_stock'])
  })

  test('two lines of one offer are decided as one', () => {
    expect(summed([{ offerId: 'a', quantity: 2 }, { offerId: 'b', quantity: 1 }, { offerId: 'a', quantity: 3 }])).toEqual([{ offerId: 'a', quantity: 5 }, { offerId: 'b', quantity: 1 }])
    const turn = new DeskTurn([row(4)], [])
    expect(turn.decide(reserve('o', ['a', 2], ['a', 3]))).toEqual({ outcome: 'refused', lines: [{ offerId: 'a', requested: 5, available: 4 }] })
  })

  test('messages are decided in the order of arrival, and a refusal takes nothing', () => {
    const turn = new DeskTurn([row(3), row(1, 0, 'b')], [])
    expect(turn.decide(reserve('o1', ['a', 2]))).toMatchObject({ outcome: 'reserved' })
    expect(turn.decide(reserve('o2', ['b', 1], ['a', 2]))).toEqual({ outcome: 'refused', lines: [{ offerId: 'a', requested: 2, available: 1 }] })
    expect(turn.decide(reserve('o3', ['b', 1], ['a', 1]))).toMatchObject({ outcome: 'reserved' })
    expect(turn.changes().moved).toMatchObject([row(0, 3), row(0, 1, 'b')])
    expect(turn.changes().opened.map((r) => r.orderId)).toEqual(['o1', 'o3'])
  })

  test('a message that comes twice in one turn counts once', () => {
    const turn = new DeskTurn([row(3)], [])
    turn.decide(reserve('o', ['a', 2]))
    expect(turn.decide(reserve('o', ['a', 2]))).toMatchObject({ outcome: 'reserved' })
    turn.decide(of('take', 'o'))
    turn.decide(of('take', 'o'))
    const { moved, movements, opened } = turn.changes()
    expect(moved).toMatchObject([row(-2, 0)])
    expect(movements.map((m) => m.kind)).toEqual(['reserved', 'sold'])
    expect(opened).toMatchObject([{ status: 'taken' }])
  })

  test('a release refuses the reserve that comes after it, of that attempt only', () => {
    const turn = new DeskTurn([row(3)], [])
    expect(turn.decide(of('release', 'o'))).toEqual({ outcome: 'released' })
    expect(turn.decide(reserve('o', ['a', 1]))).toEqual({ outcome: 'refused', lines: [] })
    expect(turn.decide({ ...reserve('o', ['a', 1]), attempt: 2 })).toMatchObject({ outcome: 'reserved' })
    expect(turn.decide(of('release', 'o', 2))).toEqual({ outcome: 'released' })
    expect(turn.changes().moved).toMatchObject([])
  })

  test('what was taken is not released, what was released is not taken', () => {
    const turn = new DeskTurn([row(3)], [taken(1)])
    expect(turn.decide(of('release', 'o'))).toEqual({ outcome: 'taken' })
    turn.decide(of('release', 'p'))
    expect(refusal(() => turn.decide(of('take', 'p')))).toBe('invalid-transition')
    expect(refusal(() => turn.decide(of('take', 'never')))).toBe('invalid-transition')
    expect(turn.changes().movements).toEqual([])
  })

  test('sold units come back once, and no more than were sold', () => {
    const turn = new DeskTurn([row(0)], [taken(5)])
    const restock = (operationId: string, quantity?: number) => turn.decide({ kind: 'restock', orderId: 'o', warehouseId: 'w', operationId, ...(quantity ? { lines: [{ offerId: 'a', quantity }] } : {}) })
    expect(restock('r1', 2)).toEqual({ lines: [{ offerId: 'a', quantity: 2 }] })
    expect(restock('r1', 2)).toEqual({ lines: [{ offerId: 'a', quantity: 2 }] })
    expect(refusal(() => restock('r2', 4))).toBe('invalid-transition')
    expect(restock('r3')).toEqual({ lines: [{ offerId: 'a', quantity: 3 }] })
    expect(restock('r4')).toEqual({ lines: [] })
    expect(turn.changes().moved).toMatchObject([row(5, 0)])
  })

  test('a count below what is promised is refused', () => {
    const turn = new DeskTurn([row(5, 3)], [])
    const set = (change: { onHand?: number; delta?: number }) => turn.decide({ kind: 'set', offerId: 'a', warehouseId: 'w', operationId: 'x', ...change })
    expect(refusal(() => set({ onHand: 2 }))).toBe('validation-failed')
    expect(refusal(() => set({ delta: -3 }))).toBe('validation-failed')
    expect(set({ delta: -2 })).toEqual({ onHand: 3, reserved: 3, available: 0 })
    expect(set({ onHand: 1_000_000 })).toMatchObject({ available: 999_997 })
    expect(refusal(() => set({ delta: 1 }))).toBe('validation-failed')
  })

  test('only a crossed border is told', () => {
    const turn = new DeskTurn([row(8), row(2, 0, 'b'), row(6, 0, 'c')], [])
    turn.decide(reserve('o', ['a', 1], ['b', 2], ['c', 1]))
    expect(turn.changes().crossed.map(({ row: { offerId }, availability }) => [offerId, availability])).toEqual([['b', 'out_of_stock'], ['c', 'low_stock']])
    turn.decide(of('release', 'o'))
    expect(turn.changes().crossed).toEqual([])
  })
})
