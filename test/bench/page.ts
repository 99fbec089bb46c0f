import { settingInWords } from './machine.ts'
import { cpuOf, errorsOf, idleMemoryLine, importLine, short, type Comparison, type Figure, type Report, type Result } from './report.ts'

// The report as one page that needs nothing else: charts are inline SVG.

export const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const WIDTH = 460
const HEIGHT = 220
const LEFT = 66
const BOTTOM = 30
const TOP = 10
const RIGHT = 12
const [SHOP, REFERENCE] = ['#2563eb', '#f59e0b']
/** Of processes and threads, the same in every chart. */
const PROCESSES: Readonly<Record<string, string>> = {
  'node web': '#7c3aed', 'node commerce': '#0891b2', 'node background': '#16a34a', 'node main': '#1e3a8a', 'node other': '#94a3b8', 'node child process': '#65a30d', postgres: '#be185d', reference: REFERENCE, bench: '#cbd5e1'
}
const colorOf = (process: string): string => PROCESSES[process.replace(/-\d+$/, '')] ?? '#a16207'

/** Percentiles spread so that the tail can be read: each nine takes as much room as the one before. */
const spread = (percentile: number): number => Math.log10(100 / Math.max(0.01, 100 - percentile))
const PERCENTILES = [50, 90, 99, 99.9, 99.99]

/** Milliseconds over percentiles, both logarithmic, the shop's beside the reference's. */
function latencyChart({ shop, reference }: Comparison): string {
  const lines = [shop, reference].map(({ latency }) => latency.curve.filter(([, ms]) => ms > 0))
  const all = lines.flat().map(([, ms]) => ms)
  if (all.length === 0) return ''
  const low = Math.floor(Math.log10(Math.min(...all)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))))
  const x = (p: number): number => LEFT + (spread(p) / spread(99.99)) * (WIDTH - LEFT - RIGHT)
  const y = (ms: number): number => HEIGHT - BOTTOM - ((Math.log10(ms) - low) / (high - low)) * (HEIGHT - BOTTOM - TOP)
  const grid = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map(
    (ms) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(ms)}" y2="${y(ms)}" class="grid"/><text x="${LEFT - 6}" y="${y(ms) + 4}" text-anchor="end">${ms < 1 ? ms.toFixed(-Math.log10(ms)) : ms.toLocaleString('en')} ms</text>`
  )
  const marks = PERCENTILES.map((p) => `<line x1="${x(p)}" x2="${x(p)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" class="grid"/><text x="${x(p)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="${p === 99.99 ? 'end' : 'middle'}">p${p}</text>`)
  const paths = lines.map((curve, i) => `<polyline fill="none" stroke="${i ? REFERENCE : SHOP}" stroke-width="2" ${i ? 'stroke-dasharray="5 3"' : ''} points="${curve.map(([p, ms]) => `${x(p).toFixed(1)},${y(ms).toFixed(1)}`).join(' ')}"/>`)
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="latency by percentile">${[...grid, ...marks, ...paths].join('')}</svg>`
}

interface Bar {
  label: string
  parts: { value: number; color: string; title: string }[]
  note: string
}

/** Bars that lie, each of parts, on one scale. */
function barChart(bars: readonly Bar[]): string {
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

const loadName = ({ load, shop }: Comparison): string => (load === 'closed' ? 'closed loop' : `open arrival, ${short(shop.offered!.rate)}/s`)

function cpuChart(comparisons: readonly Comparison[]): string {
  const names = [...new Set(comparisons.flatMap(({ shop, reference }) => [...Object.keys(shop.cpu), ...Object.keys(reference.cpu)]))].sort()
  if (names.length === 0) return ''
  const bar = (label: string, { cpu }: Figure): Bar => {
    const parts = names.filter((name) => cpu[name]).map((name) => ({ value: cpu[name]!, color: colorOf(name), title: `${name}: ${cpu[name]!.toFixed(3)} ms` }))
    return { label, parts, note: `${short(parts.reduce((sum, { value }) => sum + value, 0))} ms` }
  }
  const bars = comparisons.flatMap(({ load, shop, reference }) => [bar(`shop, ${load}`, shop), bar(`reference, ${load}`, reference)])
  const legend = names.map((name) => `<span><i style="background:${colorOf(name)}"></i>${escape(name)}</span>`).join('')
  return `<h4>CPU per operation</h4>${barChart(bars)}<p class="legend">${legend}</p>`
}

const rateChart = (comparisons: readonly Comparison[]): string =>
  barChart(comparisons.flatMap((c) => [
    { label: `shop, ${c.load}`, parts: [{ value: c.shop.rate, color: SHOP, title: c.shop.what }], note: `${short(c.shop.rate)}/s` },
    { label: `reference, ${c.load}`, parts: [{ value: c.reference.rate, color: REFERENCE, title: c.reference.what }], note: `${short(c.reference.rate)}/s` }
  ]))

function rowOf(name: string, figure: Figure, ratio: string): string {
  const { p50, p95, p99, p999 } = figure.latency
  const errors = errorsOf(figure) + (figure.ranOut ? ' (supply ran out before the time)' : '')
  const cells = [short(figure.rate), short(p50), short(p95), short(p99), short(p999), ratio]
  return `<tr><td>${escape(name)}</td>${cells.map((cell) => `<td class="n">${cell}</td>`).join('')}<td>${escape(errors || 'none')}</td><td>${escape(cpuOf(figure))}</td></tr>`
}

function resultSection({ scenario, doc, comparisons, violations, void: isVoid }: Result): string {
  const rows = comparisons.flatMap((c) => [rowOf(`shop, ${loadName(c)}`, c.shop, `×${c.ratio.rate.toFixed(2)} rate, ×${short(c.ratio.p50)} p50`), rowOf(`reference: ${c.reference.what}`, c.reference, '')])
  const charts = comparisons.map((c) => `<figure><h4>Latency, ${escape(loadName(c))}</h4>${latencyChart(c)}</figure>`)
  return `<section${isVoid ? ' class="void"' : ''}><h2>${escape(scenario)}${isVoid ? ' <b>void</b>' : ''}</h2><p>${escape(doc)}</p>${violations.map((v) => `<p class="violation">${escape(v)}</p>`).join('')}
