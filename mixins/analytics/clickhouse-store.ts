import { ClickHouseError, ClickHouseLogLevel, createClient, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client'
import type { Json } from '../primitives/json.ts'
import { problem } from '../primitives/problem.ts'
import type { AnalyticsSchema, AnalyticsStore } from './port.ts'

export interface ClickHouseOptions {
  /** `http(s)://user:password@host:port`; a path is ignored, for every name in a schema is whole. */
  url: string
  schema: AnalyticsSchema
  patience?: Partial<Patience>
}

interface Patience {
  /** Longest wait for a report: shorter than that of the request which asked for it. */
  queryMs: number
  /** Longest wait for anything else. */
  requestMs: number
}

const PATIENCE: Patience = { queryMs: 12_000, requestMs: 30_000 }
const CONNECTIONS = 8

const READ: ClickHouseSettings = {
  output_format_json_quote_64bit_integers: 0,
  wait_end_of_query: 1, // so that a query that fails half way has the status of one that failed
  cancel_http_readonly_queries_on_client_close: 1
}
/** Not gathered by the server: what it has acknowledged is in the table. */
const WRITE: ClickHouseSettings = { date_time_input_format: 'best_effort', async_insert: 0, wait_end_of_query: 1 }

/** Codes of ClickHouse that say "not now" or "not here", and nothing of what was asked. */
const PASSING: ReadonlySet<string> = new Set([
  '159', // TIMEOUT_EXCEEDED
  '202', // TOO_MANY_SIMULTANEOUS_QUERIES
  '209', // SOCKET_TIMEOUT
  '210', // NETWORK_ERROR
  '236', // ABORTED
  '241', // MEMORY_LIMIT_EXCEEDED
  '242', // TABLE_IS_READ_ONLY
  '243', // NOT_ENOUGH_SPACE
  '252', // TOO_MANY_PARTS
  '285', // TOO_FEW_LIVE_REPLICAS
  '319', // UNKNOWN_STATUS_OF_INSERT
  '394', // QUERY_WAS_CANCELLED
  '425', // SYSTEM_ERROR
  '516', // AUTHENTICATION_FAILED
  '999' // KEEPER_EXCEPTION
])
const NOT_ENOUGH_PRIVILEGES = '497'

/** What the server said, or null when it was somebody on the way. */
const answered = (error: unknown): ClickHouseError | null => (error instanceof ClickHouseError ? error : null)

/** The connection ended under the request: an idle one that the server closed, or a server that was restarted. */
const brokeOff = (error: unknown): boolean => ['ECONNRESET', 'EPIPE'].includes(String((error as { code?: unknown }).code))

/**
 * Analytics on a ClickHouse server. The tables are made before their first use; a user who may not make any uses those that are
 * there, which may be replicated ones. What the server refuses because it is wrong rejects as it is; a server that is down, silent or overloaded is
 * `unavailable`, and whether an insert has happened is then unknown: insert again, each event id counts once.
 */
export class ClickHouseStore implements AnalyticsStore {
  readonly #client: ClickHouseClient
  readonly #schema: AnalyticsSchema
  readonly #patience: Patience
  #tables: Promise<void> | null = null
  #closed = false

  constructor({ url, schema, patience = {} }: ClickHouseOptions) {
    this.#schema = schema
    this.#patience = { ...PATIENCE, ...patience }
    const { origin, username, password } = new URL(url)
    this.#client = createClient({
      url: origin,
      ...(username ? { username: decodeURIComponent(username), password: decodeURIComponent(password) } : {}),
      application: 'souk',
      request_timeout: this.#patience.requestMs,
      max_open_connections: CONNECTIONS,
      keep_alive: { eagerly_destroy_stale_sockets: true },
      log: { level: ClickHouseLogLevel.OFF }
    })
  }

  async available(): Promise<true | string> {
    try {
      await this.#use(async () => {})
      const { success, error } = await this.#ping()
      return success || `ClickHouse does not answer (${error?.message})`
    } catch (error) {
      return (error as Error).message
    }
  }

  async insert(table: string, rows: readonly Record<string, Json>[]): Promise<void> {
    if (rows.length === 0) return
    await this.#use(() => this.#client.insert({ table, values: [...rows], format: 'JSONEachRow', clickhouse_settings: WRITE }))
  }

  async query<R>(name: string, params: Record<string, string | number>): Promise<R[]> {
    const query = this.#schema.queries[name]
    if (!query) throw new Error(`there is no analytics query "${name}"`)
    const settings = { ...READ, max_execution_time: Math.ceil(this.#patience.queryMs / 1_000) }
    return this.#use(async () => {
      const result = await this.#client.query({ query, query_params: params, format: 'JSONEachRow', clickhouse_settings: settings, abort_signal: AbortSignal.timeout(this.#patience.queryMs) })
      return result.json<R>()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client.close()
  }

  #ping(): Promise<{ success: boolean; error?: Error }> {
    return this.#client.ping({ select: true, abort_signal: AbortSignal.timeout(this.#patience.queryMs) })
  }

  /** Does it once more where the connection broke off: everything that is asked here may be repeated. */
  async #use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw problem('unavailable', 'Analytics is off: it is closed.', { retryAfter: 30 })
    try {
      await this.#ready()
      return await work().catch((error: unknown) => (brokeOff(error) ? work() : Promise.reject(error as Error)))
    } catch (error) {
      const refused = answered(error)
      if (refused && !PASSING.has(refused.code)) throw refused
      throw problem('unavailable', `Analytics is off: ClickHouse ${refused ? `cannot do it now (${refused.type ?? refused.code})` : 'does not answer'}.`, { retryAfter: 5 })
    }
  }

  /** The tables are there; tried anew by the next user when they could not be made. */
  #ready(): Promise<void> {
    this.#tables ??= this.#makeTables().catch((error: unknown) => {
      this.#tables = null
      throw error
    })
    return this.#tables
  }

  async #makeTables(): Promise<void> {
    for (const query of this.#schema.tables) {
      await this.#client.command({ query }).catch((error: unknown) => {
        if (answered(error)?.code !== NOT_ENOUGH_PRIVILEGES) throw error
      })
    }
  }
}
