import { columnsOf, short, type Comparison, type Report } from './report.ts'

/** Less than this is not told from noise by one run of each. */
const NOISE = 0.1

const cpuSum = ({ shop }: Comparison): number => Object.entries(shop.cpu).reduce((sum, [name, ms]) => (name === 'bench' ? sum : sum + ms), 0)

/** From one value to another, with the change in percent; marked when it is more than noise. */
function change(from: number, to: number, moreIsBetter: boolean): string {
  if (from === 0 || to === 0) return `${short(from)} → ${short(to)}`
  const share = to / from - 1
  const mark = Math.abs(share) < NOISE ? '' : share > 0 === moreIsBetter ? ' better' : ' worse'
  return `${short(from)} → ${short(to)} (${share > 0 ? '+' : ''}${Math.round(share * 100)} %${mark})`
}

const describe = ({ at, commit, machine }: Report): string => `${at.slice(0, 16)} ${commit ?? ''} ${machine.cpus} × ${machine.model}, load ${machine.load.toFixed(1)}`

/**
 * What changed from run `a` to run `b`, scenario by scenario. `to reference` is the rate through that of the reference in the same
 * run: where it stands still and the rate moves, the machine was another, or busy. Changes below 10 % are left unmarked.
 */
export function compareReports(a: Report, b: Report): string {
  const rows = [['', 'rate/s', 'to reference', 'p50 ms', 'p99 ms', 'CPU ms per operation', 'errors']]
  for (const after of b.results) {
    const before = a.results.find(({ scenario }) => scenario === after.scenario)
    if (!before) continue
    for (const y of after.comparisons) {
      const x = before.comparisons.find(({ load }) => load === y.load)
      if (!x) continue
      const errors = (c: Comparison): number => Object.values(c.shop.errors).reduce((sum, n) => sum + n, 0)
      const name = `${after.scenario}, ${y.load}${before.void || after.void ? ' VOID' : ''}`
      rows.push([
        name, change(x.shop.rate, y.shop.rate, true), change(x.ratio.rate, y.ratio.rate, true), change(x.shop.latency.p50, y.shop.latency.p50, false),
        change(x.shop.latency.p99, y.shop.latency.p99, false), change(cpuSum(x), cpuSum(y), false), `${errors(x)} → ${errors(y)}`
      ])
    }
  }
  const imports = a.import && b.import ? [`import: ${change(a.import.perSecond, b.import.perSecond, true)} products/s, memory ${change(a.import.memory?.peak ?? 0, b.import.memory?.peak ?? 0, false)} MiB`] : []
  const idle = a.idleMemory && b.idleMemory ? [`idle-memory: ${change(a.idleMemory.shop.mib, b.idleMemory.shop.mib, false)} MiB`] : []
  return [`A  ${describe(a)}`, `B  ${describe(b)}`, '', columnsOf(rows), ...imports, ...idle].join('\n')
}
