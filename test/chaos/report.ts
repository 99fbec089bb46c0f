import type { Setting } from '../bench/machine.ts'
import { settingInWords } from '../bench/machine.ts'
import { columnsOf, short } from '../bench/report.ts'
import type { CartCount } from './cart-count.ts'

/** One fault and what came of it. Seconds are of the whole run where nothing else is said. */
export interface Outcome {
  fault: string
  doc: string
  from: number
  /** When its cause was gone, or needed nobody to be taken away. */
  to: number
  /** From then until somebody who began then had bought something; null: they could not. */
  backSeconds: number | null
  /** From then until the last request that was not answered; 0 when there was none after it. */
  quietSeconds: number
  requests: number
  /** What came instead of an answer and was asked for again, by type. */
  refusals: Record<string, number>
  /** Milliseconds until the final answer, repetitions included, of all requests. */
  latency: { p50: number; p95: number; max: number }
  /** That were acknowledged meanwhile. */
  orders: number
  carts: CartCount
  /** What is wrong, in words. */
  wrong: string[]
}

export interface ChaosReport extends Setting {
  format: 1
  place: string
  rate: number
  keepers: number
  mutant: string | null
  seconds: number
  outcomes: Outcome[]
  /** Requests by second. */
  answered: number[]
  refused: number[]
}

export const isRight = ({ outcomes }: ChaosReport): boolean => outcomes.every(({ wrong }) => wrong.length === 0)

const refusalsOf = ({ refusals }: Outcome): string => Object.entries(refusals).sort(([, a], [, b]) => b - a).map(([type, count]) => `${count} × ${type}`).join(', ') || 'none'

/** The last column of words is not padded. */
export const HEAD = ['fault', 'held s', 'back after s', 'last refusal s', 'requests', 'p50 ms', 'p95 ms', 'max s', 'orders', 'cart adds', 'lost', 'doubled', 'not answered at once']

export const rowOf = (outcome: Outcome): string[] => {
  const { fault, from, to, backSeconds, quietSeconds, requests, latency, orders, carts } = outcome
  return [
    fault, (to - from).toFixed(1), backSeconds === null ? 'never' : backSeconds.toFixed(1), quietSeconds.toFixed(1), String(requests), short(latency.p50), short(latency.p95), (latency.max / 1_000).toFixed(1), String(orders),
    String(carts.acknowledged), carts.lost > 0 ? `${carts.lost} of the last ${Math.ceil(carts.lostWithinMs)} ms` : '0', String(carts.doubled), refusalsOf(outcome)
  ]
}

/** In a sentence what the whole run says. */
export function verdictOf(report: ChaosReport): string {
  const { outcomes } = report
  const wrong = outcomes.filter((o) => o.wrong.length > 0).length
  if (wrong > 0) return `After ${wrong} of ${outcomes.length} something was wrong.`
  const sum = (value: (outcome: Outcome) => number): number => outcomes.reduce((n, o) => n + value(o), 0)
  const lost = sum((o) => o.carts.lost)
  return `After each of ${outcomes.length} the shop was back by itself and every invariant holds: ${sum((o) => o.orders).toLocaleString('en')} acknowledged orders are all there, ` +
    `of ${sum((o) => o.carts.acknowledged).toLocaleString('en')} acknowledged additions to carts ${lost === 0 ? 'none is' : `${lost} that an engine answered in the last ${Math.ceil(Math.max(...outcomes.map((o) => o.carts.lostWithinMs)))} ms before its end are`} lost and none was made twice.`
}

export const linesOf = (outcome: Outcome): string => [`${outcome.fault}: ${outcome.doc}`, columnsOf([HEAD, rowOf(outcome)].map((row) => ['  ', ...row.slice(1)])), ...outcome.wrong.map((text) => `  wrong: ${text}`)].join('\n')

/** The report as Markdown. */
export function markdownOf(report: ChaosReport): string {
  const { outcomes, place, rate, keepers, mutant, seconds } = report
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [
    '# Souk: when things go wrong', '',
    [...settingInWords(report), place, `${rate} visits a second, ${keepers} keepers of carts`, `${(seconds / 60).toFixed(1)} minutes`, ...(mutant ? [`broken on purpose: ${mutant}`] : [])].join(' · '), '',
    verdictOf(report), '',
    line(HEAD), line(HEAD.map((_, i) => (i === 0 || i === HEAD.length - 1 ? '---' : '---:'))), ...outcomes.map((o) => line(rowOf(o))), '',
    ...outcomes.flatMap((o) => o.wrong.map((text) => `* **${o.fault}**: ${text}`)), '',
    ...outcomes.map((o) => `* \`${o.fault}\`: ${o.doc}`), ''
  ].join('\n')
}
