import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { enginesUp, programsOf } from '../../infra/stack/lifecycle.ts'
import { isAlive } from '../../infra/stack/processes.ts'
import { enginesOf } from '../../infra/stack/registry.ts'
import { Stack } from '../../infra/stack/stack.ts'
import { watch } from '../../infra/stack/watcher.ts'
import { booksNamed, type Whereabouts } from '../audit/books.ts'
import { temporaryDirectory } from '../support/node-process.ts'
import { signal, signalAll } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { freePort } from '../support/whole-shop.ts'
import { TRIED } from './embedded-place.ts'
import { failovers } from './failover.ts'
import { PROVIDER_FAULTS, type Fault, type Place, type Plan } from './fault.ts'
import { KeptNode } from './kept-node.ts'
import { Network } from './network.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The nodes, by name and profile: two ways in, two for what actors own, so that each may be missed. */
const NODES = [['edge-1', 'edge'], ['edge-2', 'edge'], ['commerce-1', 'commerce'], ['commerce-2', 'commerce'], ['catalogue-1', 'catalogue'], ['background-1', 'background']] as const
/** The node with a network of its own. */
const APART = 'commerce-2'
/** An engine that was killed is started anew by the stack's watcher, and answers within this. */
const ENGINE_MS = 120_000

/** One server, or masters with replicas. */
export type SiteRedis = 'redis' | 'redis-cluster'

const ENGINES = ['nats', 'redis', 'postgres', 'kafka', 'elasticsearch', 'mongo', 'clickhouse', 's3'] as const
type EngineName = (typeof ENGINES)[number]

const enginesWith = (redis: SiteRedis): EngineName[] => ENGINES.filter((name) => name !== 'redis' || redis === 'redis')

