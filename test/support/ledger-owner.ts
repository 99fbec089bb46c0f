// An owner of ledgers that a fault test can block, stop and end: as a thread (channels to all others), or as a process whose only
// channel is the IPC to the test, so that it knows no other owner and believes to own everything.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { ServiceBroker } from 'moleculer'
import { Mesh, MeshTransporter, type Link, type MeshMessage } from '../../mixins/transport/mesh.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { door } from '../../nodes/door.ts'
import { ledgerService, ledgerStores, type Mutant } from './ledger.ts'

export interface OwnerSettings {
  nodeID: string
  /** Null: ledgers live in Redis. */
  schema: string | null
  mutant: Mutant | null
}

const { nodeID, schema, mutant } = (parentPort ? workerData : JSON.parse(process.argv[2]!)) as OwnerSettings
const mesh = new Mesh()
if (parentPort) {
  parentPort.on('message', (message: { nodeID: string; port: MessagePort } | 'stop') => {
    if (message !== 'stop') return mesh.add(message.nodeID, message.port)
    void broker.stop().then(() => process.exit(0))
  })
} else {
  process.on('disconnect', () => process.exit(0))
  mesh.add('test', {
    postMessage: (message) => void process.send?.(message, () => {}), // the test may be gone
    on: ((event: 'message' | 'close', listener: (message: MeshMessage) => void) => process.on(event === 'message' ? 'message' : 'disconnect', listener as () => void)) as Link['on'],
    close: () => process.disconnect?.()
  })
}
const broker = new ServiceBroker(brokerOptions({ nodeID, transporter: new MeshTransporter(mesh), logger: process.env['SOUK_TEST_LOG'] ? undefined : false }))
broker.createService(ledgerService(ledgerStores(schema, mutant)))
broker.createService(door)
await broker.start()
parentPort?.postMessage('ready')
