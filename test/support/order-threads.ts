import { once } from 'node:events'
import { Worker, type MessagePort } from 'node:worker_threads'
import type { BrokerOptions, ServiceBroker } from 'moleculer'
import { routerOf } from '../../mixins/actor/router.ts'
import { Mesh, MeshTransporter, type Link } from '../../mixins/transport/mesh.ts'
import { Hub } from '../../nodes/hub.ts'
import type { Crash } from './order-thread.ts'
import { until } from './until.ts'

const ENTRY = new URL('./order-thread.ts', import.meta.url)
const HOME = 'market'

/** The order's worker on threads of its own, two at a time: one that dies is replaced by another. */
export class OrderThreads {
  readonly #mesh = new Mesh()
  readonly #hub = new Hub()
  readonly #threads = new Map<string, Worker>()
  #broker!: ServiceBroker
  #born = 0
  #stopping = false

  /** The options of the broker that everything else runs on, as one that these threads can reach. */
  readonly into = (usual: BrokerOptions): BrokerOptions => ({ ...usual, nodeID: HOME, transporter: new MeshTransporter(this.#mesh), circuitBreaker: { ...usual.circuitBreaker, enabled: false } })

  async start(broker: ServiceBroker, threads = 2): Promise<void> {
    this.#broker = broker
    this.#hub.join({ nodeID: HOME, addPeer: (nodeID, port) => this.#mesh.add(nodeID, port as unknown as Link) })
    for (let i = 0; i < threads; i++) this.#bear()
    await this.#complete(threads)
  }

  /** The thread that owns the order ends at this call. Resolves when it has been told; the answer, when it has ended. */
  async crash(orderId: string, crash: Omit<Crash, 'about'>): Promise<{ ended: Promise<unknown> }> {
    await this.#complete(2)
    const owner = routerOf(this.#broker).owner('order.worker.place', 'order', orderId)
    const thread = this.#threads.get(owner ?? '')
    if (!thread) throw new Error(`order ${orderId} belongs to ${owner}, which is no thread of ours`)
    const ended = once(thread, 'exit')
    thread.postMessage({ crash: { ...crash, about: orderId } satisfies Crash })
    await once(thread, 'message')
    return { ended }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.#threads.values()].map((thread) => thread.terminate()))
  }

  #complete(threads: number): Promise<unknown> {
    const ready = (): boolean => [...this.#threads.keys()].filter((nodeID) => this.#broker.registry.actions.get('order.worker.place')?.hasNodeID(nodeID)).length >= threads
    return until('the threads are there', ready)
  }

  #bear(): void {
    const nodeID = `orders-${++this.#born}`
    const thread = new Worker(ENTRY, { workerData: { nodeID }, env: { ...process.env } }) // Jest's own environment does not reach a thread by itself
    this.#threads.set(nodeID, thread)
    this.#hub.join({ nodeID, addPeer: (peer: string, port: MessagePort) => thread.postMessage({ peer: { nodeID: peer, port } }, [port]) })
    thread.once('exit', () => {
      this.#hub.leave(nodeID)
      this.#threads.delete(nodeID)
      if (!this.#stopping) this.#bear()
    })
  }
}
