import { describe, expect, test } from '@jest/globals'
import { randomOf } from '../../bench/load/random.ts'
import { judge, type Sample, type Verdict, type Watch } from '../../soak/series.ts'
import { trendOf, type Point } from '../../soak/trend.ts'

const random = randomOf(11)
const series = (valueAt: (t: number) => number, seconds = 600): Point[] => Array.from({ length: seconds / 2 }, (_, i) => [i * 2, valueAt(i * 2)])

const watch: Watch = { group: 'memory', title: 'Memory', unit: 'MiB', of: 'least', parts: ['fire', 'peace'], allowed: { atLeast: 10, share: 0.05 }, fills: 20 }
const judged = (valueAt: (t: number) => number, change: Partial<Watch> = {}): Verdict['verdict'][] => {
  const samples: Sample[] = series(valueAt, 1_200).map(([seconds, value]) => ({ seconds, values: { 'memory/node': value } }))
  return judge(samples, 600, 1_200, [{ ...watch, ...change }]).map(({ verdict }) => verdict)
}

/** What a heap looks like: it climbs until garbage is collected. */
const saw = (t: number): number => 40 * ((t % 50) / 50) + random() * 5

describe('a trend', () => {
  test('is the slope of what lies under the noise, wild samples or not', () => {
    const trend = trendOf(series((t) => 100 + t / 60 + random() * 4 + (t % 100 === 0 ? 1_000 : 0)))!
    expect(trend.perHour).toBeGreaterThan(45)
    expect(trend.perHour).toBeLessThan(75)
    expect(trend.p).toBeLessThan(0.01)
  })

  test('is none in noise', () => {
    const trend = trendOf(series(() => 100 + random() * 20))!
    expect(trend.p).toBeGreaterThan(0.01)
    expect(Math.abs(trend.growth)).toBeLessThan(5)
  })

  test('cannot be told from a few samples, nor from a series that never changes', () => {
    expect(trendOf([[0, 1], [1, 2], [2, 3]])).toBeNull()
    expect(trendOf(series(() => 7))).toMatchObject({ level: 7, growth: 0, p: 1 })
  })
})

describe('a verdict', () => {
  test('flat: a saw between two collections of garbage', () => {
    expect(judged((t) => 300 + saw(t))).toEqual(['flat', 'flat'])
  })

  test('growing: a leak under the saw', () => {
    expect(judged((t) => 300 + t / 10 + saw(t))).toEqual(['growing', 'growing'])
  })

  test('growing only in the part in which it grows', () => {
    expect(judged((t) => 300 + Math.min(t, 600) / 10 + saw(t))).toEqual(['growing', 'flat'])
  })

  test('flat: a certain rise that is less than anybody minds', () => {
    expect(judged((t) => 300 + t / 600)).toEqual(['flat', 'flat'])
  })

  test('young, not growing, where peace was too short for the series to be full', () => {
    expect(judged((t) => 300 + t / 10 + saw(t), { parts: ['peace'], fills: 500 })).toEqual(['young'])
    expect(judged((t) => 300 + Math.min(t, 950) / 10 + saw(t), { parts: ['peace'], fills: 330 })).toEqual(['flat'])
  })

  test('disturbed, not growing, where it is of times and others keep the machine busy', () => {
    const samples: Sample[] = series((t) => 20 + t / 10, 1_200).map(([seconds, value]) => ({ seconds, values: { 'latency/order': value, 'machine/others': 60 } }))
    const latency: Watch = { ...watch, group: 'latency', parts: ['peace'], of: 'median', ofMachine: true }
    expect(judge(samples, 600, 1_200, [latency]).map(({ verdict }) => verdict)).toEqual(['disturbed'])
  })
})