const stackCommand = (...args: string[]): Promise<{ stdout: string }> =>
  run(process.execPath, ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning', 'infra/stack/cli.ts', ...args], { cwd: root, maxBuffer: 1e7 })

/** Every engine of a large site with nginx before two edges, and nodes of every profile, joined over NATS. */
class Site {
  readonly #stack: Stack
  readonly #redis: SiteRedis
  readonly network: Network
  readonly nodes: readonly KeptNode[]

  constructor(stack: Stack, redis: SiteRedis, network: Network, nodes: readonly KeptNode[]) {
    this.#stack = stack
    this.#redis = redis
    this.network = network
    this.nodes = nodes
  }

  async ready(): Promise<void> {
    const engines = [...enginesWith(this.#redis), ...(this.#redis === 'redis-cluster' ? ['redis-cluster'] : [])].flatMap((name) => enginesOf(name))
    await Promise.all(engines.map((engine) => until(`${engine.name} answers`, () => engine.probe(this.#stack).then(() => true, () => false), ENGINE_MS)))
    await Promise.all(this.nodes.map((node) => node.ready()))
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
    await this.network.close()
    await watch(this.#stack) // where a fault kept something away
  }

  #programs(engine: EngineName) {
    const programs = programsOf(this.#stack, enginesOf(engine)[0]!)
    if (programs.length === 0) throw new Error(`${engine} does not run in the stack`)
    return programs.filter(isAlive)
  }

  async end(engine: EngineName, how: 'kill' | 'stop'): Promise<void> {
    for (const { pid, program } of this.#programs(engine)) {
      if (how === 'kill') await signalAll(pid, 'SIGKILL')
      else signal(pid, program.stopSignal ?? 'SIGTERM')
    }
  }

  async pause(engine: EngineName, ms: number): Promise<void> {
    const pids = this.#programs(engine).map(({ pid }) => pid)
    for (const pid of pids) await signalAll(pid, 'SIGSTOP')
    await sleep(ms)
    for (const pid of pids) await signalAll(pid, 'SIGCONT')
  }
}

/** What can go wrong at the site, once there is one. */
function faultsAt(stack: Stack, redis: SiteRedis, site: () => Site): Fault[] {
  const node = (name: string): KeptNode => site().nodes.find((n) => n.name === name)!
  return [
    ...(['edge-1', 'commerce-1', 'background-1'] as const).flatMap((name): Fault[] => {
      const thread = NODES.find(([n]) => n === name)![1] === 'edge' ? 'web' : name.split('-')[0]!
      return [
        { name: `${name}-thread-dies`, doc: `thread ${thread} of ${name} ends as a crash would end it`, seconds: 0, happen: () => node(name).door(thread, 'exit') },
        {
          name: `${name}-thread-blocked`, doc: `thread ${thread} of ${name} computes and does nothing else`, seconds: 5,
          happen: async ({ ms }) => void (await Promise.all([node(name).door(thread, 'block', { ms }), sleep(ms)]))
        },
        { name: `${name}-killed`, doc: `${name} ends at once (SIGKILL)`, seconds: 0, happen: () => node(name).kill() },
        { name: `${name}-paused`, doc: `${name} gets no time (SIGSTOP)`, seconds: 10, happen: ({ ms }) => node(name).pause(ms) }
      ]
    }),
    ...enginesWith(redis).flatMap((engine): Fault[] => [
      { name: `${engine}-killed`, doc: `${engine} ends at once (SIGKILL)`, seconds: 0, happen: () => site().end(engine, 'kill') },
      { name: `${engine}-restarted`, doc: `${engine} is stopped in order and started again`, seconds: 0, happen: () => site().end(engine, 'stop') },
      { name: `${engine}-paused`, doc: `${engine} gets no time (SIGSTOP)`, seconds: 8, happen: ({ ms }) => site().pause(engine, ms) }
    ]),
    ...(redis === 'redis' ? waysFaults(() => site().network) : failovers(stack)),
    { name: 'outbox-full', doc: 'Kafka gets no time for long: outboxes fill', seconds: 30, happen: ({ ms }) => site().pause('kafka', ms) },
    ...PROVIDER_FAULTS,
    {
      name: 'rolling-restart', doc: 'every node in turn is stopped in order and started again', seconds: 0, isSmooth: true,
      happen: async () => {
        for (const one of site().nodes) await one.restart()
      }
    }
  ]
}

/** What may happen to the ways between nodes and engines. */
function waysFaults(network: () => Network): Fault[] {
  return [
    { name: 'network-cut', doc: `${APART} reaches nobody and nobody reaches it`, seconds: 15, happen: ({ ms }) => network().cut(ms) },
    { name: 'nodes-apart', doc: `${APART} and the other nodes hear nothing of each other, and all reach the engines`, seconds: 15, happen: ({ ms }) => network().apart(ms) },
    { name: 'latency', doc: 'every answer of an engine to a node arrives 60 ms later', seconds: 10, happen: ({ ms }) => network().slow(60, ms) }
  ]
}

interface SiteOptions {
  /** Of the stack. */
  dir: string
  products: number
  redis: SiteRedis
  say: (line: string) => void
}

/** A site on the stack of that directory, which is brought up for it and goes on running afterwards. */
export function sitePlan(options: SiteOptions): Plan {
  const { dir, products, redis } = options
  let opened: Site | undefined
  const open = async (): Promise<Place> => {
    const { url, books, site: there } = await openSite(options)
    opened = there
    const doc = `${NODES.length} nodes (${NODES.map(([name]) => name).join(', ')}) behind nginx, every engine${redis === 'redis' ? '' : ', Redis as a cluster'}, ${products} products`
    return { doc, url, books: () => books, ready: () => there.ready(), close: () => there.close() }
  }
  return { faults: faultsAt(new Stack(dir), redis, () => opened!), open }
}

async function openSite({ dir, products, redis, say }: SiteOptions): Promise<{ site: Site; url: string; books: Whereabouts }> {
  const edges = [await freePort(), await freePort()]
  say(`brings the stack in ${dir} up`)
  await stackCommand('--dir', dir, '--edges', edges.join(','))
  if (redis === 'redis-cluster') await stackCommand('--dir', dir, '--only', redis)
  const env = JSON.parse((await stackCommand('env', '--json', '--dir', dir)).stdout) as Record<string, string>
  const { NGINX_URL: url, ...engines } = env
  if (!url) throw new Error('nginx does not run in the stack')
  const stack = new Stack(dir)
  const missing = ENGINES.filter((name) => !enginesUp(stack).some((engine) => engine.name === name))
  if (missing.length > 0) throw new Error(`the stack in ${dir} has no ${missing.join(', ')}`)
  if (redis === 'redis-cluster') engines['REDIS_URL'] = engines['REDIS_CLUSTER_URLS']!
  Object.assign(process.env, engines) // for the audit
  const network = await Network.open(redis === 'redis' ? APART : null)
  const home = temporaryDirectory()
  const nodes: KeptNode[] = []
  for (const [i, [name, profile]] of NODES.entries()) {
    const operations = await freePort()
    const dataDir = join(home, name)
    const args = ['--profile', profile, '--ops-port', String(operations), '--data-dir', dataDir, '--products', String(products), ...(profile === 'edge' ? ['--port', String(edges[i]!)] : [])]
    const { env: routed, within } = await network.routes(name, engines)
    nodes.push(new KeptNode({ name, args, env: { ...routed, ...TRIED, SOUK_NODE: name, SOUK_TRUSTED_PROXIES: '1' }, dataDir, operations: `http://127.0.0.1:${operations}`, ...(within ? { within } : {}) }))
  }
  const site = new Site(stack, redis, network, nodes)
  say(`starts ${nodes.map(({ name }) => name).join(', ')}`)
  for (const node of nodes) node.start()
  try {
    await site.ready()
  } catch (error) {
    await site.close()
    throw error
  }
  return { site, url, books: booksNamed() as Whereabouts }
}
