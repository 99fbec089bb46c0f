import type { Setting } from '../bench/machine.ts'
import { short } from '../bench/report.ts'
import type { Tally } from './client.ts'
import type { TableRows } from './look.ts'
import { BUSY, type Sample, type Verdict } from './series.ts'

/** A thread that was made to die, and when it served again. */
export interface Death {
  seconds: number
  thread: string
}

export interface TableGrowth {
  table: string
  from: number
  to: number
  perOrder: number
  mib: number
}

export interface SoakReport extends Setting {
  format: 1
  options: { minutes: number; rate: number; deaths: number; products: number | null; url: string | null }
  /** Seconds from the start of the trade to its end, and to the moment from which no thread died. */
  seconds: number
  turn: number
  visits: number
  requests: number
  orders: number
  samples: Sample[]
  deaths: Death[]
  latencies: ReturnType<Tally['summary']>
  outcomes: Tally['outcomes']
  /** What came instead of a final answer, and was asked for again: by part, by type. */
  misses: { fire: Record<string, number>; peace: Record<string, number> }
  /** Visits that could not be ended, by why. */
  broken: Record<string, number>
  tables: TableGrowth[]
  verdicts: Verdict[]
  /** Of the audit; acknowledged orders that are lost are among them. */
  violations: string[]
  /** Percent of the machine that others took in peace, mostly. */
  others: number
  /** What is wrong, in words; nothing: the soak is passed. */
  wrong: string[]
}

const PER_HOUR_MIN = 0.005

/** Rows that came to be while the shop traded, the most first. */
export function tableGrowth(before: TableRows, after: TableRows, orders: number): TableGrowth[] {
  return Object.entries(after)
    .map(([table, { rows, mib }]) => ({ table, from: before[table]?.rows ?? 0, to: rows, perOrder: (rows - (before[table]?.rows ?? 0)) / Math.max(1, orders), mib: mib - (before[table]?.mib ?? 0) }))
    .filter(({ from, to, mib }) => to !== from || mib >= 0.1)
    .sort((a, b) => b.to - b.from - (a.to - a.from))
}

export const growthInWords = ({ trend }: Verdict): string => (Math.abs(trend.perHour) < PER_HOUR_MIN ? '0' : `${trend.perHour > 0 ? '+' : '−'}${short(Math.abs(trend.perHour))}/h`)

/** Everything but the figures that must hold. */
export function wrongOf({ verdicts, violations, misses, broken, orders, others }: Pick<SoakReport, 'verdicts' | 'violations' | 'misses' | 'broken' | 'orders' | 'others'>): string[] {
  const growing = verdicts.filter(({ verdict }) => verdict === 'growing').map((v) => `${v.series} grows ${v.part === 'fire' ? 'while threads die' : 'in peace'}: ${growthInWords(v)}, level ${short(v.trend.level)}`)
  // On a machine that is in others' hands a request may wait for minutes.
  const refused = (others > BUSY ? [] : Object.entries(misses.peace)).map(([type, count]) => `no final answer in peace: ${type}, ${count} times`)
  return [...growing, ...violations, ...refused, ...Object.entries(broken).map(([why, count]) => `a visit ended early, ${count} times: ${why}`), ...(orders === 0 ? ['nobody bought anything'] : [])]
}

/** Rows in columns: the first is for words, the others for numbers. */
const columns = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd()).join('\n')
}

const TABLES_SHOWN = 12

/** The report as tables for terminals. */
export function tablesOf(report: SoakReport): string {
  const { verdicts, latencies, tables, wrong, visits, requests, orders, deaths, seconds, others } = report
  const judged = verdicts.map((v) => [`  ${v.series}`, v.part, short(v.trend.level), growthInWords(v), `${v.trend.growth >= 0 ? '' : '−'}${short(Math.abs(v.trend.growth))}`, short(v.allowed), v.verdict])
  const times = Object.entries(latencies).sort(([, a], [, b]) => b.count - a.count).map(([kind, { count, p50, p95, p99, max }]) => [`  ${kind}`, String(count), ...[p50, p95, p99, max].map(short)])
  return [
    `${visits.toLocaleString('en')} visits, ${requests.toLocaleString('en')} requests, ${orders.toLocaleString('en')} orders in ${(seconds / 60).toFixed(1)} minutes; ${deaths.length} threads died`,
    '', columns([['  what', 'part', 'level', 'slope', 'growth', 'allowed', 'verdict'], ...judged]),
    '', columns([['  operation', 'asked', 'p50', 'p95', 'p99', 'max ms'], ...times]),
    '', columns([['  rows', 'before', 'after', 'an order', 'MiB'], ...tables.slice(0, TABLES_SHOWN).map((t) => [`  ${t.table}`, t.from.toLocaleString('en'), t.to.toLocaleString('en'), short(t.perOrder), short(t.mib)])]),
    '', ...(others > BUSY ? [`Others took ${Math.round(others)} % of the machine: what rises with what waits is called disturbed, and proves nothing.`] : []),
    ...(wrong.length === 0 ? ['Nothing grows, no acknowledged order is lost, every invariant holds.'] : wrong.map((text) => `wrong: ${text}`))
  ].join('\n')
}
