import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { runningNode } from '../../nodes/data-directory.ts'
import { threadsOf } from '../../nodes/profiles.ts'
import { booksOf, type Whereabouts } from '../audit/books.ts'
import { temporaryDirectory } from '../support/node-process.ts'
import { signal } from '../support/processes.ts'
import { freePort } from '../support/whole-shop.ts'
import { PROVIDER_FAULTS, type Fault, type Place, type Plan } from './fault.ts'
import { KeptNode } from './kept-node.ts'

/** Settings of every shop that is tried: clients come from one address, parcels move soon, the test doors are open. */
export const TRIED = { SOUK_TEST_DOORS: '1', SOUK_LIMIT_AUTH_PER_MINUTE: '1000000', SOUK_DEMO_CARRIER_S: '3', SOUK_LOG_LEVEL: 'error' }

/** Keeps the event log from taking anything for so long: outboxes fill. */
async function withoutLog(url: string, ms: number): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('BEGIN; LOCK TABLE log.event IN EXCLUSIVE MODE')
    await sleep(ms)
    await client.query('ROLLBACK')
  } finally {
    await client.end()
  }
}

/** A fresh shop on this machine in one process of that profile, with every engine in it. `env`: further settings. */
export function embeddedPlan(profile: string, products: number, env: Record<string, string> = {}): Plan {
  let shop: Shop | undefined
  const open = async (): Promise<Place> => {
    shop = await start(profile, products, env)
    const { node, url, books } = shop
    return { doc: `a fresh shop in one process (${profile}), ${products} products`, url, books: () => books, ready: () => node.ready(), close: () => node.stop() }
  }
  return { faults: faultsIn(threadsOf(profile, true).map(({ name }) => name), () => shop!), open }
}

interface Shop {
  node: KeptNode
  url: string
  /** Where its engines are: they stay there. */
  books: Whereabouts
}

async function start(profile: string, products: number, env: Record<string, string>): Promise<Shop> {
  const dir = join(temporaryDirectory(), 'souk')
  const [port, operations] = [await freePort(), await freePort()]
  const args = ['--profile', profile, '--port', String(port), '--ops-port', String(operations), '--data-dir', dir, '--products', String(products)]
  const node = new KeptNode({ name: 'souk', args, env: { ...TRIED, ...env }, dataDir: dir, operations: `http://127.0.0.1:${operations}` })
  node.start()
  try {
    await node.ready()
  } catch (error) {
    await node.stop()
    throw error
  }
  return { node, url: `http://127.0.0.1:${port}`, books: booksOf(runningNode(dir)!) }
}

/** What can go wrong with the shop, once there is one. */
function faultsIn(threads: readonly string[], shop: () => Shop): Fault[] {
  const postgres = async (name: NodeJS.Signals): Promise<void> => (await shop().node.engines('postgres')).forEach((pid) => signal(pid, name))
  return [
    ...threads.map((thread): Fault => ({ name: `${thread}-dies`, doc: `thread ${thread} ends as a crash would end it`, seconds: 0, happen: () => shop().node.door(thread, 'exit') })),
    ...threads.map((thread): Fault => ({
      name: `${thread}-blocked`, doc: `thread ${thread} computes and does nothing else`, seconds: 4,
      happen: async ({ ms }) => void (await Promise.all([shop().node.door(thread, 'block', { ms }), sleep(ms)]))
    })),
    { name: 'node-paused', doc: 'the process gets no time (SIGSTOP)', seconds: 10, happen: ({ ms }) => shop().node.pause(ms) },
    { name: 'node-restarted', doc: 'the node is stopped in order and started again', seconds: 0, happen: () => shop().node.restart() },
    { name: 'power-cut', doc: 'every process of the node ends at once (SIGKILL), its engines too', seconds: 0, happen: () => shop().node.kill() },
    { name: 'postgres-killed', doc: 'PostgreSQL ends with all its processes (SIGKILL)', seconds: 0, happen: () => postgres('SIGKILL') },
    {
      name: 'postgres-paused', doc: 'PostgreSQL and all its processes get no time (SIGSTOP)', seconds: 8,
      async happen({ ms }) {
        await postgres('SIGSTOP')
        await sleep(ms)
        await postgres('SIGCONT')
      }
    },
    { name: 'outbox-full', doc: 'the event log takes nothing: outboxes fill', seconds: 20, happen: ({ ms }) => withoutLog(shop().books.main, ms) },
    ...PROVIDER_FAULTS
  ]
}
