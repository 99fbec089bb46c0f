import type { Json } from '../primitives/json.ts'

/** A business event as it travels: outbox ↠ topic ↠ consumers. */
export interface EventRecord<B = Json> {
  /** Unique; consumers that count (analytics) count each id once. */
  id: string
  topic: string
  /** The aggregate it is about, e.g. `order/0190…`: events of one aggregate keep their order. */
  aggregate: string
  /** Gap-free per aggregate, counted from 1. */
  number: number
  /** RFC 3339: when the change was committed. */
  at: string
  body: B
}

export interface Subscription {
  /** Stops taking batches, waits for the one in hand. */
  stop(): Promise<void>
}

/** A batch comes from one partition, in its order. When `handle` rejects, the same batch comes again later, after a pause. */
export type BatchHandler = (batch: readonly EventRecord[]) => Promise<void>

/**
 * The event log: Kafka, or a log in PostgreSQL.
 * Promised by both: at least once to every group; order per aggregate (which decides the partition); an event that was published
 * is kept for days, so a new group starts from the first one kept. Not promised: order between aggregates, exactly once.
 */
export interface EventLog {
  /** Resolves when the events are stored. Publishing an event again (same id) may store it again. */
  publish(events: readonly EventRecord[]): Promise<void>
  /** Members of one group share the partitions; each batch goes to one of them. */
  consume(topics: readonly string[], group: string, handle: BatchHandler, options?: { maxBatch?: number }): Promise<Subscription>
  /** Events behind, summed over the group's partitions: for metrics. */
  lag(group: string): Promise<number>
  close(): Promise<void>
}
