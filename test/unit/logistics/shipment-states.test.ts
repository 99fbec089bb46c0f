import { describe, expect, test } from '@jest/globals'
import { SHIPMENT_STATUSES, type ShipmentStatus } from '../../../services/logistics/logistics.contract.ts'
import { maySee, moves } from '../../../services/logistics/logistics.ts'
import type { Caller, Role } from '../../../mixins/runtime/service.ts'

const final = (reports: { status: ShipmentStatus }[]): ShipmentStatus => moves('created', reports).at(-1)?.status ?? 'created'
const shuffled = <T>(list: readonly T[]): T[] => list.map((v) => ({ v, k: Math.random() })).sort((a, b) => a.k - b.k).map(({ v }) => v)

describe('a parcel', () => {
  test('ends where its reports put it, in whatever order and however often they arrive', () => {
    for (let round = 0; round < 500; round++) {
      const some = SHIPMENT_STATUSES.filter((s) => s !== 'created' && Math.random() < 0.5).map((status) => ({ status }))
      const once = final(shuffled(some))
      const twice = final(shuffled([...some, ...some]))
      expect(twice).toBe(once)
    }
  })

  test('never moves back: what it was is not what a late report says', () => {
    expect(moves('delivered', [{ status: 'picked_up' }, { status: 'in_transit' }, { status: 'lost' }])).toEqual([])
    expect(moves('created', [{ status: 'in_transit' }, { status: 'picked_up' }, { status: 'delivered' }]).map((m) => m.status)).toEqual(['in_transit', 'delivered'])
    expect(final([{ status: 'lost' }, { status: 'delivered' }])).toBe('delivered')
  })

  test('is seen by its buyer, its seller, carriers and administrators', () => {
    const record = { buyerId: 'buyer', sellerId: 'seller' }
    const user = (userId: string, ...roles: Role[]): Caller => ({ kind: 'user', userId, sessionId: 's', roles, site: 'local' })
    expect(maySee(user('buyer', 'shopper'), null, record)).toBe(true)
    expect(maySee(user('x', 'shopper', 'seller'), 'seller', record)).toBe(true)
    expect(maySee(user('x', 'shopper', 'seller'), 'other', record)).toBe(false)
    expect(maySee(user('x', 'carrier'), null, record)).toBe(true)
    expect(maySee(user('x', 'admin'), null, record)).toBe(true)
    expect(maySee(user('x', 'shopper'), null, record)).toBe(false)
    expect(maySee({ kind: 'anonymous' }, null, record)).toBe(false)
    expect(maySee(undefined, null, record)).toBe(false)
  })
})
