import { short } from './report.ts'

// Charts as inline SVG, and what every page of results shares: pages that need nothing from outside.

export const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const WIDTH = 460
const [LEFT, RIGHT, TOP] = [66, 12, 10]
export const [SHOP, REFERENCE] = ['#2563eb', '#f59e0b']

const COLORS = [SHOP, '#be185d', '#16a34a', REFERENCE, '#7c3aed', '#0891b2', '#64748b', '#dc2626', '#65a30d', '#a16207', '#1e3a8a', '#db2777']
/** Of the `i`th line of a chart. */
export const colorOf = (i: number): string => COLORS[i % COLORS.length]!

/** Of processes and threads, the same in every chart. */
const PROCESSES: Readonly<Record<string, string>> = {
  'node web': '#7c3aed', 'node commerce': '#0891b2', 'node background': '#16a34a', 'node main': '#1e3a8a', 'node other': '#94a3b8', 'node child process': '#65a30d', postgres: '#be185d', reference: REFERENCE, bench: '#cbd5e1', load: '#cbd5e1'
}
const OTHER_PROCESSES = ['#a16207', '#db2777', '#0d9488', '#dc2626', '#9333ea', '#ca8a04', '#4f46e5', '#15803d', '#b45309', '#0369a1']
const knownColor = (process: string): string | undefined => PROCESSES[process.replace(/-\d+$/, '')]

/** Others take the next color each; of more than there are some look alike. */
function colorOfProcess(process: string, names: readonly string[]): string {
  const others = names.filter((name) => knownColor(name) === undefined)
  return knownColor(process) ?? OTHER_PROCESSES[others.indexOf(process) % OTHER_PROCESSES.length]!
}

export interface Line {
  name: string
  color: string
  points: readonly (readonly [x: number, y: number])[]
  isDashed?: boolean
}

export const legendOf = (entries: readonly { name: string; color: string; note?: string }[]): string =>
  `<p class="legend">${entries.map(({ name, color, note = '' }) => `<span><i style="background:${color}"></i>${escape(name)}${note}</span>`).join('')}</p>`

const polyline = ({ name, color, points, isDashed }: Line, x: (at: number) => number, y: (value: number) => number): string =>
  `<polyline fill="none" stroke="${color}" stroke-width="1.7" ${isDashed ? 'stroke-dasharray="5 3" ' : ''}points="${points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}"><title>${escape(name)}</title></polyline>`

/** Percentiles spread so that the tail can be read: each nine takes as much room as the one before. */
const spread = (percentile: number): number => Math.log10(100 / Math.max(0.01, 100 - percentile))
const PERCENTILES = [50, 90, 99, 99.9, 99.99]

