import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Engine } from '../engine.ts'
import { StackError, type Stack } from '../stack.ts'
import { redisProgram, redisUrl, withRedis } from './redis.ts'

const SLOTS = 16_384
const MEMBERS = ['1', '2', '3', '4', '5', '6'] as const
const MASTERS = 3
const FORMED_WITHIN_MS = 60_000

const portOf = (stack: Stack, member: string): number => stack.port('redis-cluster', member)
const ask = <T>(stack: Stack, member: string, use: (redis: Redis) => Promise<T>): Promise<T> => withRedis(redisUrl(stack, portOf(stack, member)), use)

/** Which slots each of so many masters has, first and last. */
export const slotRanges = (masters: number): [number, number][] =>
  Array.from({ length: masters }, (_, i) => [Math.ceil((i * SLOTS) / masters), Math.ceil(((i + 1) * SLOTS) / masters) - 1])

const eventually = async (what: string, check: () => Promise<boolean>): Promise<void> => {
  for (const until = Date.now() + FORMED_WITHIN_MS; !(await check()); await sleep(100)) {
    if (Date.now() > until) throw new StackError(`redis-cluster: ${what} has not happened within ${FORMED_WITHIN_MS / 1_000} s`)
  }
}

const cluster = (stack: Stack, member: string): Promise<string> => ask(stack, member, (redis) => redis.cluster('INFO') as Promise<string>)
const nodes = (stack: Stack, member: string): Promise<string> => ask(stack, member, (redis) => redis.cluster('NODES') as Promise<string>)

/** Whether a member sees all slots served and every replica following its master. */
async function isWhole(stack: Stack): Promise<boolean> {
  for (const member of MEMBERS) {
    if (!(await cluster(stack, member)).includes('cluster_state:ok')) return false
    const replication = await ask(stack, member, (redis) => redis.info('replication'))
    if (replication.includes('role:slave') && !replication.includes('master_link_status:up')) return false
  }
  return true
}

/** Three masters that share the slots, and a replica of each. */
async function form(stack: Stack): Promise<void> {
  const ranges = slotRanges(MASTERS)
  for (const [i, [first, last]] of ranges.entries()) await ask(stack, MEMBERS[i]!, (redis) => redis.cluster('ADDSLOTSRANGE', first, last))
  for (const member of MEMBERS.slice(1)) await ask(stack, member, (redis) => redis.cluster('MEET', stack.host, portOf(stack, MEMBERS[0])))
  await eventually('that all members know each other', async () => {
    const views = await Promise.all(MEMBERS.map((member) => nodes(stack, member)))
    return views.every((view) => view.trim().split('\n').length === MEMBERS.length && !view.includes('handshake'))
  })
  for (const [i, member] of MEMBERS.slice(MASTERS).entries()) {
    const master = await ask(stack, MEMBERS[i]!, (redis) => redis.cluster('MYID') as Promise<string>)
    await eventually(`that member ${member} follows`, () => ask(stack, member, (redis) => redis.cluster('REPLICATE', master)).then(() => true, () => false))
  }
}

export const redisCluster: Engine = {
  name: 'redis-cluster',
  title: 'Redis (Debian), three masters and a replica of each',
  byDefault: false,
  needs: [],
  packages: ['redis-server'],
  ports: Object.fromEntries(MEMBERS.map((member, i) => [member, 16_401 + i])),

  isInstalled: () => true,
  install: async () => {},

  async configure(stack) {
    stack.own('redis-cluster')
    return MEMBERS.map((member) => redisProgram(stack, `redis-cluster-${member}`, stack.own('redis-cluster', member), portOf(stack, member), true))
  },

  async probe(stack) {
    await Promise.all(MEMBERS.map((member) => ask(stack, member, (redis) => redis.ping())))
  },

  async provision(stack) {
    const isNew = (await cluster(stack, MEMBERS[0])).includes('cluster_slots_assigned:0')
    if (isNew) await form(stack)
    await eventually('that all slots are served and all replicas follow', () => isWhole(stack))
  },

  /** A node takes several addresses for a cluster. Where a single server runs too, its REDIS_URL stands above this one. */
  environment(stack) {
    const urls = MEMBERS.slice(0, MASTERS).map((member) => redisUrl(stack, portOf(stack, member))).join(',')
    return { REDIS_CLUSTER_URLS: urls, REDIS_URL: urls }
  }
}
