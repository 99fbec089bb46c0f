import { barChart, colorOf, escape, htmlTable, legendOf, STYLE, timeChart, type Line } from '../bench/charts.ts'
import { settingInWords } from '../bench/machine.ts'
import { HEAD, isRight, rowOf, verdictOf, type ChaosReport } from './report.ts'

// The run as one page that needs nothing else.

const OWN_STYLE = '.fault{fill:#fee2e2}.passed{color:#15803d}.wide svg{max-width:100%}'
const [ANSWERED, REFUSED] = [colorOf(0), colorOf(7)]

const points = (counts: readonly number[]): [number, number][] => counts.map((count, second) => [second, count])

/** The report as a page of HTML without anything from outside. */
export function pageOf(report: ChaosReport): string {
  const { outcomes, answered, refused, seconds, place, mutant } = report
  const lines: Line[] = [{ name: 'answered', color: ANSWERED, points: points(answered) }, { name: 'not answered, asked again', color: REFUSED, points: points(refused) }]
  const faults = (x: (at: number) => number, top: number, bottom: number): string =>
    outcomes.map(({ fault, from, to }) => `<rect class="fault" x="${x(from).toFixed(1)}" y="${top}" width="${Math.max(0.6, x(to) - x(from)).toFixed(1)}" height="${bottom - top}"><title>${escape(fault)}</title></rect>`).join('')
  const back = barChart(outcomes.map(({ fault, backSeconds }) => ({ label: fault, parts: [{ value: backSeconds ?? 0, color: backSeconds === null ? REFUSED : ANSWERED, title: fault }], note: backSeconds === null ? 'never' : `${backSeconds.toFixed(1)} s` })))
  const wrong = outcomes.flatMap((o) => o.wrong.map((text) => `<p class="violation">${escape(`${o.fault}: ${text}`)}</p>`)).join('')
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Souk: chaos ${escape(report.at.slice(0, 16))}</title><style>${STYLE}${OWN_STYLE}</style>
<h1>Souk: when things go wrong</h1><p>${[...settingInWords(report), place, ...(mutant ? [`broken on purpose: ${mutant}`] : [])].map(escape).join(' · ')}</p>
<p class="${isRight(report) ? 'passed' : 'violation'}">${escape(verdictOf(report))}</p>${wrong}
<figure class="wide"><h4>Requests a second; what went wrong is shaded</h4>${timeChart(lines, seconds, faults)}${legendOf(lines)}</figure>
<h2>Back by itself</h2><p>Seconds from when the cause was gone until somebody who began then had bought something.</p><figure>${back}</figure>
<h2>What clients saw</h2>${htmlTable(HEAD, outcomes.map(rowOf), [HEAD.length - 1])}
<h2>Faults</h2><ul>${outcomes.map(({ fault, doc }) => `<li><b>${escape(fault)}</b>: ${escape(doc)}</li>`).join('')}</ul></html>
`
}
