import type { EventLoopUtilization } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker, type MessagePort } from 'node:worker_threads'
import { counter, gauge, type MetricSnapshot } from '../mixins/metrics/registry.ts'
import type { Hub, Member } from './hub.ts'
import type { FromThread, LoadedService, NodeState, ThreadData, ToThread } from './messages.ts'
import type { ThreadPlan } from './profiles.ts'

const THREAD_FILE = new URL('./thread.ts', import.meta.url)

/** The first restart follows almost at once, later ones after longer pauses, until a life has lasted. */
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 10_000
const GOOD_LIFE_MS = 30_000

/** Without a beat for this long a thread counts as blocked; after the longer one it is taken for hung, and started anew. */
export const STALL_MS = 1_000
const HUNG_MS = 60_000

/** A thread that has not ended by then is ended; a little longer than a broker waits for its calls. */
const STOP_MS = 12_000
const COLLECT_MS = 1_000

/** Over how many looks the share of busy time is taken. */
const LOOKS_PER_SHARE = 5

const stalls = counter('souk_thread_stalls_total', 'Times that a thread was found blocked.')
const restarts = counter('souk_thread_restarts_total', 'Times that a thread died and was started anew.')
const up = gauge('souk_thread_up', '1 while the thread serves.')
const blocked = gauge('souk_thread_blocked_seconds', 'How long the thread has been blocked; 0 while its event loop turns.')
const utilizations = gauge('souk_thread_utilization', 'Share of the last second that the thread was busy.')

export type ThreadState = 'starting' | 'ready' | 'blocked' | 'down' | 'stopped'

interface Life {
  worker: Worker
  startedAt: number
  /** It has been ready. */
  served: boolean
  beats: Int32Array
  lastBeat: number
  lastBeatAt: number
  loaded: PromiseWithResolvers<readonly LoadedService[]>
  ready: PromiseWithResolvers<void>
  exited: Promise<number>
  collects: Map<number, (snapshot: readonly MetricSnapshot[]) => void>
  utilization: { last: EventLoopUtilization }
}

export interface KeeperEvents {
  /** Anything about this thread that changes what the node can do. */
  changed: () => void
  /** The thread died; it will be started anew. */
  died: () => void
  log: (level: 'info' | 'warn' | 'error', line: string, error?: unknown) => void
}

/** Keeps one thread of the node alive: starts it, starts it anew when it dies or hangs, notices when it is blocked, and ends it. */
export class ThreadKeeper implements Member {
  readonly nodeID: string
  readonly profile: ThreadPlan
  state: ThreadState = 'starting'
  restarts = 0
  /** Share of the last second that the event loop was busy. */
  utilization = 0
  readonly #hub: Hub | null
  readonly #events: KeeperEvents
  #life: Life | null = null
  #pause = FIRST_PAUSE_MS
  #everReady = false
  #collects = 0
  #looks = 0
  #nodeState: NodeState | null = null

  constructor(nodeID: string, profile: ThreadPlan, hub: Hub | null, events: KeeperEvents) {
    this.nodeID = nodeID
    this.profile = profile
    this.#hub = hub
    this.#events = events
    const of = profile.name
    restarts.with({ of })
    stalls.with({ of })
    up.read({ of }, () => Number(this.state === 'ready'))
    blocked.read({ of }, () => this.blockedMs() / 1_000)
    utilizations.read({ of }, () => this.utilization)
  }

  addPeer(nodeID: string, port: MessagePort): void {
    this.#tell({ type: 'peer', nodeID, port }, [port])
  }

  /** Starts the thread and resolves with its services once they are loaded; they start on `go`. Rejects with one line. */
  start(): Promise<readonly LoadedService[]> {
    return this.#live().loaded.promise
  }

  /** Starts the services; resolves when all serve, rejects with one line when they cannot. */
  async go(): Promise<void> {
    this.#tell({ type: 'go' })
    await this.#life!.ready.promise
  }

