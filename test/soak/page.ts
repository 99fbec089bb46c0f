import { settingInWords } from '../bench/machine.ts'
import { colorOf, escape, htmlTable, legendOf, STYLE, timeChart, type Line } from '../bench/charts.ts'
import { short } from '../bench/report.ts'
import { growthInWords, type SoakReport } from './report.ts'
import { pointsOf, seriesOf, WATCHES, type Watch } from './series.ts'

// The run as one page that needs nothing else: a chart over time for everything that is watched.

function chart(lines: readonly Line[], { seconds, turn, deaths }: SoakReport): string {
  return timeChart(lines, seconds, (x, top, bottom) => {
    const fire = `<rect x="${x(0)}" y="${top}" width="${(x(turn) - x(0)).toFixed(1)}" height="${bottom - top}" class="fire"/>`
    return fire + deaths.map((death) => `<line x1="${x(death.seconds).toFixed(1)}" x2="${x(death.seconds).toFixed(1)}" y1="${top}" y2="${bottom}" class="death"><title>${escape(death.thread)} dies</title></line>`).join('')
  })
}

function figure(watch: Watch, report: SoakReport): string {
  const names = seriesOf(report.samples, watch.group)
  if (names.length === 0) return ''
  const lines = names.map((series, i) => ({ name: series.slice(watch.group.length + 1), color: colorOf(i), points: pointsOf(report.samples, series) }))
  const legend = lines.map(({ name, color }) => {
    const last = report.verdicts.filter(({ series }) => series === `${watch.group}/${name}`)
    const words = last.map((v) => (v.verdict === 'growing' ? `<b>growing ${escape(growthInWords(v))}</b>` : v.verdict !== 'flat' ? `${v.verdict}, ${escape(growthInWords(v))}` : '')).filter(Boolean).join(', ')
    return { name, color, note: words ? `: ${words}` : '' }
  })
  return `<figure><h4>${escape(watch.title)}${watch.unit ? `, ${watch.unit}` : ''}</h4>${chart(lines, report)}${legendOf(legend)}</figure>`
}

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
${htmlTable(['what', 'part', 'level', 'slope', 'growth', 'allowed', 'p', 'verdict'], judged)}
<h2>Operations</h2><p>Milliseconds until the final answer, repetitions included.</p>${htmlTable(['operation', 'asked', 'p50', 'p95', 'p99', 'max', 'answers'], times.map(([kind, { count, p50, p95, p99, max }]) => [kind, count.toLocaleString('en'), ...[p50, p95, p99, max].map(short), answers(kind)]))}
<h2>No final answer, asked again</h2>${missed.length === 0 ? '<p>Never.</p>' : htmlTable(['what came instead', '', 'times'], missed)}
<h2>Rows that came to be</h2><p>By PostgreSQL's statistics, all databases together.</p>${htmlTable(['table', 'before', 'after', 'an order', 'MiB'], tables.map((t) => [t.table, t.from.toLocaleString('en'), t.to.toLocaleString('en'), short(t.perOrder), short(t.mib)]))}</html>
`
}
