import { describe, expect, test } from '@jest/globals'
import { settingNow } from '../../bench/machine.ts'
import type { Mix } from '../../load/mix.ts'
import type { LoadReport } from '../../load/report.ts'
import { nameOf, readScaling } from '../../load/scaling.ts'
import { costOf, faultsOf, grownOf, scalingPage, scalingTable, type Scaled, type ScalingReport } from '../../load/scaling-report.ts'

const measured = { operations: 100, seconds: 10, rate: 10, latency: { p50: 1, p95: 2, p99: 3, p999: 4, max: 5, curve: [[50, 1], [100, 5]] as [number, number][] }, errors: {} }

/** A size on which a transaction takes so many milliseconds of CPU beside what the shop takes of itself. */
function size(name: string, own: number, idle = 10): Scaled {
  const report: LoadReport = {
    format: 1, ...settingNow(), mix: 'm', doc: 'd', options: { rate: 10, seconds: 10, warmUp: 0, shop: 's' }, seconds: 10, lateMs: 0, samples: [], operations: 100, failed: 0,
    transactions: [{ name: 't', doc: 'd', measured, outcomes: {} }], steps: [], cpu: { 'node web': own, postgres: idle / 10, load: 9, 'npm install': 7 }, checks: [], violations: [], notAudited: null, wrong: []
  }
  return { name, idle, report }
}

const reportOf = (...sizes: Scaled[]): ScalingReport => ({ format: 1, ...settingNow(), mix: 'm', options: { rate: 10, seconds: 10, stack: false }, sizes })

describe('what a transaction costs', () => {
  test('is without the load itself, and apart from what the shop takes of itself', () => {
    const { all, own } = costOf(size('1 node', 5, 20))
    expect([all, own]).toEqual([7, 5])
  })

  test('has grown when it is more than two runs of the same differ by', () => {
    const sizes = [size('1 node', 5), size('2 nodes', 6, 20), size('3 nodes', 6.5, 30)]
    expect(grownOf(sizes)).toEqual(['a transaction costs ×1.30 on 3 nodes, beside 1 node'])
    expect(scalingTable(reportOf(...sizes))).toMatch(/2 nodes .*×1\.20[^]*3 nodes .*×1\.30[^]*costs ×1\.30 on 3 nodes/)
    const good = reportOf(size('1 node', 5), size('3 nodes', 4.8, 30))
    expect(scalingTable(good)).toMatch('does not grow from 1 node to 3 nodes')
    expect(scalingPage(good)).not.toMatch(/NaN|undefined|Infinity/)
  })
})

test('of a size that did not keep up with the load no cost is told', () => {
  const overloaded = size('3 nodes', 900)
  const sizes = [size('1 node', 5), { ...overloaded, report: { ...overloaded.report, operations: 0, failed: 100, wrong: ['nothing went right'] } }]
  expect(grownOf(sizes)).toEqual([])
  expect(faultsOf(sizes)).toEqual([expect.stringMatching(/^3 nodes: 0 of 100 went right/), '3 nodes: nothing went right'])
  expect(scalingTable(reportOf(...sizes))).toMatch(/3 nodes .* overloaded /)
  expect(scalingPage(reportOf(...sizes))).not.toMatch(/NaN|undefined|Infinity/)
})

describe('the command line of scaling', () => {
  const mixes = [{ name: 'checkout', rate: 40 }, { name: 'flash-sale', rate: 60, once: true }] as unknown as Mix[]
  const sizesOf = (...args: string[]): string[] => {
    const read = readScaling(args, mixes)
    return 'print' in read ? [] : read.sizes.map(nameOf)
  }

  test('takes threads of one shop, or nodes on the stack', () => {
    expect(sizesOf()).toEqual(['1 thread', '2 threads', '4 threads'])
    expect(sizesOf('--stack')).toEqual(['1 node', '2 nodes', '3 nodes'])
    expect(sizesOf('--stack', '--threads', '1,3')).toEqual(['1 thread', '3 threads'])
    expect(sizesOf('--stack', '--nodes', '2')).toEqual(['2 nodes'])
  })

  test.each([
    [['--nodes', '1,2'], /--nodes wants --stack/],
    [['--stack', '--nodes', '1', '--threads', '1'], /one thing at a time/],
    [['--mix', 'flash-sale'], /there is no mix "flash-sale" that can be run again and again: choose of checkout/],
    [['--threads', 'many'], /--threads wants a number above 0/],
    [['browse'], /no further words/]
  ])('refuses %j in a line', (args, message) => {
    expect(() => readScaling(args, mixes)).toThrow(message)
  })
})
