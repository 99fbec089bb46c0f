import type { Admin, Kafka, Message, Producer } from 'kafkajs'
import { Batcher } from '../batch/batcher.ts'
import { inTime } from '../primitives/in-time.ts'
import { problem } from '../primitives/problem.ts'
import { KafkaSubscription, type KafkaTimes, type Member } from './kafka-subscription.ts'
import { encodeEvent } from './kafka-message.ts'
import type { BatchHandler, ConsumeOptions, EventLog, EventRecord, Subscription, TextHandler } from './port.ts'
import { KEPT_DAYS, PARTITIONS } from './rules.ts'

/** A broker takes a megabyte for one partition at once, and all of a part may be of one. */
const PART_BYTES = 500_000
/** A message's own frame, roughly. */
const FRAME_BYTES = 100
const PATIENCE_MS = 15_000
const WAITING = 1_000
const KEPT_MS = KEPT_DAYS * 24 * 3_600_000

interface Part {
  bytes: number
  topics: Map<string, Message[]>
}

const unavailable = (why: string): Error => problem('unavailable', `Kafka cannot be used (${why}): try again shortly.`, { retryAfter: 2 })

/** Cuts events into requests that a broker takes, in their order. */
function partsOf(events: readonly EventRecord[]): Part[] {
  const parts: Part[] = []
  for (const event of events) {
    const { topic } = event
    const value = encodeEvent(event)
    const bytes = Buffer.byteLength(value) + event.aggregate.length + FRAME_BYTES
    let part = parts.at(-1)
    if (!part || part.bytes + bytes > PART_BYTES) parts.push((part = { bytes: 0, topics: new Map() }))
    part.bytes += bytes
    const messages = part.topics.get(topic) ?? []
    part.topics.set(topic, messages)
    messages.push({ key: event.aggregate, value })
  }
  return parts
}

/**
 * The event log in Kafka. A topic is made at its first use, with eight partitions and the brokers' own replication, unless it is there: then it
 * stays as it is. More partitions later move aggregates: let the groups catch up first.
 *
 * Events are acknowledged by all replicas in sync, with a producer id and sequence numbers, so that a request that is sent again is stored once. After
 * a request has failed for good its producer is given up: the brokers could take the next events under its numbers for those, and
 * drop them. What publishes once more then is stored once more, as the port says.
 */
export class KafkaLog implements EventLog {
  readonly #kafka: Kafka
  readonly #times: KafkaTimes
  readonly #patienceMs: number
  readonly #known = new Set<string>()
  readonly #subscriptions = new Set<KafkaSubscription>()
  readonly #publishing: Batcher<readonly EventRecord[], void>
  #producer: Promise<Producer> | null = null
  #admin: Promise<Admin> | null = null