  setNodeState(state: NodeState): void {
    this.#nodeState = state
    if (this.#life) this.#tell({ type: 'state', state })
  }

  /** What the thread has measured; null when it does not answer within a second. */
  async collect(): Promise<readonly MetricSnapshot[] | null> {
    const life = this.#life
    if (!life || this.state !== 'ready') return null
    const id = ++this.#collects
    const answer = new Promise<readonly MetricSnapshot[]>((resolve) => life.collects.set(id, resolve))
    this.#tell({ type: 'collect', id })
    const snapshot = await Promise.race([answer, life.exited.then(() => null), sleep(COLLECT_MS, null, { ref: false })])
    life.collects.delete(id)
    return snapshot
  }

  /** Milliseconds that the thread has been blocked; 0 when its event loop turns. */
  blockedMs(): number {
    return this.state === 'blocked' && this.#life ? performance.now() - this.#life.lastBeatAt : 0
  }

  /** Called several times a second. `pausedMs`: how much longer than that the supervisor itself did not run (a suspended process). */
  watch(pausedMs: number): void {
    const life = this.#life
    if (!life || (this.state !== 'ready' && this.state !== 'blocked')) return
    if (++this.#looks % LOOKS_PER_SHARE === 0) this.#share(life)
    const beat = Atomics.load(life.beats, 0)
    const now = performance.now()
    if (beat !== life.lastBeat || pausedMs > STALL_MS / 2) return this.#beaten(life, beat, now)
    const silent = now - life.lastBeatAt
    if (silent > HUNG_MS) {
      this.#events.log('error', `thread ${this.profile.name} has been blocked for ${Math.round(silent / 1_000)} s: it is ended and started anew`)
      void life.worker.terminate()
    } else if (silent > STALL_MS && this.state === 'ready') {
      stalls.with({ of: this.profile.name }).add()
      this.#become('blocked')
      this.#events.log('warn', `thread ${this.profile.name} is blocked: its event loop has not turned for ${Math.round(silent)} ms, so its services (${this.profile.services.join(', ')}) wait`)
    }
  }

  /** Lets the thread finish what it does and ends it; one that does not end in time is ended. */
  async stop(): Promise<void> {
    const life = this.#life
    this.#life = null
    this.#become('stopped')
    if (!life) return
    life.worker.postMessage({ type: 'stop' } satisfies ToThread)
    const ended = await Promise.race([life.exited.then(() => true), sleep(STOP_MS, false, { ref: false })])
    if (ended) return
    this.#events.log('warn', `thread ${this.profile.name} did not stop within ${STOP_MS / 1_000} s: it is ended`)
    await life.worker.terminate()
  }

  /** Ends the thread at once. */
  async kill(): Promise<void> {
    const life = this.#life
    this.#life = null
    this.#become('stopped')
    await life?.worker.terminate()
  }

  #live(): Life {
    const beats = new Int32Array(new SharedArrayBuffer(4))
    const data: ThreadData = { nodeID: this.nodeID, services: this.profile.services, metadata: this.profile.metadata ?? {}, beats }
    const worker = new Worker(THREAD_FILE, { name: this.profile.name, workerData: data, env: process.env })
    const exited = new Promise<number>((resolve) => worker.once('exit', resolve))
    const life: Life = {
      worker, beats, exited, startedAt: performance.now(), served: false, lastBeat: 0, lastBeatAt: performance.now(),
      loaded: Promise.withResolvers(), ready: Promise.withResolvers(), collects: new Map(), utilization: { last: worker.performance.eventLoopUtilization() }
    }
    for (const { promise } of [life.loaded, life.ready]) promise.catch(() => {}) // whoever waits for them hears of it
    worker.on('message', (message: FromThread) => this.#hear(life, message))
    worker.on('error', (error) => this.#events.log('error', `thread ${this.profile.name} failed:`, error))
    void exited.then((code) => this.#died(life, code))
    this.#life = life
    this.#hub?.join(this)
    if (this.#nodeState) this.#tell({ type: 'state', state: this.#nodeState })
    return life
  }

  #hear(life: Life, message: FromThread): void {
    if (message.type === 'loaded') life.loaded.resolve(message.services)
    else if (message.type === 'metrics') life.collects.get(message.id)?.(message.snapshot)
    else if (message.type === 'failed') this.#refused(life, new Error(`thread ${this.profile.name}: ${message.message}`))
    else {
      life.ready.resolve()
      life.served = this.#everReady = true
      this.#beaten(life, Atomics.load(life.beats, 0), performance.now())
      this.#become('ready')
    }
  }

  #refused(life: Life, error: Error): void {
    life.loaded.reject(error)
    life.ready.reject(error)
    if (this.#everReady) this.#events.log('error', `it could not start: ${error.message}`)
  }

  #share({ worker, utilization }: Life): void {
    const now = worker.performance.eventLoopUtilization()
    this.utilization = worker.performance.eventLoopUtilization(now, utilization.last).utilization || 0
    utilization.last = now
  }

  #beaten(life: Life, beat: number, now: number): void {
    if (this.state === 'blocked') {
      this.#events.log('warn', `thread ${this.profile.name} goes on after ${Math.round(now - life.lastBeatAt)} ms`)
      this.#become('ready')
    }
    life.lastBeat = beat
    life.lastBeatAt = now
  }

  #died(life: Life, code: number): void {
    this.#hub?.leave(this.nodeID)
    if (!life.served) this.#refused(life, new Error(`thread ${this.profile.name} ended (exit ${code}) before it was ready`))
    if (this.#life !== life) return
    this.#life = null
    this.#become('down')
    this.#events.died()
    if (this.#everReady) void this.#restart(performance.now() - life.startedAt, code)
  }

  async #restart(lifeMs: number, code: number): Promise<void> {
    if (lifeMs > GOOD_LIFE_MS) this.#pause = FIRST_PAUSE_MS
    const pause = this.#pause
    this.#pause = Math.min(LONGEST_PAUSE_MS, pause * 2)
    this.restarts++
    restarts.with({ of: this.profile.name }).add()
    this.#events.log('warn', `thread ${this.profile.name} ended (exit ${code}) after ${Math.round(lifeMs / 1_000)} s: it is started anew in ${pause} ms`)
    await sleep(pause)
    if (this.state !== 'down') return
    this.#become('starting')
    const life = this.#live()
    await life.loaded.promise.then(() => this.#tell({ type: 'go' })).catch(() => {}) // told by #refused; its exit starts it anew
  }

  #become(state: ThreadState): void {
    if (this.state === state || (this.state === 'stopped')) return
    this.state = state
    this.#events.changed()
  }

  #tell(message: ToThread, transfer: MessagePort[] = []): void {
    this.#life?.worker.postMessage(message, transfer)
  }
}
