import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const children = new Set<ChildProcess>()
const directories: string[] = []

/** A directory that goes away with the test, and that an engine's own user can reach. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'souk-node-'))
  chmodSync(dir, 0o755)
  directories.push(dir)
  return dir
}

/** A node as its user starts it: a process. */
export interface NodeProcess {
  child: ChildProcess
  /** Everything it has written so far. */
  output: () => string
  exited: Promise<number | null>
}

/** Starts a node with these options; it inherits nothing of this run's settings. `within`: a command that runs the one behind it. */
export function startNode(args: readonly string[], env: Record<string, string> = {}, within: readonly string[] = []): NodeProcess {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SOUK_|DATABASE_URL|ORDERS_|NATS_|REDIS_|MONGODB_|ELASTICSEARCH_|KAFKA_|CLICKHOUSE_|S3_|NODE_OPTIONS|NODE_NO)/.test(name)))
  const [command, ...words] = [...within, process.execPath, '--disable-warning=TimeoutNegativeWarning', 'nodes/start.ts', ...args] as [string, ...string[]]
  const child = spawn(command, words, { cwd: root, env: { ...inherited, ...env } as NodeJS.ProcessEnv, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  children.add(child)
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  void exited.then(() => children.delete(child))
  return { child, output: () => output, exited }
}

/** Resolves with the exit code and what was written; for starts that must fail. */
export async function failedStart(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  const node = startNode(args, env)
  const code = await node.exited
  return { code, output: node.output() }
}

/** Resolves when the node has said that it serves. */
export const serving = (node: NodeProcess): Promise<unknown> =>
  until('the node serves', () => {
    if (node.child.exitCode !== null) throw new Error(`the node ended: ${node.output()}`)
    return node.output().includes('Ctrl-C stops it.')
  }, 120_000)

/** What the node on this directory says of itself. */
export const announced = (dir: string) => JSON.parse(readFileSync(join(dir, 'node.json'), 'utf8')) as { pid: number; address: string; operations: string; databaseUrl: string; ordersDatabaseUrls: string[] }

/** Ends one node and removes its directory; others go on. */
export async function endNode({ child, exited }: NodeProcess, dir: string): Promise<void> {
  child.kill('SIGTERM')
  await exited
  rmSync(dir, { recursive: true, force: true })
}

/** Ends what a test left running, and removes its directories. */
export async function cleanUp(): Promise<void> {
  for (const child of children) child.kill('SIGTERM')
  await until('every node has ended', () => children.size === 0, 30_000)
  for (const dir of directories) rmSync(dir, { recursive: true, force: true })
}
