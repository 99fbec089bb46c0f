import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { planReports } from '../../../services/carrier/carrier.ts'

const created = Date.parse('2026-01-01T00:00:00Z')

describe('the way of a parcel', () => {
  test('is the same whenever it is asked for', () => {
    expect(planReports('parcel', created, 30_000)).toEqual(planReports('parcel', created, 30_000))
  })

  test('begins no earlier than it must, goes from stop to stop, and is reported no earlier than it happens', () => {
    for (let i = 0; i < 500; i++) {
      const reports = planReports(randomUUID(), created, 30_000)
      const stops = reports.slice(0, 4)
      expect(stops.map((r) => r.status)).toEqual(['picked_up', 'in_transit', 'out_for_delivery', 'delivered'])
      expect(stops.map((r) => r.at)).toEqual(stops.map((r) => r.at).toSorted())
      for (const r of reports) {
        expect(Date.parse(r.at)).toBeGreaterThanOrEqual(created + 30_000)
        expect(r.due >= r.at).toBe(true)
        expect(stops.some((s) => s.status === r.status && s.at === r.at)).toBe(true)
      }
    }
  })

  test('is sometimes reported late, sometimes twice', () => {
    const plans = Array.from({ length: 200 }, () => planReports(randomUUID(), created, 30_000))
    const late = plans.filter(([first, second]) => first!.due > second!.due).length
    const twice = plans.filter((reports) => reports.length > 4).length
    for (const count of [late, twice]) {
      expect(count).toBeGreaterThan(10)
      expect(count).toBeLessThan(120)
    }
  })

  test('takes no time when there is no delay', () => {
    for (const r of planReports('parcel', created, 0)) expect(Date.parse(r.at)).toBe(created)
  })
})
