import type { CpuTimes } from '../bench/load/cpu.ts'
import type { Measured } from '../bench/load/drive.ts'
import type { Setting } from '../bench/machine.ts'
import { columnsOf, errorsOf, short } from '../bench/report.ts'
import type { LoadFigures } from './load.ts'
import type { Check } from './mix.ts'

export interface LoadReport extends Setting, LoadFigures {
  format: 1
  mix: string
  doc: string
  options: { rate: number; seconds: number; warmUp: number; shop: string }
  /** All transactions together that went right, and wrong. */
  operations: number
  failed: number
  /** Milliseconds of CPU for each transaction that went right, by process; empty where the processes are not known. */
  cpu: CpuTimes
  checks: Check[]
  /** Of the audit behind the run, in words. */
  violations: string[]
  /** Why the books were not audited; null: they were. */
  notAudited: string | null
  /** What makes the figures void, in words; nothing: they stand. */
  wrong: string[]
}

const failedOf = ({ errors }: Measured): number => Object.values(errors).reduce((sum, count) => sum + count, 0)

/** All transactions together: gone right, gone wrong. */
export function countsOf({ transactions }: Pick<LoadFigures, 'transactions'>): { operations: number; failed: number } {
  return { operations: transactions.reduce((sum, { measured }) => sum + measured.operations, 0), failed: transactions.reduce((sum, { measured }) => sum + failedOf(measured), 0) }
}

/** What makes the figures void. */
export const wrongOf = ({ checks, violations, operations }: Pick<LoadReport, 'checks' | 'violations' | 'operations'>): string[] => [
  ...(operations === 0 ? ['nothing went right'] : []),
  ...checks.filter(({ wrong }) => wrong > 0).map(({ name, wrong, looked, examples }) => `${name}: ${wrong.toLocaleString('en')} of ${looked.toLocaleString('en')} wrong, e.g. ${examples[0]}`),
  ...violations
]

/** What happens once in the life of a shop, and only while it is fresh: the engine of analytics is installed. */
const isOnce = (process: string): boolean => process.startsWith('npm')

/** The CPU of what is loaded, without that of the load itself and of what happens once. */
export const shopsCpu = (cpu: CpuTimes): number => Object.entries(cpu).reduce((sum, [process, ms]) => (process === 'load' || isOnce(process) ? sum : sum + ms), 0)

export const outcomesOf = (outcomes: Readonly<Record<string, number>>): string => Object.entries(outcomes).map(([name, count]) => `${count.toLocaleString('en')} ${name}`).join(', ')

const timesOf = ({ latency: { p50, p95, p99, p999, max } }: Measured): string[] => [p50, p95, p99, p999, max].map(short)

const verdictOf = ({ looked, wrong }: Check): string => (looked === 0 ? '– not looked at' : wrong === 0 ? '✓ holds' : '✗ broken')

/** One line for each check: its verdict and what it was seen by. */
export const checkLine = (check: Check): string => `${verdictOf(check)}: ${check.name} (${check.looked.toLocaleString('en')} looked at, ${check.wrong.toLocaleString('en')} wrong; ${check.evidence})`

/** The report as tables for terminals. */
export function tablesOf(report: LoadReport): string {
  const { transactions, steps, cpu, operations, failed, seconds, lateMs, options, checks, wrong, notAudited } = report
  const rows = transactions.map(({ name, measured, outcomes }) => [`  ${name}`, measured.operations.toLocaleString('en'), short(measured.rate), ...timesOf(measured), [errorsOf(measured) || 'none', outcomesOf(outcomes)].filter(Boolean).join('; ')])
  const stepRows = steps.map(({ name, measured }) => [`  ${name}`, measured.operations.toLocaleString('en'), short(measured.rate), ...timesOf(measured), errorsOf(measured) || 'none'])
  const spent = Object.entries(cpu).sort(([, a], [, b]) => b - a).filter(([, ms]) => ms >= 0.005).map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
  return [
    `${report.mix}: ${report.doc}`,
    `${operations.toLocaleString('en')} transactions went right, ${failed.toLocaleString('en')} wrong in ${seconds.toFixed(1)} s: ${short(operations / seconds)}/s of ${short(options.rate)}/s that came${lateMs > 5 ? `; the load itself was late by ${short(lateMs)} ms (p99), which the times include` : ''}`,
    '', columnsOf([['  transaction', 'right', '/s', 'p50', 'p95', 'p99', 'p99.9', 'max ms', 'errors; other ends'], ...rows]),
    '', columnsOf([['  step', 'right', '/s', 'p50', 'p95', 'p99', 'p99.9', 'max ms', 'errors'], ...stepRows]),
    '', shopsCpu(cpu) > 0 ? `CPU ms per transaction: ${short(shopsCpu(cpu))} (${spent.join(', ')})` : 'CPU is not known: name the nodes by --data-dir.',
    ...(checks.length > 0 ? ['', ...checks.map(checkLine)] : []),
    '', ...(wrong.length > 0 ? ['VOID, for something is wrong:', ...wrong.map((text) => `  ${text}`)] : [notAudited === null ? 'The audit found no violation.' : `Not audited: ${notAudited}.`])
  ].join('\n')
}
