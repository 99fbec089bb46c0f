// `npm run load`: puts a shop under the load of a mix of transactions, checks what it did, and audits its books.
import { violationsOf } from '../bench/books.ts'
import { cpuBetween } from '../bench/load/cpu.ts'
import { progress, say, settingNow, writeResults } from '../bench/machine.ts'
import { short } from '../bench/report.ts'
import { Api } from './api.ts'
import { runLoad, type LoadFigures, type Sample } from './load.ts'
import type { Mix, PreparedMix } from './mix.ts'
import { browse } from './mixes/browse.ts'
import { cart } from './mixes/cart.ts'
import { checkout } from './mixes/checkout.ts'
import { flashSale } from './mixes/flash-sale.ts'
import { onlineMarketplace } from './marketplace/online-marketplace.ts'
import { readOptions, type Options } from './options.ts'
import { pageOf } from './page.ts'
import { countsOf, tablesOf, wrongOf, type LoadReport } from './report.ts'
import { cpuOfAll, openTarget, type Target } from './target.ts'

const MIXES: readonly Mix[] = [browse, cart, checkout, flashSale, onlineMarketplace]
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

async function reportOf(target: Target, options: Options): Promise<LoadReport> {
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

async function load(options: Options): Promise<boolean> {
  progress(options.urls.length + options.dataDirs.length > 0 ? 'joins the shop' : 'starts a fresh shop')
  const target = await openTarget(options)
  const stop = (): void => void target.close().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const report = await reportOf(target, options)
    say(tablesOf(report))
    const name = writeResults(options.out, report, pageOf(report), `${options.mix.name}-`)
    say(`Written: ${name}.json, ${name}.html`)
    return report.wrong.length === 0
  } finally {
    await target.close()
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), MIXES)
  if ('print' in options) return say(options.print)
  if (!(await load(options))) process.exitCode = 1
}

await main().catch((error: unknown) => {
  console.error(`souk: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
