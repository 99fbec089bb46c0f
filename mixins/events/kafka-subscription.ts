import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import { inTime } from '../primitives/in-time.ts'
import { decodeEvent, decodeText, NoEvent } from './kafka-message.ts'
import type { BatchHandler, ConsumeOptions, EventRecord, Subscription } from './port.ts'
import { DEFAULT_BATCH, DEFAULT_CONCURRENCY, retryMsAfter, SINGLE_FROM } from './rules.ts'

/** How quickly things happen; tests are in more of a hurry. */
export interface KafkaTimes {
  /** How long a member that says nothing keeps its partitions; brokers refuse less than six seconds. */
  sessionMs?: number
  heartbeatMs?: number
  /** Longest wait of the brokers for events; a member that stops waits for it. */
  waitMs?: number
  /** Longest wait for an answer of the brokers, retries included; longer than all retries of a request that fails at once. */
  patienceMs?: number
}

/** Who takes part in a group, and how. */
export interface Member extends ConsumeOptions {
  topics: readonly string[]
  group: string
  handle: BatchHandler
  /** Bodies come as their text. */
  asText?: boolean
  /** What came of a partition is one batch, as long as it goes well; `maxBatch` only says how much to ask for. */
  uncut?: boolean
}

type Settings = Member & KafkaTimes

/** One partition of one topic, as this member sees it. */
interface Place {
  failures: number
  /** Events before this offset come one by one. */
  singleUntil: number
}

/** Of one partition in one answer, for each event of a batch: all of an answer must be handled before the next is asked for. */
const FETCH_BYTES = 1_024
/** How long the others wait for a member that finishes what it has in hand. */
const REBALANCE_MS = 30_000
/** A member that has shown no sign of life for this long is given up. */
const STUCK_MS = 90_000
const LEAVE_MS = 5_000

/**
 * One member of a group in Kafka. Its position moves, by its own commit, after the handler's effect; what was handled and not
 * committed comes again. When the group divides the partitions anew, the batches in hand end first. A consumer of the
 * package that has crashed or makes no progress is replaced by a new one, for ever.
 */
export class KafkaSubscription implements Subscription {
  readonly group: string
  readonly topics: readonly string[]
  readonly #kafka: Kafka
  readonly #settings: Settings
  readonly #prepare: () => Promise<void>
  readonly #places = new Map<string, Place>()
  readonly #inHand = new Set<Promise<unknown>>()
  readonly #stopped = new AbortController()
  readonly #running: Promise<void>
  #crashes = 0

  /** `prepare` makes the topics. */
  constructor(kafka: Kafka, settings: Settings, prepare: () => Promise<void>) {
    this.#kafka = kafka
    this.#settings = settings
    this.group = settings.group
    this.topics = settings.topics
    this.#prepare = prepare
    this.#running = this.#run()
  }

