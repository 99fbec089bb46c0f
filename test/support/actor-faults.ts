import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker, type MessagePort } from 'node:worker_threads'
import { ServiceBroker } from 'moleculer'
import { problemType } from '../../mixins/primitives/problem.ts'
import { Mesh, MeshTransporter, type Link } from '../../mixins/transport/mesh.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { Hub } from '../../nodes/hub.ts'
import type { Ledger, Mutant } from './ledger.ts'
import type { OwnerSettings } from './ledger-owner.ts'
import { until } from './until.ts'

// Owners that are blocked, paused, killed and replaced while clients write, and the count of what was lost or doubled by it.

const OWNER = new URL('./ledger-owner.ts', import.meta.url)
export const LEDGER_KEYS: readonly string[] = Array.from({ length: 12 }, (_, i) => `k${i}`)
/** The second client of each key goes to another owner so often: they take actors from each other. */
const TAKEN_EVERY_MS = 3
/** How long that client waits for one owner before it asks the next. */
const PATIENCE_MS = 80
const ATTEMPTS = 6

const random = (below: number): number => Math.floor(Math.random() * below)

/** What a run found. */
export interface Findings {
  acknowledged: number
  /** Of these, answers that came after their client had turned to another owner. */
  late: number
  /** Acknowledged, and not there. */
  lost: string[]
  /** There more than once. */
  doubled: string[]
  /** Actors whose events are not numbered 1, 2, 3… or are not one for each entry. */
  wrongEvents: string[]
}

/** Where the ledgers of a run live: what is committed there, and a way to break the connections of those who use it. */
export interface FaultEngine {
  /** As `OwnerSettings` has it. */
  schema: string | null
  /** By key. */
  ledgers(): Promise<Map<string, Ledger>>
  /** In the order of the outbox, by aggregate. */
  events(): Promise<Map<string, { number: number; entry: string }[]>>
  /** Breaks some connections off, half way through whatever they do. */
  breakConnections(): Promise<unknown>
  close(): Promise<void>
}

interface Owner {
  nodeID: string
  kill: () => Promise<unknown>
  process?: ChildProcess
}

/** Owners in threads or in processes, the two clients of each key, and the faults. */
export class FaultRun {
  readonly #engine: FaultEngine
  readonly #settings: Omit<OwnerSettings, 'nodeID'>
  readonly #broker: ServiceBroker
  readonly #mesh = new Mesh()
  readonly #hub = new Hub()
  #owners: Owner[] = []
  readonly #acknowledged = new Map<string, Set<string>>()
  #late = 0
  #born = 0
  #entries = 0

  constructor(engine: FaultEngine, mutant: Mutant | null) {
    this.#engine = engine
    this.#settings = { schema: engine.schema, mutant }
    this.#broker = new ServiceBroker(brokerOptions({ nodeID: 'test', transporter: new MeshTransporter(this.#mesh), logger: false }))
    for (const key of LEDGER_KEYS) this.#acknowledged.set(key, new Set())
  }

