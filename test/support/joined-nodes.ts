import { type MessagePort } from 'node:worker_threads'
import { ServiceBroker, type ServiceSchema } from 'moleculer'
import { Mesh, MeshTransporter, type Link } from '../../mixins/transport/mesh.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { Hub } from '../../nodes/hub.ts'
import { until } from './until.ts'

/** Several brokers of this process, joined as the threads of a node are. */
export class JoinedNodes {
  readonly #hub = new Hub()
  readonly brokers = new Map<string, ServiceBroker>()

  /** Starts a broker with some services, and waits until all know what each offers; several may start at once. */
  async start(nodeID: string, services: readonly ServiceSchema[], metadata: Record<string, unknown> = {}): Promise<ServiceBroker> {
    const mesh = new Mesh()
    const broker = new ServiceBroker(brokerOptions({ nodeID, transporter: new MeshTransporter(mesh), logger: process.env['SOUK_TEST_LOG'] ? undefined : false, metadata }))
    for (const schema of services) broker.createService(schema)
    this.#hub.join({ nodeID, addPeer: (peer, port: MessagePort) => mesh.add(peer, port as unknown as Link) })
    this.brokers.set(nodeID, broker)
    await broker.start()
    await this.#agree()
    return broker
  }

  /** Stops a broker as a node does: what it has is finished, what comes goes elsewhere. */
  async stop(nodeID: string): Promise<void> {
    const broker = this.brokers.get(nodeID)!
    this.brokers.delete(nodeID)
    Object.assign(broker.metadata, { draining: true })
    await broker.stop()
    this.#hub.leave(nodeID)
    await this.#agree()
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.brokers.values()].map((broker) => broker.stop()))
    this.brokers.clear()
  }

  /** Every broker knows the actions of every other, and of no one else. */
  #agree(): Promise<true> {
    const offers = new Map([...this.brokers].map(([nodeID, broker]) => [nodeID, broker.services.filter((s) => !s.name.startsWith('$')).flatMap((s) => Object.keys(s.schema.actions ?? {}).map((a) => `${s.fullName}.${a}`))]))
    const actions = new Set([...offers.values()].flat())
    const knows = (broker: ServiceBroker): boolean =>
      [...actions].every((action) => {
        const nodes = (broker.registry.actions.get(action)?.endpoints ?? []).map((e) => e.id).sort()
        return nodes.join() === [...offers].filter(([, own]) => own.includes(action)).map(([nodeID]) => nodeID).sort().join()
      })
    return until('all nodes know each other', () => [...this.brokers.values()].every(knows) as true)
  }
}
