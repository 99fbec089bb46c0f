import { colorOf, cpuChart, escape, htmlTable, latencyChart, legendOf, STYLE, type Line } from '../bench/charts.ts'
import { settingInWords, type Setting } from '../bench/machine.ts'
import { columnsOf, short } from '../bench/report.ts'
import { shopsCpu, type LoadReport } from './report.ts'

/** The load on one size. */
export interface Scaled {
  name: string
  /** Milliseconds of CPU a second that the shop takes of itself. */
  idle: number
  /** Its CPU by kind of thread. */
  report: LoadReport
}

export interface ScalingReport extends Setting {
  format: 1
  mix: string
  options: { rate: number; seconds: number; stack: boolean }
  sizes: Scaled[]
}

/** Milliseconds of CPU a transaction costs the shop: all of it, and without what the shop takes of itself. */
export function costOf({ idle, report }: Pick<Scaled, 'idle' | 'report'>): { all: number; own: number } {
  const all = shopsCpu(report.cpu)
  return { all, own: all - (idle * report.seconds) / Math.max(1, report.operations) }
}

/** More than this, beside the first size, is growth: less is what two runs of the same differ by. */
export const GROWTH_ALLOWED = 1.25

/** Of what came, so much must go right, or the size was overloaded: what a transaction then costs says nothing. */
const KEPT_UP = 0.95

/** Sizes that did not keep up with the load, in words. */
export const overloadedOf = (sizes: readonly Scaled[]): string[] =>
  sizes.filter((one) => !keptUp(one)).map(({ name, report: { operations, failed } }) => `${name}: ${operations.toLocaleString('en')} of ${(operations + failed).toLocaleString('en')} went right, so what each costs says nothing: let fewer come (--rate)`)

const keptUp = ({ report: { operations, failed } }: Scaled): boolean => operations > 0 && operations / (operations + failed) >= KEPT_UP

/** Sizes on which a transaction costs more than is allowed, in words. */
export function grownOf(sizes: readonly Scaled[]): string[] {
  const [first, ...others] = sizes.filter(keptUp)
  return others.flatMap((one) => {
    const ratio = costOf(one).own / costOf(first!).own
    return ratio > GROWTH_ALLOWED ? [`a transaction costs ×${ratio.toFixed(2)} on ${one.name}, beside ${first!.name}`] : []
  })
}

/** Everything that keeps a run from passing. */
export const faultsOf = (sizes: readonly Scaled[]): string[] => [...grownOf(sizes), ...overloadedOf(sizes), ...sizes.flatMap(({ name, report }) => report.wrong.map((what) => `${name}: ${what}`))]

function rowsOf({ sizes }: ScalingReport): string[][] {
  const [first] = sizes.filter(keptUp)
  return sizes.map((one) => {
    const { report, idle, name } = one
    const slowest = report.transactions.reduce((a, b) => (b.measured.operations > a.measured.operations ? b : a)).measured.latency
    const cost = keptUp(one) ? costOf(one) : null
    const parts = Object.entries(report.cpu).filter(([part, ms]) => part !== 'load' && ms >= 0.005).sort(([, a], [, b]) => b - a).map(([part, ms]) => `${part} ${short(ms)}`)
    return [name, short(report.operations / report.seconds), short(slowest.p50), short(slowest.p99), ...(cost ? [short(cost.all), short(cost.own), `×${(cost.own / costOf(first!).own).toFixed(2)}`] : ['–', '–', 'overloaded']), short(idle), parts.join(', ')]
  })
}

const HEAD = ['', 'right/s', 'p50', 'p99 ms', 'CPU ms each', 'without idle', 'beside first', 'idle CPU ms/s', 'CPU ms of a transaction, by threads and processes']

/** What is to be said of the whole, in sentences. */
function verdictOf({ sizes }: ScalingReport): string[] {
  const faults = faultsOf(sizes)
  return faults.length > 0 ? faults : [`What a transaction costs does not grow from ${sizes[0]!.name} to ${sizes.at(-1)!.name} (by ${Math.round((GROWTH_ALLOWED - 1) * 100)} % at most, which is what two runs differ by).`]
}

export const scalingTable = (report: ScalingReport): string =>
  [`${report.mix}, ${short(report.options.rate)} a second on each size`, columnsOf([HEAD, ...rowsOf(report)]), '', ...verdictOf(report)].join('\n')

/** The report as a page of HTML without anything from outside. */
export function scalingPage(report: ScalingReport): string {
  const { mix, options, sizes } = report
  const facts = [...settingInWords(report), `${mix}, ${short(options.rate)} transactions a second for ${options.seconds} s on each size`, options.stack ? 'on the stack' : 'on a fresh shop each']
  const lines = sizes.map(({ name, report: one }, i): Line => ({ name, color: colorOf(i), points: one.transactions.reduce((a, b) => (b.measured.operations > a.measured.operations ? b : a)).measured.latency.curve }))
  const isRight = faultsOf(sizes).length === 0
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Souk: scaling ${escape(report.at.slice(0, 16))}</title><style>${STYLE}.passed{color:#15803d}td:first-child{white-space:nowrap}</style>
<h1>Souk: what a transaction costs</h1><p>${facts.map(escape).join(' · ')}</p>${verdictOf(report).map((sentence) => `<p class="${isRight ? 'passed' : 'violation'}">${escape(sentence)}</p>`).join('')}
<div class="charts"><figure><h4>CPU per transaction</h4>${cpuChart(sizes.map(({ name, report: { cpu: { load: _load, ...cpu } } }) => ({ label: name, cpu })))}</figure>
<figure><h4>Latency of the most frequent transaction</h4>${latencyChart(lines)}${legendOf(lines)}</figure></div>
${htmlTable(HEAD, rowsOf(report), [8])}
<p>Without idle: what the shop takes of itself (heartbeats, looks for work) is measured behind the load and taken off, for it comes with each node and not with each transaction.</p></html>
`
}
