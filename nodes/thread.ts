// A worker thread: a broker of its own with the services of its profile entry. The supervisor drives it; see messages.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { ServiceBroker } from 'moleculer'
import { measureThread } from '../mixins/metrics/thread.ts'
import { collect } from '../mixins/metrics/registry.ts'
import { setting } from '../mixins/settings/settings.ts'
import { Mesh } from '../mixins/transport/mesh.ts'
import { brokerOptions } from '../moleculer.config.ts'
import { door } from './door.ts'
import { loadServices } from './load.ts'
import type { FromThread, LoadedService, ThreadData, ToThread } from './messages.ts'
import { transporterOf } from './transport.ts'

const BEAT_MS = 100

const { nodeID, services, metadata, beats } = workerData as ThreadData
const tell = (message: FromThread): void => parentPort!.postMessage(message)

setInterval(() => Atomics.add(beats, 0, 1), BEAT_MS).unref()
measureThread()

const mesh = new Mesh()
const broker = new ServiceBroker(brokerOptions({ nodeID, metadata, transporter: transporterOf(mesh) }))
const logger = broker.getLogger('thread')

// A promise that nobody awaited is a defect worth a line, but no reason to take the thread's other work down. An exception that
// nobody caught leaves unknown state behind: there Node's default holds, the thread ends and the supervisor starts it anew.
process.on('unhandledRejection', (reason) => logger.error('a rejection that nobody handled:', reason))

const dependenciesOf = (dependencies: unknown): string[] =>
  [dependencies ?? []].flat().map((d) => (typeof d === 'string' ? d : (d as { name: string }).name))

async function load(): Promise<void> {
  await loadServices(broker, services)
  if (setting('SOUK_TEST_DOORS')) broker.createService(door)
  const loaded: LoadedService[] = broker.services.map(({ name, schema }) => ({ name, dependencies: dependenciesOf(schema.dependencies) }))
  tell({ type: 'loaded', services: loaded })
}

/** Calls end before services do (mixins/metrics/calls.ts); others are told first that this broker takes nothing new. */
async function stop(): Promise<void> {
  Object.assign(broker.metadata, { draining: true })
  await broker.stop()
  process.exit(0)
}

function failed(error: unknown): void {
  logger.debug(error)
  tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  setImmediate(() => process.exit(1))
}

parentPort!.on('message', (message: ToThread) => {
  if (message.type === 'peer') mesh.add(message.nodeID, message.port)
  else if (message.type === 'go') broker.start().then(() => tell({ type: 'ready' }), failed)
  else if (message.type === 'state') void broker.broadcastLocal('$node.state', message.state)
  else if (message.type === 'collect') tell({ type: 'metrics', id: message.id, snapshot: collect() })
  else void stop()
})

await load().catch(failed)
