import type { ServiceSchema } from 'moleculer'
import type { Ctx, ServiceThis } from '../runtime/service.ts'
import { badKey, finishing, givenUpAt, isKey, mailboxFull, SHOWN_KEYS, stopping, tooLate } from './mailbox.ts'
import { activeActors, batchSizes, turnDurations, unanswered } from './metrics.ts'
import { routerOf, type ActorHost, type ActorInspection, type ActorSummary, type Router } from './router.ts'

export interface DrainingMailboxOptions<M, R, This> {
  /** Names the desks; actions declare `actor: { type, key }` with it. */
  type: string
  /**
   * Does all that waits for `key`, in order of arrival, in one step, and answers in the same order; an Error rejects its message
   * alone. When it rejects, every message of this run is rejected with that error. Never runs twice at once for one key on one
   * thread; two owners may for a moment (hand-off, a paused node), so the store must guard what it writes.
   */
  run: (this: This, key: string, messages: M[]) => Promise<(R | Error)[]>
  /** Messages of one run at most. Default 256. */
  maxBatch?: number
  /** Messages that wait for one key; one more is `overloaded` (503) at once. Default 1,000. */
  maxWaiting?: number
}

/** `this.mailbox` of a service. */
export interface DrainingMailbox<M, R> {
  /**
   * Queues a message for `key` and resolves with its own result. A message whose caller has given up is not run. Repeats are not
   * recognised here: messages carry their operation's id, and the desk's ledger knows which were done.
   * Rejects with the message's error, or `overloaded` (503, retryAfter) when the mailbox is full or the deadline has passed.
   */
  send(ctx: Ctx, key: string, message: M): Promise<R>
}

const DEFAULT_BATCH = 256
const DEFAULT_WAITING = 1_000

interface Waiting<M, R> {
  message: M
  /** When its caller has given up, by this thread's clock. */
  expiresAt: number
  since: number
  resolve: (result: R) => void
  reject: (error: unknown) => void
}

interface Desk<M, R> {
  waiting: Waiting<M, R>[]
  running: boolean
  usedAt: number
}

type Run<M, R> = (key: string, messages: M[]) => Promise<(R | Error)[]>

/** The mailboxes of one type on one thread. A desk exists while it has messages. */
class DeskHost<M, R> implements DrainingMailbox<M, R>, ActorHost {
  readonly type: string
  readonly #run: Run<M, R>
  readonly #maxBatch: number
  readonly #maxWaiting: number
  readonly #desks = new Map<string, Desk<M, R>>()
  readonly #batchSize
  readonly #duration
  readonly #ends: (() => void)[]
  #unanswered = 0
  #stopping = false

  constructor(router: Router, type: string, run: Run<M, R>, maxBatch: number, maxWaiting: number) {
    this.type = type
    this.#run = run
    this.#maxBatch = maxBatch
    this.#maxWaiting = maxWaiting
    this.#batchSize = batchSizes.with({ type })
    this.#duration = turnDurations.with({ type })
    router.hosts.add(this)
    this.#ends = [
      () => void router.hosts.delete(this),
      activeActors.read({ type }, () => this.#desks.size),
      unanswered.read({ type }, () => this.#unanswered)
    ]
  }

  async send(ctx: Ctx, key: string, message: M): Promise<R> {
    if (!isKey(key)) throw badKey(this.type)
    if (this.#stopping) throw stopping()
    let desk = this.#desks.get(key)
    if (!desk) this.#desks.set(key, (desk = { waiting: [], running: false, usedAt: Date.now() }))
    const { waiting } = desk
    if (waiting.length >= this.#maxWaiting) throw mailboxFull()
    this.#unanswered++
    return new Promise((resolve, reject) => {
      waiting.push({ message, expiresAt: givenUpAt(ctx), since: performance.now(), resolve, reject })
      if (!desk.running) void this.#work(key, desk)
    })
  }

  summary(): ActorSummary {
    const now = Date.now()
    const keys = [...this.#desks]
      .sort(([, a], [, b]) => b.waiting.length - a.waiting.length)
      .slice(0, SHOWN_KEYS)
      .map(([key, desk]) => ({ key, waiting: desk.waiting.length, idleMs: now - desk.usedAt }))
    return { type: this.type, active: this.#desks.size, unanswered: this.#unanswered, keys }
  }

  inspect(key: string): ActorInspection | null {
    const desk = this.#desks.get(key)
    return desk ? { version: null, waiting: desk.waiting.length, running: desk.running, idleMs: Date.now() - desk.usedAt } : null
  }

  /** Takes no more messages and finishes those it has. */
  async stop(): Promise<void> {
    this.#stopping = true
    await finishing(() => this.#desks.size)
    for (const end of this.#ends) end()
  }

  /** Run after run, each with all that waits, until nothing does. What arrives in one turn of the event loop goes together. */
  async #work(key: string, desk: Desk<M, R>): Promise<void> {
    desk.running = true
    await new Promise((resolve) => setImmediate(resolve))
    while (desk.waiting.length > 0) {
      const taken = desk.waiting.splice(0, this.#maxBatch)
      const batch = taken.filter(isInTime)
      if (batch.length > 0) await this.#runOnce(key, batch)
      this.#unanswered -= taken.length
    }
    this.#desks.delete(key)
  }

  async #runOnce(key: string, batch: readonly Waiting<M, R>[]): Promise<void> {
    this.#batchSize.observe(batch.length)
    try {
      const results = await this.#run(key, batch.map((w) => w.message))
      batch.forEach((w, i) => {
        const result = results[i] as R | Error
        if (result instanceof Error) w.reject(result)
        else w.resolve(result)
      })
    } catch (error) {
      for (const w of batch) w.reject(error)
    }
    const now = performance.now()
    for (const w of batch) this.#duration.observe((now - w.since) / 1_000)
  }
}

function isInTime<M, R>({ expiresAt, reject }: Waiting<M, R>): boolean {
  if (Date.now() < expiresAt) return true
  reject(tooLate())
  return false
}

interface Held {
  mailbox: DeskHost<unknown, unknown>
}

/** A mixin for hot keys that commit through a store of their own (stock desks): mailbox and placement only, all waiting messages in one run. */
export function drainingMailbox<M, R, This = ServiceThis<{ mailbox: DrainingMailbox<M, R> }>>(options: DrainingMailboxOptions<M, R, This>): Partial<ServiceSchema> {
  const { type, maxBatch = DEFAULT_BATCH, maxWaiting = DEFAULT_WAITING } = options
  return {
    created(this: ServiceThis<Held>) {
      const run: Run<M, R> = (key, messages) => options.run.call(this as never, key, messages)
      this.mailbox = new DeskHost(routerOf(this.broker), type, run as Run<unknown, unknown>, maxBatch, maxWaiting)
    },

    async stopped(this: ServiceThis<Held>) {
      await this.mailbox.stop()
    }
  } as unknown as Partial<ServiceSchema>
}
