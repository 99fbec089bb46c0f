import { expect, test } from '@jest/globals'
import { SLOTS, SlotTable, slotOf } from '../../../mixins/actor/placement.ts'

const nodes = (n: number): string[] => Array.from({ length: n }, (_, i) => `node-${i}-thread-${i % 3}`)
const ownersOf = (table: SlotTable): (string | null)[] => Array.from({ length: SLOTS }, (_, slot) => table.owner(slot))

test('keys spread evenly over the slots, and slots over the nodes', () => {
  const bySlot = new Array<number>(SLOTS).fill(0)
  for (let i = 0; i < 100_000; i++) bySlot[slotOf('cart', `0190f5e2-7a1b-7${i.toString(16).padStart(3, '0')}`)]!++
  expect(Math.min(...bySlot)).toBeGreaterThan(45)
  expect(Math.max(...bySlot)).toBeLessThan(165)
  for (const n of [2, 5, 9]) {
    const counts = Map.groupBy(ownersOf(new SlotTable(nodes(n))), (owner) => owner)
    expect(counts.size).toBe(n)
    for (const owned of counts.values()) expect(owned.length / (SLOTS / n)).toBeGreaterThan(0.75)
  }
})

test('two types place the same key apart', () => {
  const keys = Array.from({ length: 200 }, (_, i) => `k${i}`)
  expect(keys.filter((key) => slotOf('cart', key) === slotOf('order', key)).length).toBeLessThan(5)
})

test('the owner does not depend on the order in which nodes are known', () => {
  expect(ownersOf(new SlotTable(nodes(7)))).toEqual(ownersOf(new SlotTable(nodes(7).reverse())))
})

test('a node that joins takes its own share and moves nothing else; one that leaves gives its share and moves nothing else', () => {
  for (const n of [1, 2, 3, 4, 8]) {
    const before = ownersOf(new SlotTable(nodes(n)))
    const after = ownersOf(new SlotTable(nodes(n + 1)))
    const moved = before.flatMap((owner, slot) => (owner === after[slot] ? [] : [after[slot]]))
    expect(new Set(moved)).toEqual(new Set([nodes(n + 1).at(-1)]))
    expect(moved.length / SLOTS).toBeLessThan(1.3 / (n + 1))
  }
})

test('without a lost node its slots have the owner they would have if it were gone', () => {
  const table = new SlotTable(nodes(4))
  const gone = new SlotTable(nodes(4).slice(1))
  const lost = new Set([nodes(4)[0]!])
  for (let slot = 0; slot < SLOTS; slot++) expect(table.ownerWithout(slot, lost)).toBe(gone.owner(slot))
  expect(table.ownerWithout(1, new Set(nodes(4)))).toBeNull()
  expect(new SlotTable([]).owner(1)).toBeNull()
})
