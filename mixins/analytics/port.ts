import type { Json } from '../primitives/json.ts'

/** What an analytics user keeps in the engine. */
export interface AnalyticsSchema {
  /** ClickHouse statements that may run at every start (`CREATE … IF NOT EXISTS`), names qualified: `souk.sale`. */
  tables: readonly string[]
  /** Named queries with `{name:Type}` parameters. */
  queries: Readonly<Record<string, string>>
}

/**
 * Analytics: ClickHouse. Promised: rows are appended, at least once, and are on disk when `insert` resolves; the named queries
 * count each event id once, to the cent (that is: tables are `ReplacingMergeTree` ordered by event id, queries say `FINAL`).
 * Rejects with `unavailable` where the engine is absent; its consumer then keeps its place in the log and catches up later.
 */
export interface AnalyticsStore {
  /** Appends rows to a table of the schema, in one insert: give it many. */
  insert(table: string, rows: readonly Record<string, Json>[]): Promise<void>
  /** A named query with its parameters. Whole numbers come as numbers. */
  query<R>(name: string, params: Record<string, string | number>): Promise<R[]>
  /** Whether the engine can be used here, and if not why: shown at start and in /readyz. Starts what is needed to change a no into a yes. */
  available(): Promise<true | string>
  close(): Promise<void>
}
