// The thread that owns the counters of the benchmark.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { ServiceBroker } from 'moleculer'
import { Mesh, MeshTransporter } from '../../mixins/transport/mesh.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { counterService } from './counter-service.ts'

const { peer, port, schema } = workerData as { peer: string; port: MessagePort; schema: string }
const mesh = new Mesh()
mesh.add(peer, port)
const broker = new ServiceBroker(brokerOptions({ nodeID: 'owner', transporter: new MeshTransporter(mesh), logger: false }))
broker.createService(counterService(schema))
await broker.start()
parentPort!.on('message', () => void broker.stop().then(() => process.exit(0)))
parentPort!.postMessage('ready')
