import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { ServiceBroker } from 'moleculer'
import { PostgresActors } from '../../../mixins/actor/postgres-actors.ts'
import { RedisActors } from '../../../mixins/actor/redis-actors.ts'
import type { ActorStore } from '../../../mixins/actor/types.ts'
import { Database } from '../../../mixins/postgres/database.ts'
import { RedisServer } from '../../../mixins/redis/server.ts'
import { Mesh, MeshTransporter } from '../../../mixins/transport/mesh.ts'
import { natsPlace, natsTransporter } from '../../../mixins/transport/nats.ts'
import { brokerOptions } from '../../../moleculer.config.ts'
import { createActorSchema } from '../../support/actor-schema.ts'
import { BareTurns, TURNS_A_STATEMENT } from '../bare-turns.ts'
import { pick, randomOf } from '../load/random.ts'
import { benchDatabase } from '../reference.ts'
import type { Prepared, Scenario, Side } from '../scenario.ts'

const SCHEMA = 'bench'
const ACTORS = 4_096
const IN_FLIGHT = 256

/** Counters that somebody else owns, and a broker here that calls them. */
interface Counters {
  call(key: string): Promise<unknown>
  processes?: Record<string, number>
  stop(): Promise<void>
}

async function callerOf(nodeID: string, transporter: NonNullable<Parameters<typeof brokerOptions>[0]['transporter']>): Promise<ServiceBroker> {
  const caller = new ServiceBroker(brokerOptions({ nodeID, transporter, logger: false }))
  await caller.start()
  await caller.waitForServices('counter', 10_000)
  return caller
}

/** Owned by a thread; `env` names their store. */
async function countersInThread(env: Record<string, string>): Promise<Counters> {
  const { port1, port2 } = new MessageChannel()
  const mesh = new Mesh()
  mesh.add('owner', port1)
  const owner = new Worker(new URL('../actor-thread.ts', import.meta.url), { workerData: { peer: 'caller', port: port2, schema: SCHEMA }, env: { ...process.env, ...env }, transferList: [port2] })
  await once(owner, 'message')
  const caller = await callerOf('caller', new MeshTransporter(mesh))
  return {
    call: (key) => caller.call('counter.add', { key }),
    async stop() {
      owner.postMessage('stop')
      await once(owner, 'exit')
      await caller.stop()
    }
  }
}

/** Owned by a process that is reached over NATS. */
async function countersOverNats(env: Record<string, string>): Promise<Counters> {
  const owner = fork(fileURLToPath(new URL('../actor-process.ts', import.meta.url)), [`bench-owner-${process.pid}`], { env: { ...process.env, ...env } })
  const exited = once(owner, 'exit')
  await once(owner, 'message')
  const nodeID = `bench-caller-${process.pid}`
  const caller = await callerOf(nodeID, natsTransporter(natsPlace()!, nodeID))
  return {
    call: (key) => caller.call('counter.add', { key }),
    processes: { owner: owner.pid! },
    async stop() {
      await caller.stop()
      owner.disconnect()
      await exited
    }
  }
}

function sidesOf({ call, processes }: Counters, from: string, store: ActorStore, bare: { what: string; inFlight: number }): Pick<Prepared, 'shop' | 'reference'> {
  const random = randomOf(11)
  const keys = Array.from({ length: ACTORS }, (_, i) => `k${i}`)
  const turns = new BareTurns(store, ACTORS)
  const shop: Side = { what: `a turn from another ${from}`, operation: () => call(pick(random, keys)), ...(processes ? { processes } : {}) }
  return { shop, reference: { what: `${bare.what}, ${TURNS_A_STATEMENT} turns each, bare store`, operation: (n) => turns.commit(n), inFlight: bare.inFlight, weight: TURNS_A_STATEMENT } }
}

const doc = (from: string): string => `a durable turn of one of ${ACTORS.toLocaleString('en')} actors, called from ${from}: compare-and-set, operation id, outbox`

export const actorTurn: Scenario = {
  name: 'actor-turn',
  doc: `${doc('another thread of the bench')}, in PostgreSQL with fsync`,
  inFlight: IN_FLIGHT,
  writes: false, // in a database of its own
  inside: true,
  async prepare({ shop }) {
    const { url, drop } = await benchDatabase(shop.inside!.databases.main)
    await createActorSchema(url, SCHEMA)
    const counters = await countersInThread({ DATABASE_URL: url, REDIS_URL: '' })
    const db = new Database(url, SCHEMA)
    return {
      ...sidesOf(counters, 'thread', new PostgresActors(db), { what: 'the same statement', inFlight: 2 }),
      async close() {
        await counters.stop()
        await db.close()
        await drop()
      }
    }
  }
}

/** Of Redis's databases the one that no node uses. */
const REDIS_DATABASE = '/15'

/** A database of the bench's own in the Redis of the configuration. Rejects when somebody else has anything in it, or the server answers before its disk has what it was told. */
async function benchRedis(): Promise<{ url: string; server: RedisServer; drop(): Promise<void> }> {
  const { href: url } = Object.assign(new URL(process.env['REDIS_URL']!.split(',')[0]!), { pathname: REDIS_DATABASE })
  const server = new RedisServer(url)
  const [size, [, fsync]] = await server.ask((client) => Promise.all([client.dbsize(), client.config('GET', 'appendfsync') as Promise<string[]>]))
  if (size > 0 || fsync !== 'always') {
    await server.close()
    throw new Error(size > 0 ? `database ${REDIS_DATABASE.slice(1)} of Redis is not empty` : `Redis has appendfsync ${fsync}, not always: its turns would not be durable`)
  }
  return {
    url,
    server,
    async drop() {
      await server.ask((client) => client.flushdb())
      await server.close()
    }
  }
}

/** Turns in Redis beside the script alone, with as many turns under way. */
const inRedis = (from: string, open: (env: Record<string, string>) => Promise<Counters>): Pick<Scenario, 'inFlight' | 'writes' | 'inside' | 'prepare'> => ({
  inFlight: IN_FLIGHT,
  writes: false, // in a database of its own
  inside: false,
  async prepare() {
    const { url, server, drop } = await benchRedis()
    const counters = await open({ REDIS_URL: url })
    return {
      ...sidesOf(counters, from, new RedisActors(server), { what: 'the same script', inFlight: IN_FLIGHT / TURNS_A_STATEMENT }),
      async close() {
        await counters.stop()
        await drop()
      }
    }
  }
})

export const actorTurnRedis: Scenario = {
  name: 'actor-turn-redis',
  doc: `${doc('another thread of the bench')}, in Redis with fsync`,
  engines: ['REDIS_URL'],
  ...inRedis('thread', countersInThread)
}

export const actorTurnNats: Scenario = {
  name: 'actor-turn-nats',
  doc: `${doc('another process over NATS')}, in Redis with fsync`,
  engines: ['NATS_URL', 'REDIS_URL'],
  ...inRedis('process over NATS', countersOverNats)
}
