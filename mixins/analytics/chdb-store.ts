import { mkdir } from 'node:fs/promises'
import type { Json } from '../primitives/json.ts'
import { problem } from '../primitives/problem.ts'
import { install, isInstalled, unsupported } from './chdb-install.ts'
import { ChdbProcess, EngineGone } from './chdb-process.ts'
import type { AnalyticsSchema, AnalyticsStore } from './port.ts'

export interface ChdbOptions {
  /** Where the engine's package is, or will be. */
  packageDir: string
  /** Where its data is. */
  dataDir: string
  schema: AnalyticsSchema
  /** The engine ends when nobody has asked for this long: its 300 MB are worth more than the half second of a start. */
  idleMs?: number
}

const RETRY_AFTER_MS = { install: 600_000, start: 30_000 }
const INSTALLING = 'the ClickHouse engine is being installed (once, 543 MB)'

/**
 * ClickHouse without a server: the engine in a process of its own, which is started at the first need and ends when it was idle. The package
 * is installed at the first need too, in the background. One process owns a data folder; a second store on it is not available.
 */
export class ChdbStore implements AnalyticsStore {
  readonly #options: Required<ChdbOptions>
  #engine: Promise<ChdbProcess> | null = null
  #ending: Promise<void> = Promise.resolve()
  #users = 0
  #installing: Promise<void> | null = null
  #fault: { reason: string; until: number } | null = null
  #idle: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: ChdbOptions) {
    this.#options = { idleMs: 300_000, ...options }
  }

  async available(): Promise<true | string> {
    const never = unsupported()
    if (never) return never
    if (this.#fault && Date.now() < this.#fault.until) return this.#fault.reason
    if (isInstalled(this.#options.packageDir)) return true
    void this.install()
    return INSTALLING
  }

  /** Waits until the package is there, or cannot be got. Never rejects: ask `available` then. */
  install(): Promise<void> {
    this.#installing ??= install(this.#options.packageDir)
      .catch((error: Error) => {
        this.#fault = { reason: `the ClickHouse engine cannot be installed: ${error.message}`, until: Date.now() + RETRY_AFTER_MS.install }
      })
      .finally(() => (this.#installing = null))
    return this.#installing
  }

  async insert(table: string, rows: readonly Record<string, Json>[]): Promise<void> {
    if (rows.length === 0) return
    await this.#use((engine) => engine.ask({ op: 'insert', table, rows: Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')) }))
  }

  async query<R>(name: string, params: Record<string, string | number>): Promise<R[]> {
    const sql = this.#options.schema.queries[name]
    if (!sql) throw new Error(`there is no analytics query "${name}"`)
    return (await this.#use((engine) => engine.ask({ op: 'query', sql, params }))) as R[]
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#stop()
  }

  async #use<T>(work: (engine: ChdbProcess) => Promise<T>): Promise<T> {
    const usable = this.#closed ? 'it is closed' : await this.available()
    if (usable !== true) throw problem('unavailable', `Analytics is off: ${usable}.`, { retryAfter: 30 })
    if (this.#idle) clearTimeout(this.#idle)
    this.#users++
    try {
      return await work(await this.#started())
    } catch (error) {
      throw error instanceof EngineGone ? problem('unavailable', 'The analytics engine has ended and starts again: try again shortly.', { retryAfter: 2 }) : error
    } finally {
      if (--this.#users === 0 && !this.#closed) this.#idle = setTimeout(() => void this.#stop(), this.#options.idleMs).unref()
    }
  }

  #started(): Promise<ChdbProcess> {
    if (this.#engine) return this.#engine
    const engine = this.#start()
    const forget = (): void => {
      if (this.#engine === engine) this.#engine = null
    }
    void engine.then((open) => open.gone).then(forget, forget)
    return (this.#engine = engine)
  }

  async #start(): Promise<ChdbProcess> {
    await this.#ending // one process owns the folder
    let engine: ChdbProcess | null = null
    try {
      await mkdir(this.#options.dataDir, { recursive: true })
      engine = await ChdbProcess.start(this.#options.packageDir, this.#options.dataDir)
      for (const sql of this.#options.schema.tables) await engine.ask({ op: 'run', sql })
      return engine
    } catch (error) {
      await engine?.close()
      this.#fault = { reason: `the ClickHouse engine does not start: ${(error as Error).message}`, until: Date.now() + RETRY_AFTER_MS.start }
      throw problem('unavailable', 'Analytics is off: the engine does not start.', { retryAfter: 30 })
    }
  }

  async #stop(): Promise<void> {
    if (this.#idle) clearTimeout(this.#idle)
    const engine = this.#engine
    this.#engine = null
    if (engine) this.#ending = engine.then((open) => open.close(), () => {})
    await this.#ending
  }
}
