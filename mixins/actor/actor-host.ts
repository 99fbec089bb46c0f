import type { ServiceBroker } from 'moleculer'
import type { Ctx } from '../runtime/service.ts'
import { Activations, type Activation } from './activation.ts'
import { activeActors, turnDurations, unanswered } from './metrics.ts'
import { headerOf, type ActorHeader, type CallTag } from './operations.ts'
import { badKey, finishing, givenUpAt, isKey, mailboxFull, SHOWN_KEYS, stopping } from './mailbox.ts'
import { routerOf, type ActorHost, type ActorInspection, type ActorSummary, type Router } from './router.ts'
import { TurnRunner, type WaitingTurn } from './turn-runner.ts'
import type { ActorLimits, Actors, ActorStore, ActorStores, ActorView, Decide, Reminder, TurnOptions } from './types.ts'

const PASSIVATION_MS = 30_000

/** What a host is made of. */
export interface ActorHostOptions {
  broker: ServiceBroker
  type: string
  /** An action of these actors, whose nodes are their owners; null: this thread owns all. */
  action: string | null
  stores: ActorStores
  limits: ActorLimits
  onReminders: (reminders: readonly Reminder[]) => void
}

/** The actors of one type on one thread: their mailboxes, activations and limits. */
export class TypeHost<S> implements Actors<S>, ActorHost {
  readonly type: string
  readonly #router: Router
  readonly #action: string | null
  readonly #stores: ActorStores
  readonly #storeOf: (key: string) => ActorStore
  readonly #limits: ActorLimits
  readonly #activations: Activations<WaitingTurn>
  readonly #runner: TurnRunner
  readonly #duration
  readonly #ends: (() => void)[]
  /** Turns taken and not answered, all keys together. */
  #unanswered = 0
  #stopping = false

  constructor({ broker, type, action, stores, limits, onReminders }: ActorHostOptions) {
    this.type = type
    this.#router = routerOf(broker)
    this.#action = action
    this.#stores = stores
    this.#storeOf = (key) => stores.of(key)
    this.#limits = limits
    this.#activations = new Activations(limits.activations, limits.idleMs)
    this.#runner = new TurnRunner(type, stores.all, onReminders)
    this.#duration = turnDurations.with({ type })
    this.#router.hosts.add(this)
    const passivation = setInterval(() => this.#activations.passivate(Date.now()), Math.min(PASSIVATION_MS, limits.idleMs))
    this.#ends = [
      () => clearInterval(passivation.unref()),
      () => void this.#router.hosts.delete(this),
      this.#router.onChange(() => this.#activations.dropWhere((activation) => !this.owns(activation.key))),
      activeActors.read({ type }, () => this.#activations.size),
      unanswered.read({ type }, () => this.#unanswered)
    ]
  }

  async turn<A>(ctx: Ctx, key: string, decide: Decide<S, A>, options: TurnOptions<S, A> = {}): Promise<A> {
    if (!isKey(key)) throw badKey(this.type)
    if (this.#stopping) throw stopping()
    if (this.#unanswered >= this.#limits.unanswered) throw mailboxFull()
    const activation = this.#activations.take(key, this.#storeOf)
    if (activation.mailbox.length >= this.#limits.perKey) throw mailboxFull()
    return new Promise<A>((resolve, reject) => {
      const header = headerOf(ctx.headers)
      this.#unanswered++
      activation.mailbox.push({
        ctx,
        decide: decide as Decide<unknown, unknown>,
        options: options as TurnOptions<unknown, unknown>,
        tag: header ? tagOn(header, key) : this.#router.open(this.type, key, 0),
        ownTag: header === undefined,
        index: header ? nextIndex(ctx, key) : 0,
        expiresAt: givenUpAt(ctx),
        since: performance.now(),
        resolve: resolve as (answer: unknown) => void,
        reject
      })
      if (!activation.running) void this.#work(activation)
    })
  }

  async read(key: string): Promise<ActorView<S>> {
    if (!isKey(key)) throw badKey(this.type)
    const { version, state } = await this.#runner.load(this.#stores.of(key), key)
    return { version, state: state === null ? null : (JSON.parse(state) as S) }
  }

  owns(key: string): boolean {
    if (this.#action === null) return true
    const owner = this.#router.owner(this.#action, this.type, key)
    return owner === null || owner === this.#router.broker.nodeID
  }

  storeOf(key: string): ActorStore {
    return this.#stores.of(key)
  }

  summary(): ActorSummary {
    const now = Date.now()
    const keys = [...this.#activations.values()]
      .sort((a, b) => b.mailbox.length - a.mailbox.length || b.usedAt - a.usedAt)
      .slice(0, SHOWN_KEYS)
      .map((a) => ({ key: a.key, waiting: a.mailbox.length, idleMs: idleMs(a, now) }))
    return { type: this.type, active: this.#activations.size, unanswered: this.#unanswered, keys }
  }

  inspect(key: string): ActorInspection | null {
    const a = this.#activations.get(key)
    return a ? { version: a.row?.version ?? null, waiting: a.mailbox.length, running: a.running, idleMs: idleMs(a, Date.now()) } : null
  }

  /** Takes no more turns, finishes those it has, and closes the stores. */
  async stop(): Promise<void> {
    this.#stopping = true
    await finishing(() => this.#unanswered)
    for (const end of this.#ends) end()
    await this.#stores.close()
  }

  /** One turn after the other until the mailbox is empty; then an actor that moved away is dropped. */
  async #work(activation: Activation<WaitingTurn>): Promise<void> {
    activation.running = true
    for (let turn = activation.mailbox.shift(); turn; turn = activation.mailbox.shift()) {
      try {
        turn.resolve(await this.#runner.run(activation, turn))
      } catch (error) {
        turn.reject(error)
      }
      if (turn.ownTag) this.#router.close(this.type, activation.key, turn.tag)
      this.#duration.observe((performance.now() - turn.since) / 1_000)
      this.#unanswered--
    }
    activation.running = false
    activation.usedAt = Date.now()
    if (activation.epoch !== this.#router.epoch && !this.owns(activation.key)) this.#activations.drop(activation)
    activation.epoch = this.#router.epoch
  }
}

const idleMs = ({ running, usedAt }: Activation<WaitingTurn>, now: number): number => (running ? 0 : now - usedAt)

/** The tag of a call for a turn on `key`: what its caller waits for on the actor it called says nothing of another one. */
const tagOn = (header: ActorHeader, key: string): CallTag => (header.key === key ? header : { ...header, low: 0 })

/** Which turn of this call on this actor it is: a repeated call takes its turns in the same order. */
function nextIndex(ctx: Ctx, key: string): number {
  const locals = ctx.locals as { turns?: Map<string, number> }
  const turns = (locals.turns ??= new Map())
  const index = turns.get(key) ?? 0
  turns.set(key, index + 1)
  return index
}
