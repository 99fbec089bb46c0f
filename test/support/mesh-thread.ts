// A thread with a broker of its own and the tiny services that the transporter's tests call.
import type { Readable } from 'node:stream'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { ServiceBroker, type Context } from 'moleculer'
import { MeshTransporter, Mesh } from '../../mixins/transport/mesh.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { service } from '../../mixins/runtime/service.ts'
import { brokerOptions } from '../../moleculer.config.ts'

const { nodeID, peers } = workerData as { nodeID: string; peers: { nodeID: string; port: MessagePort }[] }
const mesh = new Mesh()
for (const peer of peers) mesh.add(peer.nodeID, peer.port)
const broker = new ServiceBroker(brokerOptions({ nodeID, transporter: new MeshTransporter(mesh), logger: false }))
const seen: unknown[] = []

broker.createService(
  service({
    name: 'echo',
    actions: {
      say: (ctx: Context<{ words: unknown }>) => {
        ctx.meta = Object.assign(ctx.meta, { answeredBy: broker.nodeID })
        return { words: ctx.params.words, by: broker.nodeID }
      },
      refuse: () => {
        throw problem('out-of-stock', 'Only 1 is left.', { lines: [{ offerId: 'o1', available: 1 }] })
      },
      wait: () => new Promise(() => {}),
      fragile: {
        retrySafe: true,
        handler(ctx: Context<{ dies: string }>) {
          if (ctx.params.dies === broker.nodeID) process.exit(1)
          return broker.nodeID
        }
      },
      uncloneable: () => ({ run: () => {} }),
      size: async (ctx: Context) => {
        let bytes = 0
        let sum = 0
        for await (const chunk of ctx.stream as Readable) {
          bytes += (chunk as Buffer).length
          for (const byte of chunk as Buffer) sum = (sum + byte) % 65_536
        }
        return { bytes, sum }
      },
      seen: () => seen
    },
    events: {
      'thing.happened': (ctx: Context) => {
        seen.push(ctx.params)
      }
    }
  })
)

parentPort!.on('message', (message: { peer?: { nodeID: string; port: MessagePort }; do?: 'exit' | 'stop' }) => {
  if (message.peer) mesh.add(message.peer.nodeID, message.peer.port)
  if (message.do === 'exit') process.exit(1)
  if (message.do === 'stop') void broker.stop().then(() => process.exit(0))
})
await broker.start()
parentPort!.postMessage('ready')
