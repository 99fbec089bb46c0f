import { setTimeout as sleep } from 'node:timers/promises'
import { Batcher } from '../batch/batcher.ts'
import { replay } from '../idempotency/idempotency.ts'
import { isConnectionError } from '../postgres/database.ts'
import type { Json } from '../primitives/json.ts'
import { problem, problemType } from '../primitives/problem.ts'
import type { Ctx, Operation } from '../runtime/service.ts'
import type { Activation } from './activation.ts'
import { isOutdated, settledBefore, tooContended, tooLate } from './mailbox.ts'
import { batchSizes, repeats, staleTurns } from './metrics.ts'
import { findTaken, remember, type CallTag } from './operations.ts'
import type { ActorRow, ActorStore, Decide, Reminder, TakenOperation, Turn, TurnOptions, TurnOutcome, TurnRecord, TurnResult } from './types.ts'

/** A turn in a mailbox. */
export interface WaitingTurn {
  ctx: Ctx
  decide: Decide<unknown, unknown>
  options: TurnOptions<unknown, unknown>
  tag: CallTag
  /** The tag was opened here, for a context that came without one. */
  ownTag: boolean
  /** Which turn of its call on this actor, from 0. */
  index: number
  /** When its caller has given up, by this thread's clock. */
  expiresAt: number
  since: number
  resolve: (answer: unknown) => void
  reject: (error: unknown) => void
}

/** State and ring are bounded, for each commit writes them anew. */
const TEXT_MAX_BYTES = 256 * 1024
/** Turns of one batch at most, and batches under way: later turns wait and go together. */
const BATCH_MAX = 64
const BATCHES_IN_FLIGHT = 2
const BATCH_BESIDE = 16
const LOAD_MAX = 256
const TRIES_MAX = 12

const NEW: ActorRow = { version: 0, state: null, operations: [] }

const isTooLarge = (text: string): boolean => text.length > TEXT_MAX_BYTES || (text.length > TEXT_MAX_BYTES / 3 && Buffer.byteLength(text) > TEXT_MAX_BYTES)

/** Takes turns of one actor type from decision to commit. Turns of one actor come one after the other; those of many share batches. */
export class TurnRunner {
  readonly #type: string
  readonly #onReminders: (reminders: readonly Reminder[]) => void
  readonly #commits = new Map<ActorStore, Batcher<Turn, TurnOutcome>>()
  readonly #loads = new Map<ActorStore, Batcher<string, ActorRow | null>>()
  readonly #stale
  readonly #repeats
  readonly #batchSize

  constructor(type: string, stores: readonly ActorStore[], onReminders: (reminders: readonly Reminder[]) => void) {
    this.#type = type
    this.#onReminders = onReminders
    this.#stale = staleTurns.with({ type })
    this.#repeats = repeats.with({ type })
    this.#batchSize = batchSizes.with({ type })
    for (const store of stores) {
      this.#commits.set(store, new Batcher((turns) => this.#commitBatch(store, turns), { max: BATCH_MAX, inFlight: BATCHES_IN_FLIGHT, beside: BATCH_BESIDE }))
      this.#loads.set(store, new Batcher((keys) => store.load(type, keys), { max: LOAD_MAX, inFlight: BATCHES_IN_FLIGHT }))
    }
  }

  /** The actor's committed row. Loads that wait together go as one query, started after they came. */
  async load(store: ActorStore, key: string): Promise<ActorRow> {
    try {
      return (await this.#loads.get(store)!.add(key)) ?? NEW
    } catch (error) {
      throw isUnreachable(error) ? unavailable() : error
    }
  }

  /** Runs a turn until it is committed, refused, or answered by what was committed before. */
  async run(activation: Activation<WaitingTurn>, turn: WaitingTurn): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      const now = Date.now()
      if (now >= turn.expiresAt || isOutdated(turn.tag.deadline, now)) throw tooLate()
      const fresh = activation.row === null
      const row = (activation.row ??= await this.load(activation.store, activation.key))
      const taken = findTaken(row.operations, turn.tag, turn.index)
      if (taken) return this.#answerAgain(activation, turn, taken)
      let result: TurnResult<unknown, unknown>
      try {
        result = turn.decide(row.state === null ? null : JSON.parse(row.state), row.version)
      } catch (refusal) {
        if (!fresh && tries < TRIES_MAX && (await this.#hasMoved(activation, row))) continue
        return this.#refused(activation, turn, refusal)
      }
      const outcome = await this.#commit(activation, row, turn, result)
      if (outcome !== 'again') return outcome.answer
      if (tries >= TRIES_MAX) throw tooContended()
      if (tries > 1) await sleep(Math.random() * Math.min(100, 2 ** tries))
    }
  }

  /** Commits a decided turn; `again` when it was stale or its outcome is unknown, and the actor must be loaded anew. */
  async #commit(activation: Activation<WaitingTurn>, row: ActorRow, waiting: WaitingTurn, result: TurnResult<unknown, unknown>): Promise<'again' | { answer: unknown }> {
    const { turn, operations } = this.#prepare(activation.key, row, waiting, result)
    let outcome: TurnOutcome
    try {
      outcome = await this.#commits.get(activation.store)!.add(turn)
    } catch (error) {
      activation.row = null
      if (isUnreachable(error)) return 'again' // it may have been written: the ring will tell
      throw error
    }
    if (outcome === 'done') {
      activation.row = { version: row.version + 1, state: turn.state, operations }
      if (turn.reminders.length > 0) this.#onReminders(turn.reminders)
      return { answer: result.answer }
    }
    if (outcome === 'stale') {
      activation.row = null
      this.#stale.add()
      return 'again'
    }
    if ('failed' in outcome) throw outcome.failed
    this.#repeats.add()
    return { answer: await this.#replay(activation, waiting, outcome.repeat) }
  }

  #prepare(key: string, row: ActorRow, waiting: WaitingTurn, result: TurnResult<unknown, unknown>): { turn: Turn; operations: TakenOperation[] } {
    const { options, tag, index } = waiting
    const operation = this.#operationOf(key, waiting)
    const answer = (result.answer ?? null) as Json
    const operations = remember(row.operations, tag, index, options.recall || operation ? undefined : answer, Date.now())
    const turn: Turn = {
      type: this.#type,
      key,
      loaded: row.version,
      state: result.state === null ? null : JSON.stringify(result.state),
      operations: JSON.stringify(operations),
      events: result.events ?? [],
      reminders: result.reminders ?? [],
      writes: result.writes ?? []
    }
    if (operation) turn.record = { operation, status: result.status === undefined ? 200 : result.status, answer: JSON.stringify(options.operationId && options.recall ? null : answer) }
    if (result.completes) turn.completes = { ...result.completes, answer: JSON.stringify(result.completes.answer) }
    this.#check(turn)
    return { turn, operations }
  }

