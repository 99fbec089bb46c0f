import { settingInWords } from '../bench/machine.ts'
import { escape, STYLE } from '../bench/page.ts'
import { short } from '../bench/report.ts'
import { growthInWords, type SoakReport } from './report.ts'
import { pointsOf, seriesOf, WATCHES, type Watch } from './series.ts'
import type { Point } from './trend.ts'

// The run as one page that needs nothing else: a chart over time for everything that is watched.

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [460, 200, 52, 12, 10, 24]
const COLORS = ['#2563eb', '#be185d', '#16a34a', '#f59e0b', '#7c3aed', '#0891b2', '#64748b', '#dc2626', '#65a30d', '#a16207', '#1e3a8a', '#db2777']
const TICKS = 4
/** The marks on the axis of time come after so many minutes. */
const MINUTES = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 180, 360]
const MARKS_MAX = 8

const colorOf = (i: number): string => COLORS[i % COLORS.length]!

/** A round number that is no less. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)))
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value
}

interface Line {
  name: string
  points: readonly Point[]
}

function chart(lines: readonly Line[], { seconds, turn, deaths }: SoakReport): string {
  const top = roundUp(Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)), 1))
  const x = (t: number): number => LEFT + (t / seconds) * (WIDTH - LEFT - RIGHT)
  const y = (value: number): number => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP)
  const grid = Array.from({ length: TICKS + 1 }, (_, i) => (top * i) / TICKS).map((value) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" class="grid"/><text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${value === 0 ? '0' : short(value)}</text>`)
  const minutes = MINUTES.find((step) => seconds / 60 / step <= MARKS_MAX) ?? MINUTES.at(-1)!
  const marks = Array.from({ length: Math.floor(seconds / 60 / minutes) + 1 }, (_, i) => i * minutes).map((m) => `<text x="${x(m * 60).toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${Number(m.toFixed(2))} min</text>`)
  const fire = `<rect x="${LEFT}" y="${TOP}" width="${(x(turn) - LEFT).toFixed(1)}" height="${HEIGHT - TOP - BOTTOM}" class="fire"/>`
  const dead = deaths.map((death) => `<line x1="${x(death.seconds).toFixed(1)}" x2="${x(death.seconds).toFixed(1)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" class="death"><title>${escape(death.thread)} dies</title></line>`)
  const drawn = lines.map(({ name, points }, i) => `<polyline fill="none" stroke="${colorOf(i)}" stroke-width="1.5" points="${points.map(([t, value]) => `${x(t).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}"><title>${escape(name)}</title></polyline>`)
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${[fire, ...grid, ...marks, ...dead, ...drawn].join('')}</svg>`
}

function figure(watch: Watch, report: SoakReport): string {
  const names = seriesOf(report.samples, watch.group)
  if (names.length === 0) return ''
  const lines = names.map((series) => ({ name: series.slice(watch.group.length + 1), points: pointsOf(report.samples, series) }))
  const legend = lines.map(({ name }, i) => {
    const last = report.verdicts.filter(({ series }) => series === `${watch.group}/${name}`)
    const words = last.map((v) => (v.verdict === 'growing' ? `<b>growing ${escape(growthInWords(v))}</b>` : v.verdict !== 'flat' ? `${v.verdict}, ${escape(growthInWords(v))}` : '')).filter(Boolean).join(', ')
    return `<span><i style="background:${colorOf(i)}"></i>${escape(name)}${words ? `: ${words}` : ''}</span>`
  })
  return `<figure><h4>${escape(watch.title)}${watch.unit ? `, ${watch.unit}` : ''}</h4>${chart(lines, report)}<p class="legend">${legend.join('')}</p></figure>`
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<div class="scroll"><table><thead><tr>${head.map((cell, i) => `<th${i > 0 ? ' class="n"' : ''}>${escape(cell)}</th>`).join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map((cell, i) => `<td${i > 0 ? ' class="n"' : ''}>${escape(cell)}</td>`).join('')}</tr>`).join('')}</tbody></table></div>`

const OWN_STYLE = '.fire{fill:#fff7ed}.death{stroke:#fb923c;stroke-dasharray:2 3}.legend b{color:#dc2626}.passed{color:#15803d}'

/** The report as a page of HTML without anything from outside. */
export function pageOf(report: SoakReport): string {
  const { options, verdicts, latencies, outcomes, misses, tables, wrong, visits, requests, orders, deaths, seconds } = report
  const facts = [...settingInWords(report), `${(seconds / 60).toFixed(1)} minutes, ${options.rate} visits a second`, options.url ?? `a fresh shop with ${options.products} products`]
  const judged = verdicts.map((v) => [v.series, v.part === 'fire' ? 'while threads die' : 'in peace', short(v.trend.level), growthInWords(v), v.trend.growth.toFixed(2), short(v.allowed), v.trend.p.toFixed(3), v.verdict])
  const times = Object.entries(latencies).sort(([, a], [, b]) => b.count - a.count)
  const answers = (kind: string): string => Object.entries(outcomes[kind] ?? {}).map(([status, count]) => `${status}: ${count.toLocaleString('en')}`).join(', ')
  const missed = Object.entries(misses).flatMap(([part, types]) => Object.entries(types).sort(([, a], [, b]) => b - a).map(([type, count]) => [type, part === 'fire' ? 'while threads died' : 'in peace', String(count)]))
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Souk: soak ${escape(report.at.slice(0, 16))}</title><style>${STYLE}${OWN_STYLE}</style>
<h1>Souk: the long run</h1><p>${facts.map(escape).join(' · ')}</p>
<p>${visits.toLocaleString('en')} visits, ${requests.toLocaleString('en')} requests, ${orders.toLocaleString('en')} acknowledged orders; ${deaths.length} threads died in the shaded part.</p>
${wrong.length === 0 ? '<p class="passed">Nothing grows, no acknowledged order is lost, every invariant holds.</p>' : wrong.map((text) => `<p class="violation">${escape(text)}</p>`).join('')}
<div class="charts">${WATCHES.map((watch) => figure(watch, report)).join('\n')}</div>
<h2>Verdicts</h2><p>The slope is the median of the slopes between all pairs of twelve blocks of what is judged (Theil and Sen). A series grows when that is certain (p below 0.05, Mann and Kendall) and it gains more than is allowed.
Latency and actors are taken at the median of each block, the others at the least of it: memory between two collections of garbage, handles between two bursts.
Young: peace was too short for what fills for minutes. Disturbed: others took more than a fifth of the machine (${Math.round(report.others)} %), so that what rises with what waits says nothing.</p>
${table(['what', 'part', 'level', 'slope', 'growth', 'allowed', 'p', 'verdict'], judged)}
<h2>Operations</h2><p>Milliseconds until the final answer, repetitions included.</p>${table(['operation', 'asked', 'p50', 'p95', 'p99', 'max', 'answers'], times.map(([kind, { count, p50, p95, p99, max }]) => [kind, count.toLocaleString('en'), ...[p50, p95, p99, max].map(short), answers(kind)]))}
<h2>No final answer, asked again</h2>${missed.length === 0 ? '<p>Never.</p>' : table(['what came instead', '', 'times'], missed)}
<h2>Rows that came to be</h2><p>By PostgreSQL's statistics, all databases together.</p>${table(['table', 'before', 'after', 'an order', 'MiB'], tables.map((t) => [t.table, t.from.toLocaleString('en'), t.to.toLocaleString('en'), short(t.perOrder), short(t.mib)]))}</html>
`
}
