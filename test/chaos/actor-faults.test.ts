import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { FaultRun, type Findings } from '../support/actor-faults.ts'
import { createActorSchema } from '../support/actor-schema.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { MUTANTS, type Mutant } from '../support/ledger.ts'

/** A defect shows itself within so many rounds, or the test is worth nothing. */
const ROUNDS_MAX = 8

describe('actors under faults', () => {
  let databases: TestDatabases
  let schemas = 0
  beforeAll(async () => {
    databases = await createDatabases()
  })
  afterAll(async () => {
    await databases.drop()
  })

  async function startRun(kind: 'threads' | 'processes', mutant: Mutant | null): Promise<FaultRun> {
    const schema = `faults_${schemas++}`
    await createActorSchema(databases.main, schema)
    const run = new FaultRun(databases, schema, mutant)
    await run.start(kind, 3)
    return run
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

  const shows: Record<Mutant, (found: Findings) => boolean> = {
    'no compare-and-set': ({ lost }) => lost.length > 0,
    'no operation ids': ({ doubled }) => doubled.length > 0,
    'only the last operation': ({ doubled }) => doubled.length > 0,
    'acknowledged before the commit': ({ lost }) => lost.length > 0
  }

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