  #check({ key, state, operations, events }: Turn): void {
    if (state !== null && isTooLarge(state)) throw problem('too-large', 'This has grown beyond what can be kept in one place.')
    if (isTooLarge(operations)) throw new Error(`the kept answers of ${this.#type}/${key} are too large: give its turns a recall`)
    for (const { aggregate } of events) {
      if (aggregate !== `${this.#type}/${key}`) throw new Error(`a turn of ${this.#type}/${key} cannot number an event of ${aggregate}: only its own`)
    }
  }

  /** What the turn records: a durable caller's own operation, or the request's Idempotency-Key. */
  #operationOf(key: string, { ctx, options }: WaitingTurn): Operation | null {
    if (options.operationId !== undefined) return { id: `${this.#type}/${key}/${options.operationId}`, bodyHash: '' }
    return (options.record !== false && ctx.meta.operation) || null
  }

  /** Whether the actor has changed since it was loaded: a refusal may rest on committed state only. */
  async #hasMoved(activation: Activation<WaitingTurn>, row: ActorRow): Promise<boolean> {
    activation.row = await this.load(activation.store, activation.key)
    return activation.row.version !== row.version
  }

  /** A repeated operation is answered as the first time, even if it would be refused now. */
  async #refused(activation: Activation<WaitingTurn>, turn: WaitingTurn, refusal: unknown): Promise<unknown> {
    const record = await this.#recordOf(activation, turn)
    if (!record) throw refusal
    this.#repeats.add()
    return this.#replay(activation, turn, record)
  }

  async #answerAgain(activation: Activation<WaitingTurn>, turn: WaitingTurn, taken: TakenOperation | 'settled'): Promise<unknown> {
    this.#repeats.add()
    if (taken === 'settled') throw settledBefore()
    if (taken.answer !== undefined) return taken.answer
    const record = await this.#recordOf(activation, turn)
    return record ? this.#replay(activation, turn, record) : this.#recall(activation, turn)
  }

  async #recordOf({ store, key }: Activation<WaitingTurn>, turn: WaitingTurn): Promise<TurnRecord | null> {
    const operation = this.#operationOf(key, turn)
    return operation && store.record(operation.id, this.#type, key)
  }

  async #replay(activation: Activation<WaitingTurn>, turn: WaitingTurn, { bodyHash, status, answer }: TurnRecord): Promise<unknown> {
    const { ctx, options } = turn
    if (options.operationId === undefined) return replay(ctx, ctx.meta.operation!, { body_hash: bodyHash, status, answer })
    return options.recall ? this.#recall(activation, turn) : answer
  }

  /** From committed state, for what this thread has in memory may have been overtaken. */
  async #recall(activation: Activation<WaitingTurn>, { options }: WaitingTurn): Promise<unknown> {
    const { state, version } = (activation.row = await this.load(activation.store, activation.key))
    return options.recall ? options.recall(state === null ? null : JSON.parse(state), version) : null
  }

  async #commitBatch(store: ActorStore, turns: readonly Turn[]): Promise<TurnOutcome[]> {
    this.#batchSize.observe(turns.length)
    return store.commit(turns)
  }
}

/** The store could not be reached, or did not answer. */
const isUnreachable = (error: unknown): boolean => problemType(error) === 'unavailable' || isConnectionError(error)

const unavailable = (): Error => problem('unavailable', 'What this needs cannot be reached at the moment: try again shortly.', { retryAfter: 2 })