  constructor(kafka: Kafka, times: KafkaTimes = {}) {
    this.#kafka = kafka
    this.#times = times
    this.#patienceMs = times.patienceMs ?? PATIENCE_MS
    // One request at a time: a later one must not overtake an earlier one that is repeated.
    this.#publishing = new Batcher((calls) => this.#store(calls), {
      max: WAITING,
      inFlight: 1,
      maxWaiting: WAITING,
      full: () => problem('overloaded', 'Too many events wait for Kafka: try again shortly.', { retryAfter: 2 })
    })
  }

  async publish(events: readonly EventRecord[]): Promise<void> {
    if (events.length > 0) await this.#publishing.add(events)
  }

  consume(topics: readonly string[], group: string, handle: BatchHandler, options: ConsumeOptions = {}): Subscription {
    return this.#subscribe({ ...options, topics, group, handle })
  }

  /**
   * By two members: one of the package fetches nothing while anything of its last answer is in hand. So an answer is handed on as a
   * whole, each partition's part at once.
   */
  forward(topics: readonly string[], group: string, open: () => TextHandler, options: ConsumeOptions = {}): Subscription {
    const members = [1, 2].map(() => this.#subscribe({ ...options, topics, group, handle: open() as BatchHandler, asText: true, uncut: true }))
    return { wake: () => {}, stop: async () => void (await Promise.all(members.map((member) => member.stop()))) }
  }

  async lag(group: string): Promise<number> {
    return this.#administer(async (admin) => {
      const own = [...this.#subscriptions].filter((s) => s.group === group).flatMap((s) => s.topics)
      await this.#ensure(own)
      const committed = new Map((await admin.fetchOffsets({ groupId: group })).map(({ topic, partitions }) => [topic, partitions]))
      const counts = [...new Set([...own, ...committed.keys()])].map(async (topic) => {
        const ends = await admin.fetchTopicOffsets(topic)
        return ends.reduce((behind, { partition, low, high }) => {
          const at = Number(committed.get(topic)?.find((p) => p.partition === partition)?.offset ?? -1)
          return behind + Math.max(0, Number(high) - Math.max(at, Number(low)))
        }, 0)
      })
      return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0)
    })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()))
    const clients = await Promise.all([this.#producer, this.#admin].map((client) => client?.catch(() => null)))
    await inTime(this.#patienceMs, Promise.all(clients.map((client) => client?.disconnect())), () => unavailable('it does not answer')).catch(() => {}) // nothing is under way
  }

  #subscribe(member: Member): Subscription {
    const subscription = new KafkaSubscription(this.#kafka, { ...member, ...this.#times }, () => this.#ensure(member.topics))
    this.#subscriptions.add(subscription)
    return {
      wake: () => {}, // brokers push
      stop: async () => {
        await subscription.stop()
        this.#subscriptions.delete(subscription)
      }
    }
  }

  async #store(calls: readonly (readonly EventRecord[])[]): Promise<void[]> {
    const events = calls.flat()
    try {
      await this.#ensure([...new Set(events.map(({ topic }) => topic))])
      for (const part of partsOf(events)) await inTime(this.#patienceMs, this.#send(part), () => unavailable('it does not answer'))
    } catch (error) {
      this.#giveUpProducer()
      this.#known.clear() // a topic may be gone
      throw typed(error)
    }
    return calls.map(() => undefined)
  }

  async #send({ topics }: Part): Promise<void> {
    const producer = await (this.#producer ??= this.#connectProducer())
    await producer.sendBatch({ acks: -1, timeout: this.#patienceMs / 2, topicMessages: [...topics].map(([topic, messages]) => ({ topic, messages })) })
  }

  async #connectProducer(): Promise<Producer> {
    const producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, retry: { initialRetryTime: 100, retries: 5, maxRetryTime: 1_000 } })
    await producer.connect()
    return producer
  }

  #giveUpProducer(): void {
    const producer = this.#producer
    this.#producer = null
    void producer?.then((open) => open.disconnect()).catch(() => {}) // it is broken already
  }

  /** Makes those of the topics that are not there. */
  async #ensure(topics: readonly string[]): Promise<void> {
    if (topics.every((topic) => this.#known.has(topic))) return
    await this.#administer(async (admin) => {
      const there = new Set(await admin.listTopics())
      const missing = [...new Set(topics)].filter((topic) => !there.has(topic))
      const configEntries = [{ name: 'retention.ms', value: String(KEPT_MS) }]
      if (missing.length > 0) await admin.createTopics({ topics: missing.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: -1, configEntries })), timeout: this.#patienceMs / 2 })
      for (const topic of topics) this.#known.add(topic)
    })
  }

  async #administer<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const connecting = (this.#admin ??= this.#connectAdmin())
    try {
      return await inTime(this.#patienceMs, connecting.then(work), () => unavailable('it does not answer'))
    } catch (error) {
      if (this.#admin === connecting) this.#admin = null
      void connecting.then((admin) => admin.disconnect()).catch(() => {}) // it may be broken
      throw typed(error)
    }
  }

  async #connectAdmin(): Promise<Admin> {
    const admin = this.#kafka.admin()
    await admin.connect()
    return admin
  }
}

/** What may pass is `unavailable`; what the brokers refuse whenever it comes stays what it is. */
function typed(error: unknown): Error {
  const { type, code, retriable, cause, message } = error as { type?: string; code?: unknown; retriable?: boolean; cause?: unknown; message: string }
  if (code === 503) return error as Error
  const origin = (cause ?? error) as { retriable?: boolean; type?: string }
  const refused = (retriable === false || origin.retriable === false) && Boolean(type ?? origin.type) && !PASSING.has(type ?? origin.type ?? '')
  return refused ? (error as Error) : unavailable(message)
}

/** Errors that kafkajs does not repeat, but a producer of its own makes good. */
const PASSING: ReadonlySet<string> = new Set(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH', 'DUPLICATE_SEQUENCE_NUMBER', 'REBALANCE_IN_PROGRESS'])
