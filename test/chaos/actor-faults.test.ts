import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { FaultRun, type FaultEngine, type Findings } from '../support/actor-faults.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { postgresLedgers, redisLedgers } from '../support/fault-engines.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { MUTANTS, type Mutant } from '../support/ledger.ts'
import { redisProgram, startRedis, startRedisCluster } from '../support/redis.ts'

/** A defect shows itself within so many rounds, or the test is worth nothing. */
const ROUNDS_MAX = 8

/** An engine for one run after the other; `fresh` gives it empty. */
interface Engines {
  fresh(): Promise<FaultEngine>
  stop(): Promise<unknown>
}

const clean = { lost: [], doubled: [], wrongEvents: [] }

/** Faults for a while, and on until enough was acknowledged for the findings to mean something: a busy machine takes longer. */
async function findingsOf(run: FaultRun, ms: number, enough: (found: Findings) => boolean): Promise<Findings> {
  await run.run(ms)
  let found = await run.findings()
  for (let round = 0; round < ROUNDS_MAX && !enough(found); round++) {
    await run.run(2_000)
    found = await run.findings()
  }
  return found
}

const shows: Record<Mutant, (found: Findings) => boolean> = {
  'no compare-and-set': ({ lost }) => lost.length > 0,
  'no operation ids': ({ doubled }) => doubled.length > 0,
  'only the last operation': ({ doubled }) => doubled.length > 0,
  'acknowledged before the commit': ({ lost }) => lost.length > 0
}

function underFaults(name: string, start: () => Promise<Engines>): void {
  describe(`actors in ${name} under faults`, () => {
    let engines: Engines
    beforeAll(async () => {
      engines = await start()
    })
    afterAll(async () => {
      await engines.stop()
    })

    async function startRun(kind: 'threads' | 'processes', mutant: Mutant | null): Promise<FaultRun> {
      const run = new FaultRun(await engines.fresh(), mutant)
      await run.start(kind, 3)
      return run
    }

    test('threads that take actors from each other, are blocked and are ended lose nothing and double nothing', async () => {
      const run = await startRun('threads', null)
      const found = await findingsOf(run, 6_000, ({ acknowledged, late }) => acknowledged > 200 && late > 0)
      expect(found).toMatchObject(clean)
      expect(found.acknowledged).toBeGreaterThan(200)
      expect(found.late).toBeGreaterThan(0)
      await run.stop()
    }, 60_000)

    test('processes that are paused and killed lose nothing and double nothing, though each believes to own everything', async () => {
      const run = await startRun('processes', null)
      const found = await findingsOf(run, 5_000, ({ acknowledged }) => acknowledged > 200)
      expect(found).toMatchObject(clean)
      expect(found.acknowledged).toBeGreaterThan(200)
      await run.stop()
    }, 60_000)

    test.each(MUTANTS)('the same faults find a defect: %s', async (mutant) => {
      const run = await startRun('threads', mutant)
      let caught = false
      for (let round = 0; round < ROUNDS_MAX && !caught; round++) {
        await run.run(1_000)
        caught = shows[mutant](await run.findings())
      }
      await run.stop()
      expect(caught).toBe(true)
    }, 60_000)
  })
}

underFaults('PostgreSQL', async () => {
  const databases: TestDatabases = await createDatabases()
  let schemas = 0
  return { fresh: () => postgresLedgers(databases, `faults_${schemas++}`), stop: () => databases.drop() }
})

/** What was acknowledged must survive a kill, so the log is on the disk before the answer. */
const DURABLE = ['--appendfsync', 'always']

if (!redisProgram) test.skip('actors in Redis under faults: there is no redis-server', () => {})
else {
  underFaults('Redis', async () => {
    const redis = await startRedis(DURABLE)
    const proxy = await FaultProxy.beforeUrl(redis.url)
    process.env['REDIS_URL'] = proxy.through(redis.url)
    return { fresh: () => redisLedgers([redis], redis.url, proxy), stop: async () => (delete process.env['REDIS_URL'], await proxy.close(), await redis.stop()) }
  })

  underFaults('a Redis cluster', async () => {
    const cluster = await startRedisCluster([...DURABLE, '--cluster-require-full-coverage', 'no'])
    process.env['REDIS_URL'] = cluster.url
    return { fresh: () => redisLedgers(cluster.nodes, cluster.url), stop: async () => (delete process.env['REDIS_URL'], await cluster.stop()) }
  })
}
