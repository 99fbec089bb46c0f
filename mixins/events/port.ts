import type { Json } from '../primitives/json.ts'

/** A business event as it travels: outbox ↠ topic ↠ consumers. */
export interface EventRecord<B = Json> {
  /** Unique; consumers that count (analytics) count each id once. */
  id: string
  topic: string
  /** The aggregate it is about, e.g. `order/0190…`: events of one aggregate keep their order within a topic. */
  aggregate: string
  /** Counted from 1 and gap-free per aggregate over all topics, so within one topic it only grows. */
  number: number
  /** RFC 3339: when the change was committed. */
  at: string
  body: B
}

/** Events of one topic, those of an aggregate in their order; they may come from several partitions. */
export type BatchHandler = (batch: readonly EventRecord[]) => Promise<void>

/** An event whose body is the JSON text that lies in the log, unread. */
export type EventText = EventRecord<string>

/** The same of events that are only passed on. */
export type TextHandler = (batch: readonly EventText[]) => Promise<void>

/** A batch that its handler rejected, or (no events) a log that could not be read. */
export interface DeliveryFailure {
  topic: string | null
  events: readonly EventRecord[]
  /** Failures of this batch in a row. */
  attempt: number
  /** Milliseconds until the next try. */
  retryMs: number
  error: unknown
}

export interface ConsumeOptions {
  /** Events of one batch at most; 200 unless told. */
  maxBatch?: number
  /** Batches under way at once in this member; 4 unless told. */
  concurrency?: number
  onFailure?: (failure: DeliveryFailure) => void
}

export interface Subscription {
  /** Looks for events of these topics at once: after a hint that some were published. An engine that pushes ignores it. */
  wake(topics: readonly string[]): void
  /** Takes no further batch, and resolves when those in hand have ended. */
  stop(): Promise<void>
}

/**
 * The event log: Kafka, or a log in PostgreSQL.
 *
 * Promised by both: at least once to every group. Order per aggregate within a topic (the aggregate decides the partition). An
 * event that was published is kept for days, so a new group starts from the first one kept. A batch whose handler rejects comes
 * again after a pause that grows to 30 s; from the third failure on its events come one by one, so that those before the one at
 * fault have their effect. Nothing is ever skipped: the event at fault, and what lies behind it in its partition of that topic,
 * waits for this group until its handler takes it.
 *
 * Not promised: exactly once; order between aggregates; order between topics, even of one aggregate: an `order_cancelled` may come
 * before the `order_created` of the same order. A handler that needs the earlier one rejects, and sees the later one again.
 */
export interface EventLog {
  /** Resolves when the events are stored. Publishing an event again (same id) may store it again. */
  publish(events: readonly EventRecord[]): Promise<void>
  /** Members of one group share the partitions. Several batches may be under way at once, never two of one partition of a topic. */
  consume(topics: readonly string[], group: string, handle: BatchHandler, options?: ConsumeOptions): Subscription
  /**
   * As `consume`, for who takes in much, passes it on, and to whom the order between topics is nothing: bodies come as text, no topic
   * waits for another, and the next events are fetched while those in hand are handled: by several members if need be, for each of
   * which `open` gives a handler.
   */
  forward(topics: readonly string[], group: string, open: () => TextHandler, options?: ConsumeOptions): Subscription
  /** Events behind, summed over the group's partitions: for metrics. */
  lag(group: string): Promise<number>
  close(): Promise<void>
}