<div class="scroll"><table><thead><tr><th></th><th class="n">rate/s</th><th class="n">p50 ms</th><th class="n">p95</th><th class="n">p99</th><th class="n">p99.9</th><th class="n">to reference</th><th>errors</th><th>CPU ms per operation</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>
<div class="charts">${charts.join('')}<figure><h4>Rate</h4>${rateChart(comparisons)}</figure><figure>${cpuChart(comparisons)}</figure></div></section>`
}

/** Of every page of results. */
export const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1e293b;background:#fff}h2{margin:2.5rem 0 0}h4{margin:.5rem 0}
table{border-collapse:collapse;font-size:13px;width:100%}th,td{padding:.3rem .6rem;border-bottom:1px solid #e2e8f0;text-align:left;vertical-align:top}th.n,td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(28rem,100%),1fr));gap:1rem}figure{margin:0}svg{width:100%;height:auto}svg text{font-size:11px;fill:#475569}.grid{stroke:#e2e8f0}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:12px}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}.violation,.void b{color:#dc2626}.void table{opacity:.5}`

/** The report as a page of HTML without anything from outside. */
export function pageOf(report: Report): string {
  const { at, options, results, skipped, failed, audited } = report
  const facts = [
    ...settingInWords(report), `${options.seconds} s each`, options.url ?? `a fresh shop with ${options.products} products`, audited ? 'audited' : 'not audited: these figures prove nothing'
  ]
  const left = [...Object.entries(skipped).map(([name, why]) => `${name}: left out, ${why}`), ...Object.entries(failed).map(([name, why]) => `${name}: failed, ${why}`)].map((text) => `<p>${escape(text)}</p>`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Souk: benchmarks ${escape(at.slice(0, 16))}</title><style>${STYLE}</style>
<h1>Souk: benchmarks</h1><p>${facts.map(escape).join(' · ')}</p>
<p class="legend"><span><i style="background:${SHOP}"></i>shop</span><span><i style="background:${REFERENCE}"></i>reference (dashed)</span></p>
${report.idleMemory ? `<h2>idle-memory</h2><p>${escape(idleMemoryLine(report.idleMemory))}</p>` : ''}${report.import ? `<h2>import</h2><p>${escape(importLine(report.import))}</p>` : ''}${results.map(resultSection).join('\n')}${left.join('')}</html>
`
}