  wake(): void {}

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  /** One consumer after the other. Never rejects. */
  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#session()
      } catch (error) {
        if (this.#stopped.signal.aborted) return
        const retryMs = retryMsAfter(++this.#crashes)
        this.#settings.onFailure?.({ topic: null, events: [], attempt: this.#crashes, retryMs, error })
        await sleep(retryMs, undefined, { signal: this.#stopped.signal }).catch(() => {})
      }
    }
  }

  /** From the first connection of one consumer to its end; rejects when that was not asked for. */
  async #session(): Promise<void> {
    const { heartbeatMs = 1_000, sessionMs = 10_000, waitMs = 500, concurrency = DEFAULT_CONCURRENCY, maxBatch = DEFAULT_BATCH } = this.#settings
    await this.#prepare()
    const consumer = this.#kafka.consumer({
      groupId: this.group,
      sessionTimeout: sessionMs,
      heartbeatInterval: heartbeatMs,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTimeInMs: waitMs,
      maxBytesPerPartition: FETCH_BYTES * maxBatch,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, retries: 5, maxRetryTime: 2_000, restartOnFailure: () => Promise.resolve(false) }
    })
    const { ended, release } = this.#watch(consumer)
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [...this.topics], fromBeginning: true })
      const eachBatch = (payload: EachBatchPayload): Promise<void> => this.#take(consumer, payload)
      if (!this.#stopped.signal.aborted) await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: concurrency, eachBatch })
      await ended
    } finally {
      release()
      const left = consumer.disconnect().catch(() => {}) // it may be gone already
      await Promise.all(this.#inHand)
      await inTime(LEAVE_MS, left, () => new Error('it does not leave')).catch(() => {}) // the brokers find out
    }
  }

  /** `ended` resolves when the member shall stop, and rejects when its consumer has crashed or is stuck. */
  #watch(consumer: Consumer): { ended: Promise<void>; release: () => void } {
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
    ended.catch(() => {}) // the connection may fail before anybody waits for it
    let aliveAt = Date.now()
    const alive = (): void => void (aliveAt = Date.now())
    const { CRASH, HEARTBEAT, FETCH, GROUP_JOIN } = consumer.events
    consumer.on(CRASH, ({ payload }) => reject(payload.error))
    consumer.on(HEARTBEAT, alive)
    consumer.on(FETCH, alive)
    consumer.on(GROUP_JOIN, ({ payload }) => {
      alive()
      this.#crashes = 0
      const mine = new Set(Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) => partitions.map((partition) => placeKey(topic, partition))))
      for (const key of this.#places.keys()) if (!mine.has(key)) this.#places.delete(key)
    })
    const timer = setInterval(() => Date.now() - aliveAt > STUCK_MS && reject(new Error('its consumer makes no progress')), STUCK_MS / 10).unref()
    const stop = (): void => resolve()
    const { signal } = this.#stopped
    if (signal.aborted) resolve()
    signal.addEventListener('abort', stop)
    return {
      ended,
      release: () => {
        clearInterval(timer)
        signal.removeEventListener('abort', stop)
      }
    }
  }

  /** What came of one partition, batch by batch, until one fails or the member must give the partition back. */
  async #take(consumer: Consumer, payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, isRunning, isStale } = payload
    const place = this.#placeOf(batch.topic, batch.partition)
    const most = this.#settings.uncut ? batch.messages.length : (this.#settings.maxBatch ?? DEFAULT_BATCH)
    const trouble: unknown[] = []
    const beat = setInterval(() => void heartbeat().catch((error: unknown) => trouble.push(error)), this.#settings.heartbeatMs ?? 1_000)
    try {
      for (let i = 0; i < batch.messages.length && isRunning() && !isStale() && trouble.length === 0; ) {
        const messages = batch.messages.slice(i, i + (place.singleUntil > 0 ? 1 : most))
        const delivery = this.#deliver(consumer, payload, place, messages)
        const settled = delivery.catch(() => {})
        this.#inHand.add(settled)
        if (!(await delivery.finally(() => this.#inHand.delete(settled)))) return
        i += messages.length
      }
    } finally {
      clearInterval(beat)
    }
    if (trouble.length > 0) throw trouble[0] // a rebalance, which the consumer now takes part in, or a connection that it makes anew
  }

  /** False when the batch is to come again after a pause. Rejects when its effect is there and the position could not be moved. */
  async #deliver(consumer: Consumer, { batch, resolveOffset, commitOffsetsIfNecessary }: EachBatchPayload, place: Place, messages: readonly KafkaMessage[]): Promise<boolean> {
    const { topic, partition } = batch
    const last = messages.at(-1)!.offset
    const next = Number(last) + 1
    let events: EventRecord[] = []
    try {
      events = messages.map(this.#settings.asText ? decodeText(batch) : decodeEvent(batch))
      await this.#settings.handle(events)
    } catch (error) {
      place.failures++
      const retryMs = retryMsAfter(place.failures)
      if (place.failures >= SINGLE_FROM) place.singleUntil = Math.max(place.singleUntil, next)
      const at = { topic, partitions: [partition] }
      consumer.pause([at])
      setTimeout(() => resume(consumer, at), retryMs).unref()
      this.#settings.onFailure?.({ topic: error instanceof NoEvent ? null : topic, events, attempt: place.failures, retryMs, error })
      return false
    }
    place.failures = 0
    if (next >= place.singleUntil) place.singleUntil = 0
    resolveOffset(last)
    await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: String(next) }] }] })
    return true
  }

  #placeOf(topic: string, partition: number): Place {
    const key = placeKey(topic, partition)
    const place = this.#places.get(key) ?? { failures: 0, singleUntil: 0 }
    this.#places.set(key, place)
    return place
  }
}

const placeKey = (topic: string, partition: number): string => `${topic}/${partition}`

/** The pause belongs to a consumer that may have ended meanwhile. */
function resume(consumer: Consumer, at: { topic: string; partitions: number[] }): void {
  try {
    consumer.resume([at])
  } catch {
    // it has, and its pauses with it
  }
}
