import { setTimeout as sleep } from 'node:timers/promises'
import { runningNode } from '../../nodes/data-directory.ts'
import { visit } from '../../nodes/visit.ts'
import { startNode, type NodeProcess } from '../support/node-process.ts'
import { descendants, signal, signalAll } from '../support/processes.ts'
import { until } from '../support/until.ts'

/** A process manager waits so long before it starts a node anew that ended. */
const PAUSE_MS = 1_000
const READY_MS = 180_000
const STOP_MS = 60_000

export interface NodeSetup {
  name: string
  args: readonly string[]
  env: Record<string, string>
  dataDir: string
  operations: string
  /** A command that runs the node, e.g. in a network of its own. */
  within?: readonly string[]
}

/** A node under a process manager, as systemd or Kubernetes would be one: what ends by itself is started anew after a second. */
export class KeptNode {
  readonly setup: NodeSetup
  #node: NodeProcess | null = null
  #stopping = false

  constructor(setup: NodeSetup) {
    this.setup = setup
  }

  get name(): string {
    return this.setup.name
  }

  get pid(): number {
    return this.#node!.child.pid!
  }

  start(): void {
    this.#stopping = false
    const { args, env, within } = this.setup
    const node = startNode(args, env, within)
    this.#node = node
    void node.exited.then(async () => {
      if (this.#stopping || this.#node !== node) return
      await sleep(PAUSE_MS)
      if (!this.#stopping && this.#node === node) this.start()
    })
  }

  /** Resolves when every thread serves. Rejects, with what the node said last, when it does not come to that. */
  async ready(): Promise<void> {
    const isReady = (): Promise<boolean> => this.#readyz().then((ok) => ok, () => false)
    await until(`${this.name} is ready`, isReady, READY_MS).catch((error: Error) => {
      throw new Error(`${error.message}; it said last: ${this.#node?.output().trim().split('\n').at(-1) ?? 'nothing'}`, { cause: error })
    })
  }

  /** The operations port of a node with a network of its own is not ours to ask. */
  async #readyz(): Promise<boolean> {
    if (runningNode(this.setup.dataDir)?.pid !== this.pid) return false
    return Boolean(this.setup.within) || (await fetch(`${this.setup.operations}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
  }

  kill(): Promise<void> {
    return signalAll(this.pid, 'SIGKILL')
  }

  /** Stops the process from running for so long. Its embedded engines go on. */
  async pause(ms: number): Promise<void> {
    const { pid } = this
    signal(pid, 'SIGSTOP')
    await sleep(ms)
    signal(pid, 'SIGCONT')
  }

  /** Ends it in order, and starts it again; resolves when it serves. */
  async restart(): Promise<void> {
    await this.stop()
    this.start()
    await this.ready()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const node = this.#node
    if (!node) return
    signal(node.child.pid!, 'SIGCONT')
    node.child.kill('SIGTERM')
    const ended = await Promise.race([node.exited.then(() => true), sleep(STOP_MS, false, { ref: false })])
    if (!ended) await signalAll(node.child.pid!, 'SIGKILL')
  }

  /** Processes of the engines inside of it. */
  engines(command: string): Promise<number[]> {
    return descendants(this.pid, command)
  }

  /** Asks the test door of one of its threads; nobody answers from a dead one. */
  async door(thread: string, door: 'block' | 'exit', params: object = {}): Promise<void> {
    const { broker, socket, node } = await visit(this.setup.dataDir)
    try {
      const nodeID = `${node}.${thread}`
      await until(`the door of ${nodeID} is there`, () => broker.registry.nodes.get(nodeID)?.available && broker.registry.actions.get(`$door.${door}`)?.hasNodeID(nodeID))
      await broker.call(`$door.${door}`, params, { nodeID, timeout: 2_000 }).catch(() => {})
    } finally {
      await broker.stop()
      socket.destroy()
    }
  }
}
