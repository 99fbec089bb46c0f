import { settingInWords, type Setting } from '../machine.ts'
import { escape, STYLE } from '../charts.ts'
import { short } from '../report.ts'
import type { Figure } from './measure.ts'

export interface GrowthRow {
  operation: string
  small: Figure
  large: Figure
  /** Large through small. */
  factor: { cpu: number; p50: number; answer: number }
  /** `unclear`: noise was more than what one of the sizes took. */
  verdict: 'with its answer' | 'faster' | 'unclear'
}

export interface Growth {
  dimension: string
  from: number
  to: number
  rows: GrowthRow[]
}

export interface GrowthReport extends Setting {
  format: 1
  rounds: number
  growths: Growth[]
  violations: string[]
}

/** What one run cannot tell from nothing: this factor beyond the answer's own, and so much CPU. */
const [TOLERANCE, TOLERATED_MS] = [1.5, 0.4]

/** An operation may grow as its answer does, and no faster. */
export function rowOf(operation: string, small: Figure, large: Figure): GrowthRow {
  const through = (a: number, b: number): number => (b > 0 ? a / b : 1)
  const answer = small.tells === null || large.tells === null ? through(large.bytes, small.bytes) : through(large.tells, small.tells)
  const factor = { cpu: through(large.cpu, small.cpu), p50: through(large.p50, small.p50), answer }
  const allowed = small.cpu * Math.max(1, answer)
  if (small.cpu === 0 || large.cpu === 0) return { operation, small, large, factor, verdict: 'unclear' }
  return { operation, small, large, factor, verdict: large.cpu > allowed * TOLERANCE && large.cpu - allowed > TOLERATED_MS ? 'faster' : 'with its answer' }
}

const HEAD = ['', 'CPU ms', '→', '×', 'p50 ms', '→', '×', 'answer bytes', '→', '×', 'grows']

const cellsOf = ({ operation, small, large, factor, verdict }: GrowthRow): string[] => [
  operation, short(small.cpu), short(large.cpu), factor.cpu.toFixed(2), short(small.p50), short(large.p50), factor.p50.toFixed(2), Math.round(small.bytes).toLocaleString('en'), Math.round(large.bytes).toLocaleString('en'),
  `${factor.answer.toFixed(2)}${small.tells === null ? '' : '*'}`, verdict === 'faster' ? 'FASTER than its answer' : verdict
]

const NOTE = '* counts and facets all that match: measured by how many those are. CPU of node and PostgreSQL, work behind the answer included, what they take idle left out.'

const titleOf = ({ dimension, from, to }: Growth): string => `${dimension}: ${from.toLocaleString('en')} → ${to.toLocaleString('en')}`

export function tableOf(growth: Growth): string {
  const rows = [HEAD, ...growth.rows.map(cellsOf)]
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const lines = rows.map((row) => `  ${row.map((cell, i) => (i === 0 || i === row.length - 1 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd()}`)
  return [titleOf(growth), ...lines, ...(growth.rows.some(({ small }) => small.tells !== null) ? [`  ${NOTE}`] : [])].join('\n')
}

export const fasterOf = ({ growths }: Pick<GrowthReport, 'growths'>): string[] => growths.flatMap((growth) => growth.rows.filter(({ verdict }) => verdict === 'faster').map(({ operation, factor }) => `${operation} grows ×${factor.cpu.toFixed(1)} with ${titleOf(growth)}, its answer ×${factor.answer.toFixed(1)}`))

const WIDTH = 460
const ROW = 24
const LABELS = 210

/** CPU at both sizes, one pair of bars an operation. */
function chart({ rows }: Growth): string {
  const max = Math.max(...rows.flatMap(({ small, large }) => [small.cpu, large.cpu]), Number.MIN_VALUE)
  const width = (cpu: number): string => ((cpu / max) * (WIDTH - LABELS - 60)).toFixed(1)
  const drawn = rows.map(({ operation, small, large, verdict }, i) => {
    const y = i * ROW
    return `<text x="${LABELS - 6}" y="${y + 15}" text-anchor="end">${escape(operation)}</text><rect x="${LABELS}" y="${y + 3}" width="${width(small.cpu)}" height="8" fill="#93c5fd"/><rect x="${LABELS}" y="${y + 12}" width="${width(large.cpu)}" height="8" fill="${verdict === 'faster' ? '#dc2626' : '#2563eb'}"/><text x="${LABELS + Number(width(Math.max(small.cpu, large.cpu))) + 6}" y="${y + 15}">${short(small.cpu)} → ${short(large.cpu)} ms</text>`
  })
  return `<svg viewBox="0 0 ${WIDTH} ${rows.length * ROW + 4}" role="img" aria-label="CPU of an operation at both sizes">${drawn.join('')}</svg>`
}

/** The report as a page of HTML without anything from outside. */
export function growthPage(report: GrowthReport): string {
  const { growths, violations } = report
  const wrong = [...fasterOf(report), ...violations]
  const cell = (text: string, i: number, tag: 'td' | 'th'): string => `<${tag}${i > 0 && i < HEAD.length - 1 ? ' class="n"' : ''}>${escape(text)}</${tag}>`
  const sections = growths.map((growth) => `<h2>${escape(titleOf(growth))}</h2><div class="charts"><figure>${chart(growth)}</figure></div>
<div class="scroll"><table><thead><tr>${HEAD.map((text, i) => cell(text, i, 'th')).join('')}</tr></thead><tbody>${growth.rows.map((row) => `<tr>${cellsOf(row).map((text, i) => cell(text, i, 'td')).join('')}</tr>`).join('')}</tbody></table></div>`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Souk: growth ${escape(report.at.slice(0, 16))}</title><style>${STYLE}</style>
<h1>Souk: growth</h1><p>${settingInWords(report).map(escape).join(' · ')}</p><p>${escape(NOTE)}</p>${wrong.map((text) => `<p class="violation">${escape(text)}</p>`).join('')}${sections.join('\n')}</html>
`
}
