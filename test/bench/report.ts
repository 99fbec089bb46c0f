import type { Measured } from './load/drive.ts'
import type { CpuTimes } from './load/cpu.ts'
import type { Setting } from './machine.ts'
import type { Startup } from './shop.ts'

/** One side, measured. */
export interface Figure extends Measured {
  what: string
  /** Milliseconds of CPU for each operation, by process. */
  cpu: CpuTimes
}

/** The shop beside its reference under one kind of load. */
export interface Comparison {
  load: 'closed' | 'open'
  shop: Figure
  reference: Figure
  /** Shop through reference: 1 is as good, for `rate` more is better, for the others less. */
  ratio: { rate: number; p50: number; p99: number }
}

export interface Result {
  scenario: string
  doc: string
  comparisons: Comparison[]
  /** What was found wrong; then the figures are void. */
  violations: string[]
  void: boolean
}

/** How the catalogue got in. */
export interface ImportResult extends Startup {
  perSecond: number
  reference: { what: string; seconds: number }
}

/** In MiB: node's processes as the system counts them (RSS), PostgreSQL's with their share of what they share (PSS). */
export interface Memory {
  parts: Record<string, number>
  mib: number
  /** ClickHouse's, once it is started; not in the sum. */
  apartMib: number
}

/** What a shop takes that nobody asks anything of. */
export interface IdleMemory {
  when: string
  shop: Memory
  reference: Memory & { what: string }
}

export interface Report extends Setting {
  format: 1
  options: { seconds: number; rate: number | null; products: number | null; url: string | null }
  /** Null unless it was among the scenarios and the shop was fresh. */
  import: ImportResult | null
  /** Null unless it was among the scenarios; absent in older reports. */
  idleMemory?: IdleMemory | null
  results: Result[]
  /** Scenarios that were left out, and why. */
  skipped: Record<string, string>
  /** Scenarios that could not be run to their end, and why. */
  failed: Record<string, string>
  /** Whether the books were looked at. */
  audited: boolean
}

export const ratioOf = (shop: Measured, reference: Measured): Comparison['ratio'] => {
  const through = (a: number, b: number): number => (b > 0 ? a / b : 0)
  return { rate: through(shop.rate, reference.rate), p50: through(shop.latency.p50, reference.latency.p50), p99: through(shop.latency.p99, reference.latency.p99) }
}

/** Number with as many digits as say something. */
export const short = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value >= 10 ? value.toFixed(1) : value.toFixed(2))

export const errorsOf = ({ errors }: Measured): string => Object.entries(errors).map(([type, count]) => `${count} ${type}`).join(', ')

export const cpuOf = ({ cpu }: Figure): string =>
  Object.entries(cpu)
    .filter(([, ms]) => ms >= 0.005)
    .map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
    .join(', ')

const HEAD = ['', 'rate/s', 'p50', 'p95', 'p99', 'p99.9 ms', 'ratio', 'errors', 'CPU ms per operation']

function rowOf(name: string, { latency, rate, ...rest }: Figure, ratio: string): string[] {
  const figure = { latency, rate, ...rest }
  const { p50, p95, p99, p999 } = latency
  const late = figure.offered && figure.offered.lateMs > 5 ? `, load late by ${short(figure.offered.lateMs)} ms` : ''
  return [name, short(rate), short(p50), short(p95), short(p99), short(p999), ratio, (errorsOf(figure) || 'none') + (figure.ranOut ? ' (ran out)' : '') + late, cpuOf(figure)]
}

/** Rows of text under a head, in columns. */
export function columnsOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row) => row.map((cell, i) => (i === 0 || i >= 7 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd()).join('\n')
}

/** A scenario's figures as a table for terminals. */
export function tableOf({ scenario, doc, comparisons, violations, void: isVoid }: Result): string {
  const rows = comparisons.flatMap(({ load, shop, reference, ratio }) => {
    const name = load === 'closed' ? 'closed loop' : `open, ${short(shop.offered!.rate)}/s`
    const times = load === 'closed' ? `×${ratio.rate.toFixed(2)}` : `p50 ×${short(ratio.p50)}`
    return [rowOf(`  ${name}`, shop, times), rowOf(`    ${reference.what}`, reference, '')]
  })
  return [`${scenario}${isVoid ? '   VOID' : ''}: ${doc}`, columnsOf([HEAD, ...rows]), ...violations.slice(0, 10).map((text) => `  violation: ${text}`)].join('\n')
}

export const importLine = ({ products, seconds, perSecond, memory, reference }: ImportResult): string =>
  `import: a fresh shop with ${products.toLocaleString('en')} products serves, and finds them all, after ${seconds.toFixed(1)} s (${short(perSecond)}/s)` +
  `${memory ? `, node's memory at most ${Math.round(memory.peak)} MiB` : ''}; ${reference.what}: ${reference.seconds.toFixed(2)} s`

const memoryInWords = ({ parts, mib }: Memory): string => `${Math.round(mib)} MiB (${Object.entries(parts).map(([name, part]) => `${name} ${Math.round(part)}`).join(', ')})`

export const idleMemoryLine = ({ when, shop, reference }: IdleMemory): string =>
  `idle-memory: the shop takes ${memoryInWords(shop)} ${when}${shop.apartMib > 0 ? `, and ClickHouse's engine ${Math.round(shop.apartMib)} MiB` : ''}; ${reference.what}: ${memoryInWords(reference)}`
