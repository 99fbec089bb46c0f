import { describe, expect, test } from '@jest/globals'
import { periodOf } from '../../../services/analytics/analytics.ts'

const now = Date.parse('2026-11-24T10:00:00Z')

describe('period of a report', () => {
  test('is the last thirty days unless told', () => {
    expect(periodOf({}, now)).toEqual({ from: '2026-10-26', to: '2026-11-24' })
    expect(periodOf({ to: '2026-03-01' }, now)).toEqual({ from: '2026-01-31', to: '2026-03-01' })
    expect(periodOf({ from: '2026-11-20' }, now)).toEqual({ from: '2026-11-20', to: '2026-11-24' })
  })

  test('takes both ends, and a leap year whole', () => {
    expect(periodOf({ from: '2026-11-24', to: '2026-11-24' }, now)).toEqual({ from: '2026-11-24', to: '2026-11-24' })
    expect(periodOf({ from: '2028-01-01', to: '2028-12-31' }, now)).toEqual({ from: '2028-01-01', to: '2028-12-31' })
  })

  test.each([
    [{ from: '2026-02-30' }],
    [{ to: '2026-13-01' }],
    [{ from: '2026-11-25', to: '2026-11-24' }],
    [{ from: '2026-11-25' }],
    [{ from: '2025-11-23', to: '2026-11-24' }]
  ])('refuses %j', (period) => {
    expect(() => periodOf(period, now)).toThrow(expect.objectContaining({ type: 'validation-failed', code: 422 }))
  })
})
