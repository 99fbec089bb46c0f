import type { Json } from '../primitives/json.ts'

/**
 * Analytics: ClickHouse. Promised: rows are appended, at least once; the named queries count each event id once, to the cent.
 * Rejects with `unavailable` where the engine is absent; its consumer then keeps its place in the log and catches up later.
 */
export interface AnalyticsStore {
  insert(table: string, rows: readonly Record<string, Json>[]): Promise<void>
  /** A named query with its parameters. */
  query<R>(name: string, params: Record<string, string | number>): Promise<R[]>
  /** Whether the engine can be used here, and if not why: shown at start and in /readyz. */
  available(): Promise<true | string>
  close(): Promise<void>
}
