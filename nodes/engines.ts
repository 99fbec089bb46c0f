import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startPostgres, type EmbeddedPostgres } from '../infra/embedded/postgres.ts'
import { reachableDirectory } from '../infra/embedded/unprivileged.ts'
import { migrate } from '../mixins/postgres/migrate.ts'
import { createDatabases } from '../mixins/postgres/prepare.ts'
import { setting, type SETTINGS } from '../mixins/settings/settings.ts'
import type { DataDirectory } from './data-directory.ts'

const MAIN = 'souk'
const ORDERS = ['souk_orders_0', 'souk_orders_1']

const root = fileURLToPath(new URL('../', import.meta.url))

/** Pauses before a server that ended by itself is started anew; when all are used up, the node cannot go on. */
const PAUSES_MS = [100, 300, 1_000, 2_000, 5_000, 10_000]

export interface EngineEvents {
  log: (line: string) => void
  /** The engine ended and could not be brought back. */
  lost: (error: Error) => void
}

/** The engines inside of this node: those that the environment does not name elsewhere. */
export class Engines {
  readonly #directory: DataDirectory
  readonly #events: EngineEvents
  #postgres: EmbeddedPostgres | null = null
  #starting: Promise<EmbeddedPostgres> | null = null
  #stopping = false

  constructor(directory: DataDirectory, events: EngineEvents) {
    this.#directory = directory
    this.#events = events
  }

  /** True when this node runs a PostgreSQL of its own. */
  static get embedsPostgres(): boolean {
    return !setting('DATABASE_URL') || setting('ORDERS_DATABASE_URLS').length === 0
  }

  /** Starts what is embedded, makes its databases, and points the environment at them. Rejects with one clear line. */
  async start(): Promise<void> {
    if (!Engines.embedsPostgres) return
    const dir = this.#place()
    this.#starting = startPostgres({ dir })
    this.#postgres = await this.#starting
    process.once('exit', () => this.#postgres?.interrupt())
    void this.#watch(dir)
    const { url } = this.#postgres
    await createDatabases(url, [MAIN, ...ORDERS])
    process.env['DATABASE_URL'] ||= `${url}/${MAIN}`
    process.env['ORDERS_DATABASE_URLS'] ||= ORDERS.map((name) => `${url}/${name}`).join(',')
  }

  /** Lets committed work reach the disk and ends the engines. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#starting?.catch(() => {}) // a start that is under way leaves something to stop
    await this.#postgres?.stop()
  }

  /** Ends them at once; they recover when they are started again. */
  kill(): void {
    this.#stopping = true
    this.#postgres?.kill()
  }

  #place(): string {
    const wanted = this.#directory.file('postgres')
    const dir = reachableDirectory(wanted)
    if (dir === wanted) return dir
    this.#events.log(`PostgreSQL runs as an unprivileged user, who cannot reach ${this.#directory.path}: its files are in ${dir}`)
    if (this.#directory.isNew) for (const path of [dir, `${dir}.secret`]) rmSync(path, { recursive: true, force: true })
    return dir
  }

  /** Brings a server back that ended by itself, on the port that everybody knows. */
  async #watch(dir: string): Promise<void> {
    for (;;) {
      const code = await this.#postgres!.exited
      if (this.#stopping) return
      this.#events.log(`PostgreSQL ended (exit ${code}): it is started anew`)
      try {
        this.#starting = this.#again(dir, this.#postgres!.port)
        this.#postgres = await this.#starting
      } catch (error) {
        return this.#events.lost(error as Error)
      }
    }
  }

  async #again(dir: string, port: number): Promise<EmbeddedPostgres> {
    let last: unknown
    for (const pause of PAUSES_MS) {
      await sleep(pause)
      if (this.#stopping) break
      try {
        return await startPostgres({ dir, port })
      } catch (error) {
        last = error
      }
    }
    throw last
  }
}

/** What a node can be told to find on a server of its own, and how. */
const PARTS: readonly (readonly [string, keyof typeof SETTINGS])[] = [
  ['PostgreSQL', 'DATABASE_URL'],
  ['orders', 'ORDERS_DATABASE_URLS'],
  ['sessions and carts', 'REDIS_URL'],
  ['documents', 'MONGODB_URL'],
  ['search', 'ELASTICSEARCH_URL'],
  ['events', 'KAFKA_BROKERS'],
  ['analytics', 'CLICKHOUSE_URL'],
  ['objects', 'S3_ENDPOINT']
]

/** Which parts this node embeds and which it finds elsewhere, in a line. To be asked before it has started them. */
export function describeEngines(): string {
  const list = (elsewhere: boolean): string => PARTS.filter(([, name]) => Boolean(process.env[name]) === elsewhere).map(([part]) => part).join(', ')
  return [['embedded', list(false)], ['on servers', list(true)]].filter(([, parts]) => parts).map(([head, parts]) => `${head}: ${parts}`).join(' · ')
}

/** Brings all databases to this version; answers how many steps that took. */
export const migrateAll = (): Promise<number> =>
  migrate(
    { main: setting('DATABASE_URL')!, orders: setting('ORDERS_DATABASE_URLS'), urlOf: (schema) => process.env[`DATABASE_URL_${schema.toUpperCase()}`] },
    [`${root}services`, `${root}mixins`],
    `${root}mixins`
  )

/** What joined nodes must share, for what one of them would make or embed alone is not the others'; where it matters to some services only, which. */
const SHARED: readonly { what: string; settings: readonly (keyof typeof SETTINGS)[]; for?: string }[] = [
  { what: 'PostgreSQL', settings: ['DATABASE_URL'] },
  { what: 'the databases of orders', settings: ['ORDERS_DATABASE_URLS'] },
  { what: 'the key that signs tokens', settings: ['SOUK_JWT_KEY'] },
  { what: 'the secret of webhooks', settings: ['SOUK_WEBHOOK_SECRET'] },
  { what: 'pictures and documents', settings: ['S3_ENDPOINT', 'SOUK_OBJECTS_DIR'] },
  { what: 'analytics', settings: ['CLICKHOUSE_URL'], for: 'analytics.worker' }
]

/** Throws, with one line for each, when a node of these services would join others (NATS_URL is set) on an engine or a secret that they cannot share. */
export function checkShared(services: ReadonlySet<string>): void {
  if (!setting('NATS_URL')) return
  const missing = SHARED.filter(({ settings, for: service }) => !settings.some((name) => process.env[name]) && (!service || services.has(service)))
  if (missing.length === 0) return
  const lines = missing.map(({ what, settings }) => `  ${what}: set ${settings.join(' or ')}`)
  throw new Error(['NATS_URL is set, so this node joins others, which cannot share what it would make or embed alone:', ...lines].join('\n'))
}
