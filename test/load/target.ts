import { runningNode } from '../../nodes/data-directory.ts'
import { cpuOfNode, cpuOfProcess, cpuOfServers, type CpuTimes } from '../bench/load/cpu.ts'
import { serversOf } from '../bench/load/servers.ts'
import { enginesOf, joinShop, startShop, type Inside } from '../bench/shop.ts'
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

async function fresh({ products, stack }: Options): Promise<Target> {
  const shop = await startShop(products, { ...(stack ? enginesOf(process.env) : {}), ...SETTINGS_OF_FRESH })
  const { pid } = shop.inside!
  return { urls: [shop.url], inside: shop.inside, what: stack ? 'a fresh node on the stack' : `a fresh shop with ${products.toLocaleString('en')} products`, cpu: () => cpuOfNode(pid), close: () => shop.close() }
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
export const openTarget = (options: Options): Promise<Target> => (options.urls.length > 0 || options.dataDirs.length > 0 ? Promise.resolve().then(() => running(options)) : fresh(options))

/** CPU of the target, of the engines on this machine that the environment names, and of the load itself. */
export const cpuOfAll = (target: Target): CpuTimes => ({ ...target.cpu(), ...cpuOfServers(serversOf(process.env)), ...cpuOfProcess('load', process.pid) })
