// A thread with the order's worker alone, which ends itself at a call that it is told: before the call is sent, or when its answer
// is there and nothing has been made of it.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { ServiceBroker, type Middleware } from 'moleculer'
import { Mesh, MeshTransporter } from '../../mixins/transport/mesh.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { HURRIED, hurriedOrders } from './buying.ts'

export interface Crash {
  action: string
  /** What the call's parameters hold. */
  about: string
  when: 'before' | 'after'
}

const { nodeID } = workerData as { nodeID: string }
const mesh = new Mesh()
let crash: Crash | null = null

const crashing: Middleware = {
  name: 'Crashing',
  call: (next: (...args: unknown[]) => Promise<unknown>) => (...args: unknown[]) => {
    const [action, params] = args as [string, unknown]
    if (crash?.action !== action || !JSON.stringify(params ?? null).includes(crash.about)) return next(...args)
    if (crash.when === 'before') process.exit(1)
    return next(...args).finally(() => process.exit(1))
  }
} as unknown as Middleware

const usual = brokerOptions({ nodeID, transporter: new MeshTransporter(mesh), logger: process.env['SOUK_TEST_LOG'] ? undefined : false })
const broker = new ServiceBroker({ ...usual, circuitBreaker: { ...usual.circuitBreaker, enabled: false }, middlewares: [crashing, ...(usual.middlewares ?? [])] })
broker.createService(hurriedOrders(HURRIED))

parentPort!.on('message', (message: { peer: { nodeID: string; port: MessagePort } } | { crash: Crash }) => {
  if ('peer' in message) return mesh.add(message.peer.nodeID, message.peer.port)
  crash = message.crash
  parentPort!.postMessage('armed')
})
await broker.start()
