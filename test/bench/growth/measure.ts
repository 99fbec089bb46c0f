import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuOfNode } from '../load/cpu.ts'
import type { HttpAnswer } from '../load/http-client.ts'
import type { GrowthOperation } from './operations.ts'
import type { Buyers, World } from './world.ts'

/** An operation at one size. */
export interface Figure {
  /** Milliseconds of CPU for one operation, the shop's processes together, work behind the answer included; lower quartile of the rounds. */
  cpu: number
  p50: number
  /** Bytes of an answer, on average. */
  bytes: number
  /** What the answer tells of, where that is not its bytes. */
  tells: number | null
}

const NANOSECONDS_A_MS = 1_000_000
const IN_FLIGHT = 4
const [IDLE_MS, IDLE_LOOKS] = [1_500, 3]
/** A shop is calm when it takes hardly more than idle for so long. */
const [CALM_MS, CALM_MAX_MS, CALM_RATE] = [500, 6_000, 40]

const quantile = (values: readonly number[], share: number): number => [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]!
const median = (values: readonly number[]): number => quantile(values, 0.5)

const numbered = (dir: string): string[] => readdirSync(dir).filter((name) => /^\d+$/.test(name))

/**
 * Milliseconds of CPU of a node and its PostgreSQL, as the scheduler counts them: the usual times are whole hundredths of a second.
 * The process of ClickHouse is left out: it merges when it pleases.
 */
function cpuOfFamily(pid: number): number {
  const parents = new Map(numbered('/proc').map((p): [number, number] => {
    try {
      const stat = readFileSync(`/proc/${p}/stat`, 'utf8')
      const isWanted = Number(p) === pid || stat.includes('(postgres)')
      return [Number(p), isWanted ? Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) : 0]
    } catch {
      return [Number(p), 0] // it ended
    }
  }))
  const below = (parent: number): number[] => [...parents].filter(([, p]) => p === parent).flatMap(([p]) => [p, ...below(p)])
  let sum = 0
  for (const p of [pid, ...below(pid)]) {
    try {
      for (const task of numbered(`/proc/${p}/task`)) sum += Number(readFileSync(`/proc/${p}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / NANOSECONDS_A_MS
    } catch {
      // it ended
    }
  }
  return sum
}

/** Where the scheduler's own count is not there, the coarse one; nothing where there is none. */
function cpuNow({ inside: { pid } }: World): number {
  if (process.platform !== 'linux') return 0
  return cpuOfFamily(pid) || Object.values(cpuOfNode(pid)).reduce((sum, ms) => sum + ms, 0)
}

async function rateOf(world: World, ms: number): Promise<number> {
  const [from, before] = [performance.now(), cpuNow(world)]
  await sleep(ms)
  return ((cpuNow(world) - before) * 1_000) / (performance.now() - from)
}

/** Milliseconds of CPU a second that a shop takes when nobody is there: the least of some looks, since what came before may not be over. */
export async function idleRate(world: World): Promise<number> {
  const rates: number[] = []
  for (let look = 0; look < IDLE_LOOKS; look++) rates.push(await rateOf(world, IDLE_MS))
  return Math.min(...rates)
}

/** Waits until what others left to do is done, or for some seconds. */
async function calm(world: World, idle: number): Promise<void> {
  for (const deadline = performance.now() + CALM_MAX_MS; performance.now() < deadline; ) if ((await rateOf(world, CALM_MS)) < idle * 1.5 + CALM_RATE) return
}

interface Round {
  cpu: number
  times: number[]
  bytes: number
  tells: number | null
}

/** Every operation of a round, some under way at once. */
async function runAll(operation: GrowthOperation, buyers: Buyers, each: (run: (n: number) => Promise<HttpAnswer>, n: number) => Promise<void>, round: number): Promise<number> {
  const count = operation.times === 'buyers' ? buyers.people.length : operation.times
  let next = 0
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (next < count) await each((n) => operation.run(buyers, n, round), next++)
  }))
  return count
}

/** A round that is not measured. */
export async function warmUp(operation: GrowthOperation, buyers: Buyers, round: number): Promise<void> {
  await buyers.stay()
  await operation.prepare?.(buyers, round)
  await runAll(operation, buyers, async (run, n) => void (await run(n)), round)
}

/** One round at one size. `idle`: what the shop takes anyway. */
async function roundOf(operation: GrowthOperation, buyers: Buyers, round: number, idle: number): Promise<Round> {
  const { tells, behind = 0 } = operation
  await buyers.stay()
  await operation.prepare?.(buyers, round)
  if (behind > 0 || round <= 1) await calm(buyers.world, idle)
  const times: number[] = []
  let [bytes, told] = [0, 0]
  const [from, before] = [performance.now(), cpuNow(buyers.world)]
  const count = await runAll(operation, buyers, async (run, n) => {
    const started = performance.now()
    const answer = await run(n)
    times.push(performance.now() - started)
    bytes += answer.text().length
    told += tells?.(answer) ?? 0
  }, round)
  await sleep(behind * 1_000)
  const spent = cpuNow(buyers.world) - before - (idle * (performance.now() - from)) / 1_000
  return { cpu: Math.max(0, spent / count), times, bytes: bytes / count, tells: tells ? told / count : null }
}

/** Rounds at both sizes in turn, so that whatever else the machine does, it does to both; the first warms up and does not count. */
export async function measureBoth(operation: GrowthOperation, sides: readonly [Buyers, Buyers], rounds: number, idle: readonly [number, number]): Promise<[Figure, Figure]> {
  const found: [Round[], Round[]] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    for (const side of [0, 1] as const) {
      const one = await roundOf(operation, sides[side], round, idle[side])
      if (round > 0) found[side].push(one)
    }
  }
  const figure = (some: readonly Round[]): Figure => ({
    cpu: quantile(some.map(({ cpu }) => cpu), 0.25),
    p50: median(some.flatMap(({ times }) => times)),
    bytes: median(some.map(({ bytes }) => bytes)),
    tells: some[0]!.tells === null ? null : median(some.map(({ tells }) => tells!))
  })
  return [figure(found[0]), figure(found[1])]
}