/** Milliseconds over percentiles, both logarithmic; empty where there is nothing to draw. */
export function latencyChart(all: readonly Line[]): string {
  const [height, bottom] = [220, 30]
  const lines = all.map((line) => ({ ...line, points: line.points.filter(([, ms]) => ms > 0) }))
  const times = lines.flatMap(({ points }) => points.map(([, ms]) => ms))
  if (times.length === 0) return ''
  const low = Math.floor(Math.log10(Math.min(...times)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...times))))
  const x = (p: number): number => LEFT + (spread(p) / spread(99.99)) * (WIDTH - LEFT - RIGHT)
  const y = (ms: number): number => height - bottom - ((Math.log10(ms) - low) / (high - low)) * (height - bottom - TOP)
  const grid = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map(
    (ms) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(ms)}" y2="${y(ms)}" class="grid"/><text x="${LEFT - 6}" y="${y(ms) + 4}" text-anchor="end">${ms < 1 ? ms.toFixed(-Math.log10(ms)) : ms.toLocaleString('en')} ms</text>`
  )
  const marks = PERCENTILES.map((p) => `<line x1="${x(p)}" x2="${x(p)}" y1="${TOP}" y2="${height - bottom}" class="grid"/><text x="${x(p)}" y="${height - bottom + 16}" text-anchor="${p === 99.99 ? 'end' : 'middle'}">p${p}</text>`)
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="latency by percentile">${[...grid, ...marks, ...lines.map((line) => polyline(line, x, y))].join('')}</svg>`
}

export interface Bar {
  label: string
  parts: { value: number; color: string; title: string }[]
  note: string
}

/** Bars that lie, each of parts, on one scale. */
export function barChart(bars: readonly Bar[]): string {
  const [row, labels, notes] = [26, 150, 90]
  const room = WIDTH - labels - notes
  const max = Math.max(...bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0)), Number.MIN_VALUE)
  const drawn = bars.map(({ label, parts, note }, i) => {
    let at = labels
    const rects = parts.map(({ value, color, title }) => {
      const width = (value / max) * room
      const rect = `<rect x="${at.toFixed(1)}" y="${i * row + 4}" width="${width.toFixed(1)}" height="${row - 8}" fill="${color}"><title>${escape(title)}</title></rect>`
      at += width
      return rect
    })
    return `<text x="${labels - 6}" y="${i * row + 17}" text-anchor="end">${escape(label)}</text>${rects.join('')}<text x="${(at + 6).toFixed(1)}" y="${i * row + 17}">${escape(note)}</text>`
  })
  return `<svg viewBox="0 0 ${WIDTH} ${bars.length * row + 4}" role="img">${drawn.join('')}</svg>`
}

/** CPU of an operation by process, a bar for each of `bars`; empty where the system told nothing. */
export function cpuChart(bars: readonly { label: string; cpu: Readonly<Record<string, number>> }[]): string {
  const names = [...new Set(bars.flatMap(({ cpu }) => Object.keys(cpu)))].sort()
  if (names.length === 0) return ''
  const drawn = bars.map(({ label, cpu }): Bar => {
    const parts = names.filter((name) => cpu[name]).map((name) => ({ value: cpu[name]!, color: colorOfProcess(name, names), title: `${name}: ${cpu[name]!.toFixed(3)} ms` }))
    return { label, parts, note: `${short(parts.reduce((sum, { value }) => sum + value, 0))} ms` }
  })
  return `${barChart(drawn)}${legendOf(names.map((name) => ({ name, color: colorOfProcess(name, names) })))}`
}

const TICKS = 4
/** The marks on the axis of time come after so many seconds. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600]
const MARKS_MAX = 8

/** A round number that is no less. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)))
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value
}

/** Values over `seconds`, from nothing up. `behind` draws on the same axis, before the lines: what was going on. */
export function timeChart(lines: readonly Line[], seconds: number, behind: (x: (at: number) => number, top: number, bottom: number) => string = () => ''): string {
  const [height, bottom] = [200, 24]
  const max = roundUp(Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)), 1))
  const x = (t: number): number => LEFT + (t / seconds) * (WIDTH - LEFT - RIGHT)
  const y = (value: number): number => height - bottom - (value / max) * (height - bottom - TOP)
  const grid = Array.from({ length: TICKS + 1 }, (_, i) => (max * i) / TICKS).map((value) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" class="grid"/><text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${value === 0 ? '0' : short(value)}</text>`)
  const step = STEPS.find((s) => seconds / s <= MARKS_MAX) ?? STEPS.at(-1)!
  const marks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => i * step).map((s) => `<text x="${x(s).toFixed(1)}" y="${height - bottom + 16}" text-anchor="middle">${step < 60 ? `${s} s` : `${s / 60} min`}</text>`)
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img">${[behind(x, TOP, height - bottom), ...grid, ...marks, ...lines.map((line) => polyline(line, x, y))].join('')}</svg>`
}

/** A table: its first column holds words, the others numbers, but for those named in `words`. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[], words: readonly number[] = []): string {
  const kind = (i: number): string => (i > 0 && !words.includes(i) ? ' class="n"' : '')
  return `<div class="scroll"><table><thead><tr>${head.map((cell, i) => `<th${kind(i)}>${escape(cell)}</th>`).join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map((cell, i) => `<td${kind(i)}>${escape(cell)}</td>`).join('')}</tr>`).join('')}</tbody></table></div>`
}

/** Of every page of results. */
export const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1e293b;background:#fff}h2{margin:2.5rem 0 0}h4{margin:.5rem 0}
table{border-collapse:collapse;font-size:13px;width:100%}th,td{padding:.3rem .6rem;border-bottom:1px solid #e2e8f0;text-align:left;vertical-align:top}th.n,td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(28rem,100%),1fr));gap:1rem}figure{margin:0}svg{width:100%;height:auto}svg text{font-size:11px;fill:#475569}.grid{stroke:#e2e8f0}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:12px}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}.violation,.void b{color:#dc2626}.void table{opacity:.5}`
