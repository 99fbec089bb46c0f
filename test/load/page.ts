import { barChart, colorOf, cpuChart, escape, htmlTable, latencyChart, legendOf, STYLE, timeChart, type Line } from '../bench/charts.ts'
import type { Measured } from '../bench/load/drive.ts'
import { settingInWords } from '../bench/machine.ts'
import { errorsOf, short } from '../bench/report.ts'
import type { Sample } from './load.ts'
import type { Check } from './mix.ts'
import { outcomesOf, shopsCpu, type LoadReport } from './report.ts'

// A run as one page that needs nothing from outside.

const GOOD = '#16a34a'
const BAD = '#dc2626'

const OWN_STYLE = '.passed{color:#15803d}.checks td:first-child{white-space:nowrap}.holds{color:#15803d}.broken{color:#dc2626}.facts{display:flex;flex-wrap:wrap;gap:1rem;margin:1rem 0}.facts div{border:1px solid #e2e8f0;border-radius:.5rem;padding:.5rem 1rem}.facts b{display:block;font-size:1.5rem}'

const timed = (name: string, { latency, rate, operations, ...rest }: Measured, more: string): string[] => [
  name, operations.toLocaleString('en'), short(rate), short(latency.p50), short(latency.p95), short(latency.p99), short(latency.p999), short(latency.max), errorsOf({ latency, rate, operations, ...rest }) || 'none', more
]
const HEAD = ['', 'right', '/s', 'p50 ms', 'p95', 'p99', 'p99.9', 'max', 'errors']

const course = (samples: readonly Sample[], name: string, color: string, value: (sample: Sample) => number): Line => ({ name, color, points: samples.map((sample) => [sample.seconds, value(sample)] as const) })

function overTime(title: string, lines: readonly Line[], seconds: number): string {
  return `<figure><h4>${escape(title)}</h4>${timeChart(lines, seconds)}${legendOf(lines)}</figure>`
}

function checksTable(checks: readonly Check[]): string {
  const rows = checks.map(({ name, how, evidence, looked, wrong, examples }) => {
    const verdict = looked === 0 ? 'not looked at' : wrong === 0 ? '<span class="holds">holds</span>' : `<span class="broken">broken ${wrong.toLocaleString('en')} times</span>`
    return `<tr><td><b>${escape(name)}</b></td><td>${verdict}</td><td class="n">${looked.toLocaleString('en')}</td><td>${escape(evidence)}</td><td>${escape(how)}${examples.map((text) => `<p class="violation">${escape(text)}</p>`).join('')}</td></tr>`
  })
  return `<div class="scroll"><table class="checks"><thead><tr><th>what must hold</th><th></th><th class="n">looked at</th><th>evidence</th><th>how</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

const fact = (value: string, what: string): string => `<div><b>${escape(value)}</b>${escape(what)}</div>`

/** The report as a page of HTML without anything from outside. */
export function pageOf(report: LoadReport): string {
  const { mix, doc, options, transactions, steps, samples, seconds, operations, failed, cpu, checks, wrong, notAudited, lateMs } = report
  const { load: own = 0, ...shop } = cpu
  const setting = [...settingInWords(report), options.shop, `${short(options.rate)} transactions a second, ${options.seconds} s${options.warmUp > 0 ? ` after ${options.warmUp} s of warm-up` : ''}`]
  const lines = transactions.map(({ name, measured }, i): Line => ({ name, color: colorOf(i), points: measured.latency.curve }))
  const errors = transactions.flatMap(({ name, measured }) => Object.entries(measured.errors).map(([type, count]) => ({ label: type, parts: [{ value: count, color: BAD, title: name }], note: `${count.toLocaleString('en')} (${name})` })))
  const verdict = wrong.length > 0
    ? `<p class="violation"><b>Void</b>, for something is wrong:</p>${wrong.map((text) => `<p class="violation">${escape(text)}</p>`).join('')}`
    : `<p class="passed">${notAudited === null ? 'The audit found no violation.' : escape(`Not audited: ${notAudited}.`)}</p>`
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Souk: load ${escape(mix)} ${escape(report.at.slice(0, 16))}</title><style>${STYLE}${OWN_STYLE}</style>
<h1>Souk under load: ${escape(mix)}</h1><p>${escape(doc)}</p><p>${setting.map(escape).join(' · ')}</p>
<section${wrong.length > 0 ? ' class="void"' : ''}>${verdict}
<div class="facts">${fact(`${short(operations / seconds)}/s`, `of ${short(options.rate)}/s that came`)}${fact(operations.toLocaleString('en'), 'went right')}${fact(failed.toLocaleString('en'), 'went wrong')}${shopsCpu(cpu) > 0 ? fact(`${short(shopsCpu(cpu))} ms`, 'CPU per transaction') : ''}${fact(`${short(lateMs)} ms`, 'the load itself was late (p99), times include it')}</div>
<div class="charts"><figure><h4>Latency by transaction, from the intended start</h4>${latencyChart(lines)}${legendOf(lines)}</figure>
${overTime('Transactions a second', [course(samples, 'came', '#94a3b8', (s) => s.begun), course(samples, 'went right', GOOD, (s) => s.done), course(samples, 'went wrong', BAD, (s) => s.failed)], seconds)}
${overTime('Latency over time, milliseconds', [course(samples, 'p50', colorOf(0), (s) => s.p50), course(samples, 'p99', colorOf(1), (s) => s.p99)], seconds)}
${overTime('Under way', [course(samples, 'transactions', colorOf(4), (s) => s.underWay)], seconds)}
${shopsCpu(cpu) > 0 ? `<figure><h4>CPU per transaction</h4>${cpuChart([{ label: 'the shop', cpu: shop }, { label: 'the load itself', cpu: { load: own } }])}</figure>` : ''}${errors.length > 0 ? `<figure><h4>Errors</h4>${barChart(errors)}</figure>` : ''}</div>
<h2>Transactions</h2>${htmlTable([...HEAD, 'other right ends'], transactions.map(({ name, measured, outcomes }) => timed(name, measured, outcomesOf(outcomes) || '–')), [8, 9])}
<ul>${transactions.map(({ name, doc: what }) => `<li>${escape(name)}: ${escape(what)}</li>`).join('')}</ul>
<h2>Steps</h2><p>Each request of the transactions, from when it was sent.</p>${htmlTable(HEAD, steps.map(({ name, measured }) => timed(name, measured, '').slice(0, -1)), [8])}
${checks.length > 0 ? `<h2>What must hold</h2>${checksTable(checks)}` : ''}</section></html>
`
}