  async start(kind: 'threads' | 'processes', owners: number): Promise<void> {
    this.#hub.join({ nodeID: 'test', addPeer: (nodeID, port) => this.#mesh.add(nodeID, port as unknown as Link) })
    await this.#broker.start()
    await Promise.all(Array.from({ length: owners }, () => this.#bear(kind)))
  }

  /** Clients write and faults happen for so long; then everybody comes to rest. */
  async run(ms: number): Promise<void> {
    const end = Date.now() + ms
    const keys = [...this.#acknowledged.keys()]
    await Promise.all([
      ...keys.map((key) => this.#routedClient(key, end)),
      ...keys.map((key) => this.#failingOverClient(key, end)),
      this.#faults(end),
      this.#brokenConnections(end)
    ])
  }

  async findings(): Promise<Findings> {
    const found: Findings = { acknowledged: 0, late: this.#late, lost: [], doubled: [], wrongEvents: [] }
    const [ledgers, events] = await this.#committed()
    for (const [key, acknowledged] of this.#acknowledged) {
      const entries = ledgers.get(key)?.entries ?? []
      const there = new Set(entries)
      found.acknowledged += acknowledged.size
      found.lost.push(...[...acknowledged].filter((entry) => !there.has(entry)))
      found.doubled.push(...entries.filter((entry, i) => entries.indexOf(entry) !== i))
      const told = events.get(`ledger/${key}`) ?? []
      if (told.length !== entries.length || told.some((e, i) => e.number !== i + 1 || e.entry !== entries[i])) found.wrongEvents.push(key)
    }
    return found
  }

  /** Read as soon as the engine answers: its last fault may be a moment ago. */
  #committed(): Promise<[Awaited<ReturnType<FaultEngine['ledgers']>>, Awaited<ReturnType<FaultEngine['events']>>]> {
    const read = () => Promise.all([this.#engine.ledgers(), this.#engine.events()])
    return until('the engine answers', () => read().catch((error: unknown) => (problemType(error) === 'unavailable' ? null : Promise.reject(error as Error))))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#owners.map((owner) => owner.kill()))
    await this.#broker.stop()
    await this.#engine.close()
  }

  /** A client that calls as services do: the owner is found, followed and given up by the routing. */
  async #routedClient(key: string, end: number): Promise<void> {
    while (Date.now() < end) {
      const entry = `r${this.#entries++}`
      try {
        await this.#broker.call('ledger.add', { key, entry }, { timeout: 500 })
        this.#acknowledged.get(key)!.add(entry)
      } catch {
        await sleep(5) // not acknowledged: it may be there or not, but not twice
      }
    }
  }

  /** A client that turns from owner to owner, whoever owns the actor, with the same call; an answer that comes late still counts. */
  async #failingOverClient(key: string, end: number): Promise<void> {
    const by = randomBytes(6).toString('base64url')
    const pending: Promise<unknown>[] = []
    for (let n = 1; Date.now() < end; n++) {
      const entry = `f${this.#entries++}`
      const call = { by, n, low: n, deadline: Date.now() + 1_000, key, here: true }
      let settled = false
      for (let attempt = 0; attempt < ATTEMPTS && !settled; attempt++) {
        const owner = this.#owners[(Math.floor(Date.now() / TAKEN_EVERY_MS) + attempt) % Math.max(1, this.#owners.length)]
        if (!owner) break
        const answer = this.#broker.call('ledger.add', { key, entry }, { nodeID: owner.nodeID, timeout: 5_000, headers: { actor: call } }).then(
          () => {
            if (settled) this.#late++
            settled = true
            this.#acknowledged.get(key)!.add(entry)
          },
          () => sleep(2)
        )
        pending.push(answer)
        await Promise.race([answer, sleep(PATIENCE_MS)])
      }
      settled = true
    }
    await Promise.all(pending)
  }

  /** Blocks, pauses and kills owners, one at a time; those that were killed are replaced. */
  async #faults(end: number): Promise<void> {
    const births: Promise<void>[] = []
    while (Date.now() < end) {
      await sleep(60 + random(120))
      const owner = this.#owners[random(this.#owners.length)]
      if (!owner) continue
      const ms = 100 + random(250)
      if (random(4) === 0) {
        this.#owners = this.#owners.filter((o) => o !== owner)
        await owner.kill()
        births.push(this.#bear(owner.process ? 'processes' : 'threads'))
      } else if (owner.process) {
        owner.process.kill('SIGSTOP')
        await sleep(ms)
        owner.process.kill('SIGCONT')
      } else await this.#broker.call('$door.block', { ms }, { nodeID: owner.nodeID, timeout: 2_000 }).catch(() => {})
    }
    await Promise.all(births)
  }

  async #brokenConnections(end: number): Promise<void> {
    while (Date.now() < end) {
      await sleep(100 + random(100))
      await this.#engine.breakConnections()
    }
  }

  async #bear(kind: 'threads' | 'processes'): Promise<void> {
    const nodeID = `owner-${++this.#born}`
    const settings: OwnerSettings = { ...this.#settings, nodeID }
    const owner = kind === 'threads' ? this.#thread(settings) : this.#process(settings)
    await until(`${nodeID} offers its actions`, () => this.#broker.registry.actions.get('ledger.add')?.hasNodeID(nodeID))
    this.#owners.push(owner)
  }

  #thread(settings: OwnerSettings): Owner {
    const worker = new Worker(OWNER, { workerData: settings, env: { ...process.env } }) // Jest's own environment does not reach a thread by itself
    const { nodeID } = settings
    this.#hub.join({ nodeID, addPeer: (peer: string, port: MessagePort) => worker.postMessage({ nodeID: peer, port }, [port]) })
    return {
      nodeID,
      kill: () => {
        this.#hub.leave(nodeID)
        return worker.terminate()
      }
    }
  }

  #process(settings: OwnerSettings): Owner {
    const child = fork(OWNER, [JSON.stringify(settings)], { serialization: 'advanced', execPath: process.execPath, execArgv: [], env: { ...process.env }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#mesh.add(settings.nodeID, {
      postMessage: (message) => void child.send(message, () => {}),
      on: (event: 'message' | 'close', listener: (message: never) => void) => child.on(event === 'message' ? 'message' : 'disconnect', listener as () => void),
      close: () => void (child.connected && child.disconnect())
    } as Link)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    return { nodeID: settings.nodeID, process: child, kill: () => (child.kill('SIGKILL'), gone) }
  }
}
