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
const broker = new ServiceBroker(brokerOptions({ nodeID, metadata, transporter: transporterOf(mesh, nodeID) }))
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

/** Starts the services. A start that fails is told by the supervisor, in one line, instead of by Moleculer in many. */
async function start(): Promise<void> {
  const { error } = broker.logger
  if (setting('SOUK_LOG_LEVEL') !== 'debug') broker.logger.error = () => {}
  await broker.start()
  broker.logger.error = error
  tell({ type: 'ready' })
}

/** Calls end before services do (mixins/metrics/calls.ts); others are told first that this broker takes nothing new. */
async function stop(): Promise<void> {
  Object.assign(broker.metadata, { draining: true })
  await broker.stop()
  process.exit(0)
}

interface WaitedInVain {
  type: 'WAITFOR_SERVICES'
  data: { statuses: readonly { name: string; available: boolean }[] }
}

/** In one line why a start failed. */
function reasonOf(error: unknown): string {
  const { type, data } = (error ?? {}) as Partial<WaitedInVain>
  if (type !== 'WAITFOR_SERVICES' || !data) return error instanceof Error ? error.message : String(error)
  const missing = data.statuses.filter(({ available }) => !available).map(({ name }) => name)
  return `waited in vain for ${missing.join(', ')}: start the nodes that have them, or look why they do not start`
}

function failed(error: unknown): void {
  logger.debug(error)
  tell({ type: 'failed', message: reasonOf(error) })
  setImmediate(() => process.exit(1))
}

parentPort!.on('message', (message: ToThread) => {
  if (message.type === 'peer') mesh.add(message.nodeID, message.port)
  else if (message.type === 'go') start().catch(failed)
  else if (message.type === 'state') void broker.broadcastLocal('$node.state', message.state)
  else if (message.type === 'collect') tell({ type: 'metrics', id: message.id, snapshot: collect() })
  else void stop()
})

await load().catch(failed)
