import { violationsOf } from '../bench/books.ts'
import { cpuBetween } from '../bench/load/cpu.ts'
import { progress, settingNow } from '../bench/machine.ts'
import { short } from '../bench/report.ts'
import { Api } from './api.ts'
import { runLoad, type LoadFigures, type Sample } from './load.ts'
import type { PreparedMix } from './mix.ts'
import type { Options } from './options.ts'
import { countsOf, wrongOf, type LoadReport } from './report.ts'
import { cpuOfAll, type Target } from './target.ts'

/** To all gateways together; what waits for one waits in its own time. */
const CONNECTIONS = 256

const tell = (mix: string, of: number, { seconds, begun, done, failed, underWay, p50, p99 }: Sample): void =>
  progress(`${mix}: ${Math.min(of, Math.round(seconds))} of ${of} s · ${short(done)}/s right${failed > 0 ? `, ${short(failed)}/s wrong` : ''} of ${short(begun)}/s · ${underWay} under way · p50 ${short(p50)} ms, p99 ${short(p99)} ms`)

/** The load itself, and the CPU that it took of everybody. */
async function measured(target: Target, api: Api, prepared: PreparedMix, { mix, rate, seconds, warmUp }: Options): Promise<LoadFigures & Pick<LoadReport, 'cpu' | 'operations' | 'failed'>> {
  if (warmUp > 0) await runLoad(api, prepared, { rate, seconds: warmUp, onSample: (sample) => tell(`${mix.name}: warms up`, warmUp, sample) })
  const before = cpuOfAll(target)
  const figures = await runLoad(api, prepared, { rate, seconds, onSample: (sample) => tell(mix.name, seconds, sample) })
  const spent = cpuBetween(before, cpuOfAll(target))
  const counts = countsOf(figures)
  return { ...figures, ...counts, cpu: Object.fromEntries(Object.entries(spent).map(([name, ms]) => [name, ms / Math.max(1, counts.operations)])) }
}

/** Violations that the audit finds, or why there was none. */
async function audited({ inside }: Target, prepared: PreparedMix): Promise<Pick<LoadReport, 'violations' | 'notAudited'>> {
  if (!inside) return { violations: [], notAudited: 'only the address of the shop is known (--data-dir)' }
  progress('audits')
  return { violations: await violationsOf(inside, prepared.acknowledged.items), notAudited: null }
}

/** Puts the target under load, checks and audits it. */
export async function measure(target: Target, options: Options): Promise<LoadReport> {
  const { mix, rate, seconds, warmUp } = options
  const setting = settingNow()
  const api = new Api(target.urls, CONNECTIONS)
  try {
    const onProgress = (what: string): void => progress(`${mix.name}: prepares, ${what}`)
    onProgress('customers')
    const prepared = await mix.prepare({ api, inside: target.inside, seconds, rate, options, onProgress })
    const figures = await measured(target, api, prepared, options)
    progress(`${mix.name}: checks`)
    const facts = { ...figures, checks: await prepared.checks(), ...(await audited(target, prepared)) }
    progress('')
    return { format: 1, ...setting, mix: mix.name, doc: mix.doc, options: { rate, seconds, warmUp, shop: target.what }, ...facts, wrong: wrongOf(facts) }
  } finally {
    api.close()
  }
}
