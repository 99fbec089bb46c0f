import { setTimeout as sleep } from 'node:timers/promises'
import { cpuBetween, type CpuTimes } from '../bench/load/cpu.ts'
import { progress, say, settingNow, writeResults } from '../bench/machine.ts'
import { positive } from '../bench/options.ts'
import { measure } from './measure.ts'
import type { Mix } from './mix.ts'
import { given, parse, type Options } from './options.ts'
import { faultsOf, GROWTH_ALLOWED, scalingPage, scalingTable, type Scaled, type ScalingReport } from './scaling-report.ts'
import { shopsCpu } from './report.ts'
import { cpuOfAll, startTarget, type Size, type Target } from './target.ts'

/** `npm run load -- scaling`: the same load on more threads, or on more nodes, and what a transaction costs in CPU. */
interface ScalingOptions {
  run: Options
  sizes: readonly Size[]
}

const DEFAULT_MIX = 'checkout'
const [THREADS, NODES] = ['1,2,4', '1,2,3']
/** What a shop takes that nobody asks anything of: behind the load, when all that followed from it is done. */
const [SETTLE_MS, IDLE_MS] = [3_000, 6_000]

const USAGE = `npm run load -- scaling [options]   the same load on 1, 2 and 4 threads of each kind, or with --stack on 1, 2 and 3 joined nodes: what a transaction costs in CPU must not grow

  --mix <mix>         of npm run load (${DEFAULT_MIX})
  --rate <n>          transactions a second, the same for each size (by mix)
  --seconds <n>       how long each (20)
  --warm-up <n>       seconds before, for each thread or node, so that all have warm code (6)
  --threads <a,b>     threads of each kind that people wait for (${THREADS}; with --stack: what the profile says)
  --nodes <a,b>       with --stack: joined nodes with everything (${NODES}), the load on their gateways in turn
  --products <n>      catalogue of the fresh shops (1000)
  --stack[=<dir>]     on the running stack
  --out <dir>         where the results go (.souk/load)

exit 0: no transaction costs more than ${Math.round((GROWTH_ALLOWED - 1) * 100)} % above the smallest size, each keeps up with the load, and all books are right · 1: not so`

const text = { type: 'string' } as const
const FLAGS = { mix: text, rate: text, seconds: text, 'warm-up': text, threads: text, nodes: text, products: text, customers: text, stack: { type: 'boolean' }, out: text, help: { type: 'boolean', short: 'h' } } as const

function sizesOf(values: ReturnType<typeof parse>['values']): Size[] {
  const numbers = (option: string, fallback: string): number[] => (given(values[option]) ?? fallback).split(',').map((one) => Math.ceil(positive(option, one)))
  if (values['stack'] !== true) {
    if (values['nodes'] !== undefined) throw new Error('several nodes share their engines: --nodes wants --stack')
    return numbers('threads', THREADS).map((threads) => ({ nodes: 1, threads }))
  }
  if (values['threads'] !== undefined && values['nodes'] === undefined) return numbers('threads', THREADS).map((threads) => ({ nodes: 1, threads }))
  if (values['threads'] !== undefined) throw new Error('one thing at a time: --threads or --nodes')
  return numbers('nodes', NODES).map((nodes) => ({ nodes, threads: null }))
}

/** Reads the command line; a text is what to print instead of running. Throws one clear line for what cannot be read. */
export function readScaling(args: readonly string[], mixes: readonly Mix[]): ScalingOptions | { print: string } {
  const { words, values } = parse(args, FLAGS)
  if (values['help']) return { print: USAGE }
  if (words.length > 0) throw new Error(`scaling takes no further words: ${words.join(' ')}`)
  const name = given(values['mix']) ?? DEFAULT_MIX
  const mix = mixes.find((one) => one.name === name && !one.once)
  if (!mix) throw new Error(`there is no mix "${name}" that can be run again and again: choose of ${mixes.filter((one) => !one.once).map((one) => one.name).join(', ')}`)
  const number = (option: string, fallback: number): number => (given(values[option]) === null ? fallback : positive(option, given(values[option])!))
  const run: Options = {
    mix, rate: number('rate', mix.rate), seconds: number('seconds', 20), warmUp: number('warm-up', 6), products: Math.ceil(number('products', 1_000)), urls: [], dataDirs: [], stack: values['stack'] === true,
    out: given(values['out']) ?? '.souk/load', customers: given(values['customers']) === null ? null : Math.ceil(number('customers', 0)), sellers: null, productsPerSeller: null, units: null
  }
  return { run, sizes: sizesOf(values) }
}

export const nameOf = ({ nodes, threads }: Size): string => (threads === null ? `${nodes} ${nodes === 1 ? 'node' : 'nodes'}` : `${threads} ${threads === 1 ? 'thread' : 'threads'}`)

/** Threads of one kind together. */
function byKind(cpu: CpuTimes): CpuTimes {
  const kinds: CpuTimes = {}
  for (const [name, ms] of Object.entries(cpu)) kinds[name.replace(/-\d+$/, '')] = (kinds[name.replace(/-\d+$/, '')] ?? 0) + ms
  return kinds
}

/** Milliseconds of CPU a second while nobody asks anything. */
async function idleOf(target: Target): Promise<number> {
  await sleep(SETTLE_MS)
  const [before, from] = [cpuOfAll(target), performance.now()]
  await sleep(IDLE_MS)
  return shopsCpu(cpuBetween(before, cpuOfAll(target))) / ((performance.now() - from) / 1_000)
}

async function scaled(size: Size, run: Options): Promise<Scaled> {
  progress(`${nameOf(size)}: starts`)
  const target = await startTarget(run, size)
  const stop = (): void => void target.close().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const report = await measure(target, { ...run, warmUp: run.warmUp * (size.threads ?? size.nodes) })
    progress(`${nameOf(size)}: idles`)
    return { name: nameOf(size), idle: await idleOf(target), report: { ...report, cpu: byKind(report.cpu) } }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await target.close()
  }
}

/** Answers whether no transaction costs more than is allowed, and all books are right. */
export async function scaling(args: readonly string[], mixes: readonly Mix[]): Promise<boolean> {
  const options = readScaling(args, mixes)
  if ('print' in options) {
    say(options.print)
    return true
  }
  const { run, sizes } = options
  const report: ScalingReport = { format: 1, ...settingNow(), mix: run.mix.name, options: { rate: run.rate, seconds: run.seconds, stack: run.stack }, sizes: [] }
  for (const size of sizes) report.sizes.push(await scaled(size, run))
  progress('')
  say(scalingTable(report))
  const name = writeResults(run.out, report, scalingPage(report), 'scaling-')
  say(`Written: ${name}.json, ${name}.html`)
  return faultsOf(report.sizes).length === 0
}
