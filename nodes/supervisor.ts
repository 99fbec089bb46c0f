import { ServiceBroker } from 'moleculer'
import type { LabelledMetrics } from '../mixins/metrics/prometheus.ts'
import { collect } from '../mixins/metrics/registry.ts'
import { service } from '../mixins/runtime/service.ts'
import { setting } from '../mixins/settings/settings.ts'
import { announceLoss } from '../mixins/transport/announce-loss.ts'
import { Mesh } from '../mixins/transport/mesh.ts'
import { brokerOptions } from '../moleculer.config.ts'
import { Hub } from './hub.ts'
import type { NodeState } from './messages.ts'
import { checkDependencies, type ThreadPlan } from './profiles.ts'
import { ThreadKeeper, type ThreadState } from './thread-keeper.ts'
import { transporterOf } from './transport.ts'

const WATCH_MS = 200

export interface ThreadStatus {
  thread: string
  nodeID: string
  state: ThreadState
  blockedMs: number
  utilization: number
  restarts: number
  services: readonly string[]
}

export interface SupervisorOptions {
  /** Name of the node: its brokers are `<node>.<thread>`, the supervisor's own is `<node>.main`. */
  node: string
  threads: readonly ThreadPlan[]
}

/** The main thread of a node: keeps its threads, knows the node's state, and has a broker for operations and nothing else. */
export class Supervisor {
  readonly node: string
  readonly broker: ServiceBroker
  readonly hub: Hub | null
  readonly #mesh = new Mesh()
  readonly #threads: ThreadKeeper[]
  #watch: NodeJS.Timeout | undefined
  #lastWatch = 0
  #state: NodeState = { ready: false, draining: false, reasons: ['the node is starting'] }

  constructor({ node, threads }: SupervisorOptions) {
    this.node = node
    this.hub = setting('NATS_URL') ? null : new Hub()
    this.broker = new ServiceBroker(brokerOptions({ nodeID: `${node}.main`, transporter: transporterOf(this.#mesh, `${node}.main`) }))
    this.broker.createService(this.#operations())
    this.hub?.join({ nodeID: this.broker.nodeID, addPeer: (nodeID, port) => this.#mesh.add(nodeID, port) })
    const logger = this.broker.getLogger('supervisor')
    this.#threads = threads.map(
      (profile) =>
        new ThreadKeeper(`${node}.${profile.name}`, profile, this.hub, {
          changed: () => this.#changed(),
          died: () => void (this.hub ? null : announceLoss(this.broker, `${node}.${profile.name}`).catch(() => {})), // else the heartbeats tell
          log: (level, line, error) => (error === undefined ? logger[level](line) : logger[level](line, error))
        })
    )
  }

  get state(): NodeState {
    return this.#state
  }

  /** Resolves when every thread serves. Rejects with one clear line, and leaves nothing running, when one cannot. */
  async start(): Promise<void> {
    try {
      const broker = this.broker.start()
      const loaded = await Promise.all(this.#threads.map((thread) => thread.start()))
      if (this.hub) checkDependencies(this.#threads.map(({ profile }, i) => ({ name: profile.name, loaded: loaded[i]! })))
      await Promise.all([broker, ...this.#threads.map((thread) => thread.go())])
      await this.broker.waitForServices(loaded.flat().map(({ name }) => name), 10_000, 10)
    } catch (error) {
      await this.kill()
      throw error
    }
    this.#lastWatch = performance.now()
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
  }

  /** Stops taking requests, lets what is in flight end, and ends the threads in the profile's order, those of one kind together. */
  async stop(): Promise<void> {
    clearInterval(this.#watch)
    this.#setState({ ready: false, draining: true, reasons: ['the node is stopping'] })
    const kinds = Map.groupBy(this.#threads, ({ profile }) => profile.services)
    for (const threads of kinds.values()) await Promise.all(threads.map((thread) => thread.stop()))
    await this.broker.stop()
  }

  /** Ends everything at once. */
  async kill(): Promise<void> {
    clearInterval(this.#watch)
    await Promise.all(this.#threads.map((thread) => thread.kill()))
    await this.broker.stop()
  }

  threads(): ThreadStatus[] {
    return this.#threads.map((t) => ({
      thread: t.profile.name, nodeID: t.nodeID, state: t.state, blockedMs: Math.round(t.blockedMs()), utilization: t.utilization, restarts: t.restarts, services: t.profile.services
    }))
  }

  /** Everything that is measured on this node. A thread that does not answer in time is left out. */
  async metrics(): Promise<LabelledMetrics[]> {
    const answers = await Promise.all(this.#threads.map((thread) => thread.collect()))
    const own = { labels: { node: this.node, thread: 'main' }, metrics: collect() }
    return [own, ...answers.flatMap((metrics, i) => (metrics ? [{ labels: { node: this.node, thread: this.#threads[i]!.profile.name }, metrics }] : []))]
  }

  #look(): void {
    const now = performance.now()
    const paused = now - this.#lastWatch - WATCH_MS
    this.#lastWatch = now
    for (const thread of this.#threads) thread.watch(paused)
  }

  #changed(): void {
    if (this.#state.draining) return
    const reasons = this.#threads.filter((t) => t.state !== 'ready').map((t) => `thread ${t.profile.name} is ${t.state}`)
    this.#setState({ ready: reasons.length === 0, draining: false, reasons })
  }

  #setState(state: NodeState): void {
    this.#state = state
    for (const thread of this.#threads) thread.setNodeState(state)
  }

  /** What the REPL asks of the node. */
  #operations() {
    return service({
      name: '$operations',
      actions: {
        threads: () => this.threads(),
        state: () => this.#state
      }
    })
  }
}
