import { runningNode } from '../../nodes/data-directory.ts'
import { cpuOfNode, cpuOfProcess, cpuOfServers, type CpuTimes } from '../bench/load/cpu.ts'
import { serversOf } from '../bench/load/servers.ts'
import { enginesOf, joinShop, startShop, type Inside, type Shop } from '../bench/shop.ts'
import type { Options } from './options.ts'

/** The shop that is put under load: its gateways, and what is known of its inside. */
export interface Target {
  urls: readonly string[]
  inside: Inside | null
  /** What it is, in a few words. */
  what: string
  /** CPU spent so far by its nodes and their engines, as far as they are known. */
  cpu(): CpuTimes
  close(): Promise<void>
}

/** A fresh shop's demo carrier leaves parcels to the load's own. */
const SETTINGS_OF_FRESH = { SOUK_DEMO_CARRIER_S: '86400' }

/** What is started: so many nodes that are joined, each with so many threads of a kind. */
export interface Size {
  nodes: number
  /** Null: as many as the profile says. */
  threads: number | null
}

const sumOf = (all: readonly CpuTimes[]): CpuTimes => {
  const sum: CpuTimes = {}
  for (const [name, ms] of all.flatMap((times) => Object.entries(times))) sum[name] = (sum[name] ?? 0) + ms
  return sum
}

/** Starts nodes that end with the target; their CPU is told as that of one. */
export async function startTarget({ products, stack }: Pick<Options, 'products' | 'stack'>, { nodes, threads }: Size = { nodes: 1, threads: null }): Promise<Target> {
  const env = { ...(stack ? enginesOf(process.env) : {}), ...SETTINGS_OF_FRESH, ...(threads === null ? {} : { SOUK_THREADS: String(threads) }) }
  const shops: Shop[] = []
  const close = async (): Promise<void> => void (await Promise.all(shops.map((shop) => shop.close())))
  try {
    while (shops.length < nodes) shops.push(await startShop(products, env))
  } catch (error) {
    await close()
    throw error
  }
  const what = stack ? `${nodes === 1 ? 'a fresh node' : `${nodes} fresh nodes`} on the stack` : `a fresh shop with ${products.toLocaleString('en')} products`
  return { urls: shops.map(({ url }) => url), inside: shops[0]!.inside, what, cpu: () => sumOf(shops.map(({ inside }) => cpuOfNode(inside!.pid))), close }
}

function running({ urls: given, dataDirs }: Options): Target {
  const nodes = dataDirs.map((dir) => {
    const node = runningNode(dir)
    if (!node) throw new Error(`${dir}: no node runs there`)
    return node
  })
  const urls = given.length > 0 ? given : nodes.flatMap(({ address }) => address ?? [])
  if (urls.length === 0) throw new Error(`${dataDirs.join(', ')}: no node with a gateway runs there, name one by --url`)
  const shop = joinShop(urls[0]!, dataDirs[0] ?? null)
  // The threads of several nodes are told apart by the node's name.
  const named = (name: string, times: CpuTimes): CpuTimes => (nodes.length > 1 ? Object.fromEntries(Object.entries(times).map(([thread, ms]) => [thread.replace(/^node /, `${name} `), ms])) : times)
  return { urls, inside: shop.inside, what: urls.join(', '), cpu: () => Object.assign({}, ...nodes.map(({ node, pid }) => named(node, cpuOfNode(pid)))) as CpuTimes, close: () => shop.close() }
}

/** Starts a shop, or joins one that runs. */
export const openTarget = (options: Options): Promise<Target> => (options.urls.length > 0 || options.dataDirs.length > 0 ? Promise.resolve().then(() => running(options)) : startTarget(options))

/** CPU of the target, of the engines on this machine that the environment names, and of the load itself. */
export const cpuOfAll = (target: Target): CpuTimes => ({ ...target.cpu(), ...cpuOfServers(serversOf(process.env)), ...cpuOfProcess('load', process.pid) })
