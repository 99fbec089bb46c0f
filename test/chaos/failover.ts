import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { redisCluster } from '../../infra/stack/engines/redis-cluster.ts'
import { redisUrl, withRedis } from '../../infra/stack/engines/redis.ts'
import { programsOf } from '../../infra/stack/lifecycle.ts'
import type { Stack } from '../../infra/stack/stack.ts'
import { unwatch, watch } from '../../infra/stack/watcher.ts'
import { signalAll } from '../support/processes.ts'
import { until } from '../support/until.ts'
import type { Fault } from './fault.ts'

/** A replica takes over within this, or it does not. */
const TAKEN_OVER_MS = 60_000
/** What a master answered so shortly before its end need not have reached its replica, though nothing was wrong with it: replication is asynchronous. */
const UNDER_WAY_MS = 1_000

/** What Redis answers to ROLE. */
type Role = [role: 'master', offset: number, replicas: [ip: string, port: string, offset: string][]] | [role: 'slave' | 'handshake', ...unknown[]]

/** A master of the cluster with its replica, as members. */
interface Pair {
  master: string
  replica: string
}

const MEMBERS = Object.keys(redisCluster.ports)
const ask = <T>(stack: Stack, member: string, use: (redis: Redis) => Promise<T>): Promise<T> => withRedis(redisUrl(stack, stack.port('redis-cluster', member)), use)
const roleOf = (stack: Stack, member: string): Promise<Role> => ask(stack, member, (redis) => redis.call('ROLE') as Promise<Role>)

/** The master with the most keys. */
async function fullest(stack: Stack): Promise<Pair> {
  const memberAt = (port: string): string => MEMBERS.find((member) => stack.port('redis-cluster', member) === Number(port))!
  const pairs: (Pair & { keys: number })[] = []
  for (const master of MEMBERS) {
    const role = await roleOf(stack, master)
    const replica = role[0] === 'master' ? role[2][0] : undefined
    if (replica) pairs.push({ master, replica: memberAt(replica[1]), keys: await ask(stack, master, (redis) => redis.dbsize()) })
  }
  const best = pairs.sort((a, b) => b.keys - a.keys)[0]
  if (!best) throw new Error('no master of the Redis cluster has a replica')
  return best
}

/** From now on the replica hears nothing of its master, as behind a network that lost the way between them. */
async function behind(stack: Stack, replica: string): Promise<void> {
  await ask(stack, replica, async (redis) => {
    await redis.config('SET', 'masterauth', 'not the password')
    await redis.call('CLIENT', 'KILL', 'TYPE', 'master')
  })
}

/** Kills the master that holds most and keeps it away until the shop is back. `isBehind`: its replica has heard nothing of it for a while then. */
const failover = (stack: Stack, isBehind: boolean): Pick<Fault, 'happen' | 'after'> => {
  let replica = ''
  return {
    async happen({ ms, dies }) {
      const pair = await fullest(stack)
      replica = pair.replica
      const program = programsOf(stack, redisCluster).find((p) => p.program.name === `redis-cluster-${pair.master}`)
      if (!program) throw new Error('the Redis cluster does not run in the stack')
      await unwatch(stack)
      if (isBehind) {
        await behind(stack, replica)
        await sleep(ms)
      }
      dies((isBehind ? ms : 0) + UNDER_WAY_MS)
      await signalAll(program.pid, 'SIGKILL')
    },

    async after() {
      await until('the replica has taken over', () => roleOf(stack, replica).then(([role]) => role === 'master'), TAKEN_OVER_MS)
      if (isBehind) await ask(stack, replica, (redis) => redis.config('SET', 'masterauth', stack.secret('redis')))
      await watch(stack)
    }
  }
}

/** What can go wrong with Redis as a cluster of masters with a replica each. */
export const FAILOVERS: readonly (Pick<Fault, 'name' | 'doc' | 'seconds'> & { isBehind: boolean })[] = [
  { name: 'redis-failover', doc: 'the master of a Redis cluster that holds most ends at once (SIGKILL) and stays away: its replica takes over', seconds: 0, isBehind: false },
  { name: 'redis-failover-behind', doc: 'the same, and the replica has heard nothing of its master for a second', seconds: 1, isBehind: true }
]

export const failovers = (stack: Stack): Fault[] => FAILOVERS.map(({ isBehind, ...fault }) => ({ ...fault, ...failover(stack, isBehind) }))
