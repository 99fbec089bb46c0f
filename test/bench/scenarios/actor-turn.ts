import { Worker } from 'node:worker_threads'
import { ServiceBroker } from 'moleculer'
import { Database } from '../../../mixins/postgres/database.ts'
import { Mesh, MeshTransporter } from '../../../mixins/transport/mesh.ts'
import { brokerOptions } from '../../../moleculer.config.ts'
import { createActorSchema } from '../../support/actor-schema.ts'
import { BareTurns, TURNS_A_STATEMENT } from '../bare-turns.ts'
import { pick, randomOf } from '../load/random.ts'
import { benchDatabase } from '../reference.ts'
import type { Scenario } from '../scenario.ts'

const SCHEMA = 'bench'
const ACTORS = 4_096

/** A thread that owns counters, and a broker here that calls it. */
async function counters(url: string): Promise<{ call: (key: string) => Promise<unknown>; stop(): Promise<void> }> {
  const { port1, port2 } = new MessageChannel()
  const mesh = new Mesh()
  mesh.add('owner', port1)
  const owner = new Worker(new URL('../actor-thread.ts', import.meta.url), { workerData: { peer: 'caller', port: port2, schema: SCHEMA }, env: { ...process.env, DATABASE_URL: url }, transferList: [port2] })
  await new Promise((resolve) => owner.once('message', resolve))
  const caller = new ServiceBroker(brokerOptions({ nodeID: 'caller', transporter: new MeshTransporter(mesh), logger: false }))
  await caller.start()
  await caller.waitForServices('counter', 10_000)
  return {
    call: (key) => caller.call('counter.add', { key }),
    async stop() {
      owner.postMessage('stop')
      await new Promise((resolve) => owner.once('exit', resolve))
      await caller.stop()
    }
  }
}

export const actorTurn: Scenario = {
  name: 'actor-turn',
  doc: `a durable turn of one of ${ACTORS.toLocaleString('en')} actors, called from another thread of the bench: compare-and-set, operation id, outbox, fsync`,
  inFlight: 256,
  writes: false, // in a database of its own
  inside: true,
  async prepare({ shop }) {
    const { url, drop } = await benchDatabase(shop.inside!.databases.main)
    await createActorSchema(url, SCHEMA)
    const { call, stop } = await counters(url)
    const db = new Database(url, SCHEMA)
    const bare = new BareTurns(db, ACTORS)
    const random = randomOf(11)
    const keys = Array.from({ length: ACTORS }, (_, i) => `k${i}`)
    return {
      shop: { what: 'a turn from another thread', operation: () => call(pick(random, keys)) },
      reference: { what: `the same statement, ${TURNS_A_STATEMENT} turns each, bare store`, operation: (n) => bare.commit(n), inFlight: 2, weight: TURNS_A_STATEMENT },
      async close() {
        await stop()
        await db.close()
        await drop()
      }
    }
  }
}
