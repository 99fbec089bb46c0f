import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import type { Admin } from 'kafkajs'
import { openAnalytics } from '../../../mixins/analytics/analytics.ts'
import type { AnalyticsStore } from '../../../mixins/analytics/port.ts'
import { kafkaClient } from '../../../mixins/events/kafka-client.ts'
import { openEventLog } from '../../../mixins/events/log.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import { setting } from '../../../mixins/settings/settings.ts'
import { until } from '../../support/until.ts'
import { eventOf, rowsOf, schemaOf, type Forwarding } from '../forwarded.ts'
import type { Prepared, Scenario, Side } from '../scenario.ts'

const DATABASE = 'souk_bench'
const TOPICS = 3
/** Events whose arrival is one operation. */
const CHUNK = 5_000
/** Events that may have arrived before the clock starts: the group takes a second or two to share the partitions. */
const AHEAD = 200_000
const LOOK_MS = 20
const PATIENCE_MS = 120_000
/** Rows of one raw insert, and how many different inserts there are. */
const [RAW_ROWS, RAW_INSERTS] = [10_000, 10]

const bareClient = (): ClickHouseClient => {
  const { origin, username, password } = new URL(setting('CLICKHOUSE_URL')!)
  return createClient({ url: origin, ...(username ? { username: decodeURIComponent(username), password: decodeURIComponent(password) } : {}), request_timeout: PATIENCE_MS, log: { level: ClickHouseLogLevel.OFF } })
}

/** All members of the group are there, and each has its partitions. */
async function isShared(admin: Admin, group: string): Promise<boolean> {
  const [described] = (await admin.describeGroups([group])).groups
  return described?.state === 'Stable' && described.members.length > 1
}

/** Events that wait in Kafka, and the process that brings them into ClickHouse; anew for each measurement. */
class Backlog {
  readonly wrong: string[] = []
  #forwarding: Forwarding | null = null
  #store: AnalyticsStore | null = null
  #process: ChildProcess | null = null
  #published = 0
  /** Events that had arrived when the clock started. */
  #base: Promise<number> | null = null

  get processes(): Record<string, number> {
    return this.#process?.pid ? { forwarder: this.#process.pid } : {}
  }

  /** Publishes so many events, and more; resolves when the forwarder is under way, with how many chunks they are. */
  async provide(count: number): Promise<number> {
    const chunks = Math.ceil(count / CHUNK)
    const run = newId().replaceAll('-', '')
    const group = `bench-${run}`
    this.#forwarding = { group, topics: Array.from({ length: TOPICS }, (_, i) => `bench_${run}_${i}`), table: `${DATABASE}.event_${run}` }
    this.#store = openAnalytics(schemaOf(this.#forwarding.table))
    this.#base = null
    await this.#publish(AHEAD + chunks * CHUNK)
    this.#process = fork(fileURLToPath(new URL('../forward-process.ts', import.meta.url)), [JSON.stringify(this.#forwarding)], { execArgv: ['--disable-warning=TimeoutNegativeWarning'] })
    await this.#admin((admin) => until('the forwarder is under way', () => isShared(admin, group), PATIENCE_MS))
    return chunks
  }

  /** Resolves when the `n`th chunk has arrived. */
  async arrival(n: number): Promise<void> {
    const base = await (this.#base ??= this.#stored())
    if (base > AHEAD) throw Object.assign(new Error('the events had arrived before the clock started'), { type: 'too-early' })
    while ((await this.#stored()) < base + (n + 1) * CHUNK) await sleep(LOOK_MS)
  }

  /** Each event counts once; then nothing of them stays. */
  async settle(client: ClickHouseClient): Promise<void> {
    const { topics, table } = this.#forwarding!
    const due = { events: this.#published, sum: (this.#published * (this.#published - 1)) / 2 }
    const counted = async (): Promise<typeof due> => (await this.#store!.query<typeof due>('counted', {}))[0]!
    await until('all have arrived', async () => (await this.#stored()) >= due.events, PATIENCE_MS).catch(() => {}) // the count tells
    const { events, sum } = await counted()
    if (events !== due.events || sum !== due.sum) this.wrong.push(`${due.events} events with the sum ${due.sum} were published: ${events} with the sum ${sum} are counted`)
    const ended = once(this.#process!, 'exit')
    this.#process!.disconnect()
    await ended
    this.#process = null
    await this.#store!.close()
    await client.command({ query: `DROP TABLE ${table}` })
    await this.#admin((admin) => admin.deleteTopics({ topics: [...topics] }))
  }

  async #admin(work: (admin: Admin) => Promise<unknown>): Promise<void> {
    const admin = kafkaClient(setting('KAFKA_BROKERS')).admin()
    await admin.connect()
    await work(admin).finally(() => admin.disconnect())
  }

  async #stored(): Promise<number> {
    return (await this.#store!.query<{ events: number }>('stored', {}))[0]!.events
  }

  async #publish(count: number): Promise<void> {
    const log = openEventLog()
    for (this.#published = 0; this.#published < count; this.#published += CHUNK) {
      await log.publish(Array.from({ length: CHUNK }, (_, i) => eventOf(this.#forwarding!.topics[(this.#published + i) % TOPICS]!, this.#published + i)))
    }
    await log.close()
  }
}

/** The same rows through the bare client. */
async function rawInserts(client: ClickHouseClient): Promise<Side & { close(): Promise<void> }> {
  const table = `${DATABASE}.raw_${newId().replaceAll('-', '')}`
  for (const query of schemaOf(table).tables) await client.command({ query })
  const events = (from: number) => Array.from({ length: RAW_ROWS }, (_, i) => eventOf('raw', from + i)).map((event) => ({ ...event, body: JSON.stringify(event.body) }))
  const inserts = Array.from({ length: RAW_INSERTS }, (_, i) => rowsOf(table)(events(i * RAW_ROWS))[table]!)
  return {
    what: `the raw insert, ${RAW_ROWS.toLocaleString('en')} rows each, one after another, bare client`,
    operation: (n) => client.insert({ table, values: [...inserts[n % RAW_INSERTS]!], format: 'JSONEachRow', clickhouse_settings: { date_time_input_format: 'best_effort', async_insert: 0, wait_end_of_query: 1 } }),
    weight: RAW_ROWS,
    close: async () => void (await client.command({ query: `DROP TABLE ${table}` }))
  }
}

export const events: Scenario = {
  name: 'events',
  doc: 'events that wait in Kafka into ClickHouse, by a process that forwards them; each is counted once',
  engines: ['KAFKA_BROKERS', 'CLICKHOUSE_URL'],
  inFlight: 1,
  perSecond: 100_000,
  closedOnly: true,
  writes: false, // in tables of its own
  inside: false,
  async prepare(): Promise<Prepared> {
    const client = bareClient()
    const backlog = new Backlog()
    const raw = await rawInserts(client)
    return {
      shop: {
        what: 'an event forwarded',
        operation: (n) => backlog.arrival(n),
        weight: CHUNK,
        get processes() {
          return backlog.processes
        }
      },
      reference: raw,
      provide: (count) => backlog.provide(count),
      settle: () => backlog.settle(client),
      violations: async () => backlog.wrong,
      async close() {
        await raw.close()
        await client.close()
      }
    }
  }
}
