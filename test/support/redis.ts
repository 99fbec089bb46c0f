import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { until } from './until.ts'
import { freePort } from './whole-shop.ts'

/** The server's program: from SOUK_TEST_REDIS_SERVER, or redis-server as the system has it; null when it has none. */
export const redisProgram: string | null = [process.env['SOUK_TEST_REDIS_SERVER'], 'redis-server'].find((path) => path && spawnSync(path, ['--version']).status === 0) ?? null

if (!redisProgram) process.stderr.write('There is no redis-server (Debian: apt-get install redis-server), so what runs on Redis is left out.\n')

/** A Redis of a test's own. */
export interface TestRedis {
  url: string
  port: number
  /** One command on a connection of its own. */
  command(name: string, ...args: string[]): Promise<unknown>
  /** SIGKILL, without a moment's notice. */
  kill(): Promise<void>
  /** Starts it again on its port and its files, after `kill`. */
  start(): Promise<void>
  /** SIGSTOP and SIGCONT. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

/** A cluster's bus is 10,000 above its port. */
async function portWithBus(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port < 55_000) return port
  }
}

/** Starts a Redis on a free port of 127.0.0.1. It writes its log before it answers, as production does, but the disk may lag. */
export async function startRedis(settings: readonly string[] = []): Promise<TestRedis> {
  const port = await portWithBus()
  const dir = mkdtempSync(join(tmpdir(), 'souk-redis-'))
  let child: ChildProcess
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    command: (name, ...args) => command(port, name, ...args),
    async start() {
      child = spawn(redisProgram!, ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec', ...settings], { stdio: 'ignore' })
      await until('Redis answers', () => answers(port))
    },
    async kill() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) await redis.kill()
      rmSync(dir, { recursive: true, force: true })
    }
  }
  await redis.start()
  return redis
}

/** Three masters without replicas, each with a third of the slots; `url` names two of them. */
export async function startRedisCluster(settings: readonly string[] = []): Promise<{ url: string; nodes: readonly TestRedis[]; stop: () => Promise<void> }> {
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis(['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', '2000', ...settings])))
  const third = Math.ceil(16_384 / nodes.length)
  await Promise.all(nodes.map((node, i) => node.command('CLUSTER', 'ADDSLOTSRANGE', String(i * third), String(Math.min((i + 1) * third, 16_384) - 1))))
  await Promise.all(nodes.slice(1).map((node) => node.command('CLUSTER', 'MEET', '127.0.0.1', String(nodes[0]!.port))))
  await until('the cluster is whole', async () => {
    const infos = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))
    return infos.every((info) => String(info).includes('cluster_state:ok') && String(info).includes('cluster_known_nodes:3'))
  })
  return { url: nodes.slice(0, 2).map((n) => n.url).join(','), nodes, stop: async () => void (await Promise.all(nodes.map((n) => n.stop()))) }
}

async function command(port: number, name: string, ...args: string[]): Promise<unknown> {
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: null })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.call(name, ...args)
  } finally {
    client.disconnect()
  }
}

const answers = (port: number): Promise<boolean> => command(port, 'PING').then(() => true, () => false)
