import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { signalAll } from './processes.ts'
import { announced, serving, startNode, temporaryDirectory, type NodeProcess } from './node-process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

/** A real shop in processes of its own, as `npm start` runs it; `cleanUp` of node-process.ts ends it. */
export interface WholeShop {
  /** Of the gateway, e.g. `http://127.0.0.1:4567`. */
  readonly url: string
  readonly operations: string
  databases(): { main: string; orders: readonly string[] }
  output(): string
  /** One line typed into the node's REPL; answers what it printed. */
  repl(...words: string[]): Promise<string>
  /** Kills every process of the node at once, its engines too. */
  powerCut(): Promise<void>
  /** Starts it again on the same data. */
  restart(): Promise<void>
}

/** Below the ports that systems give to connections going out, any of which could take a port before the shop does. */
const PORTS = { from: 12_000, to: 32_000 }

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** A port of loopback that nobody had a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to)
    if (await isFree(port)) return port
  }
}

/** Starts a shop with a small demo catalogue and the test doors open; `env` are further settings. Resolves when it serves. */
export async function startWholeShop(env: Record<string, string> = {}): Promise<WholeShop> {
  const dir = join(temporaryDirectory(), 'souk')
  const [port, operationsPort] = [await freePort(), await freePort()]
  const args = ['--port', String(port), '--ops-port', String(operationsPort), '--data-dir', dir, '--products', '60']
  const start = async (): Promise<NodeProcess> => {
    const started = startNode(args, { SOUK_TEST_DOORS: '1', ...env })
    await serving(started)
    return started
  }
  let node = await start()
  return {
    url: `http://127.0.0.1:${port}`,
    operations: `http://127.0.0.1:${operationsPort}`,
    databases() {
      const { databaseUrl, ordersDatabaseUrls } = announced(dir)
      return { main: databaseUrl, orders: ordersDatabaseUrls }
    },
    output: () => node.output(),
    async repl(...words) {
      const { stdout } = await run(process.execPath, ['nodes/repl.ts', '--data-dir', dir, ...words], { cwd: root, timeout: 60_000 })
      return stdout
    },
    async powerCut() {
      await signalAll(node.child.pid!, 'SIGKILL')
      await node.exited
    },
    async restart() {
      node = await start()
    }
  }
}
