import { Redis } from 'ioredis'
import type { Engine, Program } from '../engine.ts'
import type { Stack } from '../stack.ts'

interface RedisSettings {
  host: string
  port: number
  dir: string
  password: string
  /** Members of a cluster know each other over a second port. */
  cluster?: boolean
}

/** A server that has on disk what it acknowledged, and that never drops what it was given to make room. */
export const redisConfig = ({ host, port, dir, password, cluster = false }: RedisSettings): string =>
  [
    `bind ${host}`,
    `port ${port}`,
    `dir ${dir}`,
    `requirepass ${password}`,
    'protected-mode yes',
    'set-proc-title no',
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory-policy noeviction',
    ...(cluster
      ? [`masterauth ${password}`, 'cluster-enabled yes', `cluster-port ${port + 10_000}`, 'cluster-config-file nodes.conf', 'cluster-node-timeout 2000', 'repl-diskless-sync-delay 0']
      : []),
    ''
  ].join('\n')

/** Runs `use` on a connection that gives up at once. */
export async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 2_000, commandTimeout: 5_000, maxRetriesPerRequest: 0, retryStrategy: null })
  redis.on('error', () => {}) // the command says it
  try {
    await redis.connect()
    return await use(redis)
  } finally {
    redis.disconnect()
  }
}

export const redisUrl = (stack: Stack, port: number): string => `redis://:${stack.secret('redis')}@${stack.host}:${port}`

/** A server with its configuration and data in `dir`. */
export function redisProgram(stack: Stack, name: string, dir: string, port: number, cluster = false): Program {
  const file = stack.configure(`${dir}/redis.conf`, redisConfig({ host: stack.host, port, dir, password: stack.secret('redis'), cluster }))
  return { name, command: '/usr/bin/redis-server', args: [file] }
}

export const redis: Engine = {
  name: 'redis',
  title: 'Redis (Debian)',
  byDefault: true,
  needs: [],
  packages: ['redis-server'],
  ports: { main: 16379 },

  isInstalled: () => true,
  install: async () => {},
  configure: async (stack) => [redisProgram(stack, 'redis', stack.own('redis'), stack.port('redis'))],

  /** While it reads its log it refuses with LOADING. */
  probe: (stack) => withRedis(redisUrl(stack, stack.port('redis')), async (client) => void (await client.ping())),

  environment: (stack) => ({ REDIS_URL: redisUrl(stack, stack.port('redis')) })
}
