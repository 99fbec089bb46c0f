import { settingInWords } from './machine.ts'
import { barChart, cpuChart, escape, latencyChart, legendOf, REFERENCE, SHOP, STYLE } from './charts.ts'
import { cpuOf, errorsOf, idleMemoryLine, importLine, short, type Comparison, type Figure, type Report, type Result } from './report.ts'

const loadName = ({ load, shop }: Comparison): string => (load === 'closed' ? 'closed loop' : `open arrival, ${short(shop.offered!.rate)}/s`)

const cpuFigure = (comparisons: readonly Comparison[]): string => {
  const chart = cpuChart(comparisons.flatMap(({ load, shop, reference }) => [{ label: `shop, ${load}`, cpu: shop.cpu }, { label: `reference, ${load}`, cpu: reference.cpu }]))
  return chart && `<h4>CPU per operation</h4>${chart}`
}

const latencyFigure = ({ shop, reference }: Comparison): string =>
  latencyChart([{ name: 'shop', color: SHOP, points: shop.latency.curve }, { name: 'reference', color: REFERENCE, points: reference.latency.curve, isDashed: true }])

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
  const charts = comparisons.map((c) => `<figure><h4>Latency, ${escape(loadName(c))}</h4>${latencyFigure(c)}</figure>`)
  return `<section${isVoid ? ' class="void"' : ''}><h2>${escape(scenario)}${isVoid ? ' <b>void</b>' : ''}</h2><p>${escape(doc)}</p>${violations.map((v) => `<p class="violation">${escape(v)}</p>`).join('')}
<div class="scroll"><table><thead><tr><th></th><th class="n">rate/s</th><th class="n">p50 ms</th><th class="n">p95</th><th class="n">p99</th><th class="n">p99.9</th><th class="n">to reference</th><th>errors</th><th>CPU ms per operation</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>
<div class="charts">${charts.join('')}<figure><h4>Rate</h4>${rateChart(comparisons)}</figure><figure>${cpuFigure(comparisons)}</figure></div></section>`
}

/** The report as a page of HTML without anything from outside. */
export function pageOf(report: Report): string {
  const { at, options, results, skipped, failed, audited } = report
  const facts = [
    ...settingInWords(report), `${options.seconds} s each`, options.url ?? `a fresh shop with ${options.products} products`, audited ? 'audited' : 'not audited: these figures prove nothing'
  ]
  const left = [...Object.entries(skipped).map(([name, why]) => `${name}: left out, ${why}`), ...Object.entries(failed).map(([name, why]) => `${name}: failed, ${why}`)].map((text) => `<p>${escape(text)}</p>`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Souk: benchmarks ${escape(at.slice(0, 16))}</title><style>${STYLE}</style>
<h1>Souk: benchmarks</h1><p>${facts.map(escape).join(' · ')}</p>
${legendOf([{ name: 'shop', color: SHOP }, { name: 'reference (dashed)', color: REFERENCE }])}
${report.idleMemory ? `<h2>idle-memory</h2><p>${escape(idleMemoryLine(report.idleMemory))}</p>` : ''}${report.import ? `<h2>import</h2><p>${escape(importLine(report.import))}</p>` : ''}${results.map(resultSection).join('\n')}${left.join('')}</html>
`
}
