// What every event log keeps to, whatever its engine.

/** Partitions of a topic that the log makes itself. */
export const PARTITIONS = 8
/** How long an event is kept, whether every group has handled it or not. */
export const KEPT_DAYS = 7
/** Batches under way at once in one member, unless told. */
export const DEFAULT_CONCURRENCY = 4
/** Events of one batch at most, unless told. */
export const DEFAULT_BATCH = 200
/** From this failure of a batch on, its events come one by one. */
export const SINGLE_FROM = 3

const RETRY_MS = { first: 250, longest: 30_000 }

/** Milliseconds until a batch that has failed so many times in a row comes again. */
export const retryMsAfter = (failures: number): number => Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** (failures - 1))
