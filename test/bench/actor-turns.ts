// Durable turns a second, from the same thread and from another one, in PostgreSQL and (where there is a redis-server) in Redis, beside
// the bare statement on the driver in the same run.
//   node test/bench/actor-turns.ts [seconds a measurement, 3]
// Every turn is acknowledged after its commit, with fsync on. Compare the lines with each other rather than with another machine's.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { ServiceBroker } from 'moleculer'
import pg from 'pg'
import { startPostgres } from '../../infra/embedded/postgres.ts'
import { PostgresActors } from '../../mixins/actor/postgres-actors.ts'
import { Database } from '../../mixins/postgres/database.ts'
import { Mesh, MeshTransporter } from '../../mixins/transport/mesh.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { createActorSchema } from '../support/actor-schema.ts'
import { BareTurns } from './bare-turns.ts'
import { redisProgram, startRedis } from '../support/redis.ts'
import { counterService } from './counter-service.ts'

const SECONDS = Number(process.argv[2] ?? 3)
const ACTORS = 4_096
const SCHEMA = 'bench'

interface Measured {
  perSecond: number
  p50: number
  p99: number
  /** Microseconds of CPU that this process, all its threads, spent for one turn: what is left when the machine is shared. */
  cpu: number
}

/** `callers` callers, each with one call in flight, for some seconds. */
async function measure(callers: number, call: (key: string) => Promise<unknown>): Promise<Measured> {
  const end = performance.now() + SECONDS * 1_000
  const took: number[] = []
  const started = performance.now()
  const cpu = process.cpuUsage()
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const start = performance.now()
      await call(`k${Math.floor(Math.random() * ACTORS)}`)
      took.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  took.sort((a, b) => a - b)
  return { perSecond: took.length / seconds, p50: took[Math.floor(took.length / 2)]!, p99: took[Math.floor(took.length * 0.99)]!, cpu: (user + system) / took.length }
}

/** The statement alone: two batches of 64 in flight, from states that are ready. */
async function bareStatement(url: string): Promise<number> {
  const db = new Database(url, SCHEMA)
  const bare = new BareTurns(new PostgresActors(db), ACTORS)
  const end = performance.now() + SECONDS * 1_000
  const started = performance.now()
  let done = 0
  const lane = async (first: number): Promise<void> => {
    for (let n = first; performance.now() < end; n += 2) done += await bare.commit(n)
  }
  await Promise.all([lane(0), lane(1)])
  await db.close()
  return done / ((performance.now() - started) / 1_000)
}

/** Turns of counters in the store that the configuration names now. */
async function turnsIn(store: string): Promise<void> {
  console.log(store)
  const local = new ServiceBroker(brokerOptions({ nodeID: 'alone', logger: false }))
  local.createService(counterService(SCHEMA))
  await local.start()
  for (const callers of [16, 64, 256]) show('same thread', callers, await measure(callers, (key) => local.call('counter.add', { key })))
  await local.stop()

  const { port1, port2 } = new MessageChannel()
  const mesh = new Mesh()
  mesh.add('owner', port1)
  const owner = new Worker(new URL('./actor-thread.ts', import.meta.url), { workerData: { peer: 'caller', port: port2, schema: SCHEMA }, transferList: [port2] })
  await new Promise((resolve) => owner.once('message', resolve))
  const caller = new ServiceBroker(brokerOptions({ nodeID: 'caller', transporter: new MeshTransporter(mesh), logger: false }))
  await caller.start()
  await caller.waitForServices('counter', 10_000)
  for (const callers of [16, 64, 256]) show('another thread', callers, await measure(callers, (key) => caller.call('counter.add', { key })))

  owner.postMessage('stop')
  await new Promise((resolve) => owner.once('exit', resolve))
  await caller.stop()
}

const show = (what: string, callers: number, { perSecond, p50, p99, cpu }: Measured): void =>
  console.log(`${what.padEnd(16)} ${String(callers).padStart(4)} callers  ${Math.round(perSecond).toLocaleString('en').padStart(8)} turns/s   p50 ${p50.toFixed(1)} ms   p99 ${p99.toFixed(1)} ms   ${cpu.toFixed(0)} µs CPU`)

const dir = mkdtempSync(join(tmpdir(), 'souk-bench-'))
chmodSync(dir, 0o755)
const server = await startPostgres({ dir: join(dir, 'postgres') })
const admin = new pg.Client({ connectionString: `${server.url}/postgres` })
await admin.connect()
await admin.query('CREATE DATABASE bench')
await admin.end()
process.env['DATABASE_URL'] = `${server.url}/bench`
await createActorSchema(process.env['DATABASE_URL'], SCHEMA)

console.log(`bare statement, 2 × 64     ${Math.round(await bareStatement(process.env['DATABASE_URL'])).toLocaleString('en').padStart(8)} turns/s`)

await turnsIn('PostgreSQL')
if (redisProgram) {
  const redis = await startRedis(['--appendfsync', 'always'])
  process.env['REDIS_URL'] = redis.url
  await turnsIn('Redis')
  await redis.stop()
}
await server.stop()
rmSync(dir, { recursive: true, force: true })
