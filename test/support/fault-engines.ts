import { REDIS_SLOTS } from '../../mixins/actor/redis-keys.ts'
import { RedisActors } from '../../mixins/actor/redis-actors.ts'
import { RedisLanes } from '../../mixins/outbox/redis-lanes.ts'
import { RedisServer } from '../../mixins/redis/server.ts'
import { LEDGER_KEYS, type FaultEngine } from './actor-faults.ts'
import { createActorSchema } from './actor-schema.ts'
import type { TestDatabases } from './databases.ts'
import type { FaultProxy } from './fault-proxy.ts'
import type { Ledger } from './ledger.ts'
import type { TestRedis } from './redis.ts'

interface Told {
  number: number
  entry: string
}

/** Ledgers in a schema of their own. */
export async function postgresLedgers(databases: TestDatabases, schema: string): Promise<FaultEngine> {
  await createActorSchema(databases.main, schema)
  return {
    schema,
    async ledgers() {
      const rows = await databases.query<{ key: string; state: Ledger }>(`SELECT key, state FROM ${schema}.actor`)
      return new Map(rows.map(({ key, state }) => [key, state]))
    },
    async events() {
      const rows = await databases.query<Told & { aggregate: string }>(`SELECT aggregate, number::int, body->>'entry' AS entry FROM ${schema}.outbox ORDER BY aggregate, id`)
      return Map.groupBy(rows, (row) => row.aggregate)
    },
    breakConnections: () =>
      databases.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'souk' ORDER BY random() LIMIT 2`),
    close: () => Promise.resolve()
  }
}

/** Ledgers in Redis, on one server (`through` a proxy, which loses answers half way) or on a cluster; emptied. The caller's REDIS_URL names it. */
export async function redisLedgers(nodes: readonly TestRedis[], url: string, through?: FaultProxy): Promise<FaultEngine> {
  const server = new RedisServer(url)
  const [actors, lanes] = [new RedisActors(server), new RedisLanes(server)]
  await Promise.all(nodes.map((node) => node.command('FLUSHALL')))

  const killClients = async (node: TestRedis): Promise<void> => {
    const clients = String(await node.command('CLIENT', 'LIST')).split('\n').filter((line) => line.includes(' name=souk '))
    for (const line of shuffled(clients).slice(0, 2)) await node.command('CLIENT', 'KILL', 'ID', /^id=(\d+)/.exec(line)![1]!).catch(() => {}) // gone by itself
  }
  return {
    schema: null,
    async ledgers() {
      const rows = await actors.load('ledger', LEDGER_KEYS)
      return new Map(rows.flatMap((row, i) => (row?.state ? [[LEDGER_KEYS[i]!, JSON.parse(row.state) as Ledger] as const] : [])))
    },
    async events() {
      const entries = await lanes.read(Array.from({ length: REDIS_SLOTS }, (_, slot) => slot), 1_000_000)
      const told = entries.map(({ event: { aggregate, number, body } }) => ({ aggregate, number, entry: (body as { entry: string }).entry }))
      return Map.groupBy(told, ({ aggregate }) => aggregate)
    },
    async breakConnections() {
      const node = shuffled(nodes)[0]!
      const dice = Math.random()
      if (dice < 0.1) {
        await node.kill()
        await node.start()
      } else if (through && dice < 0.6) through.cutAfter(Math.floor(Math.random() * 2_000))
      else await killClients(node)
    },
    close: () => server.close()
  }
}

const shuffled = <T>(list: readonly T[]): T[] => list.map((item) => [Math.random(), item] as const).sort(([a], [b]) => a - b).map(([, item]) => item)
