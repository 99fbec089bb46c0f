// `npm run soak`: lets a shop trade for minutes, with threads dying in the first third, and looks at what grows.
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpClient } from '../bench/load/http-client.ts'
import { openArrival } from '../bench/load/drive.ts'
import { violationsOf } from '../bench/books.ts'
import { progress, say, settingNow, writeResults } from '../bench/machine.ts'
import { makePeople } from '../bench/people.ts'
import { joinShop, startShop, type Inside, type Shop } from '../bench/shop.ts'
import { until } from '../support/until.ts'
import { runningNode } from '../../nodes/data-directory.ts'
import { Client, Tally } from './client.ts'
import { DatabaseLook, metrics, Others, processes } from './look.ts'
import { readOptions, type Options } from './options.ts'
import { pageOf } from './page.ts'
import { tableGrowth, tablesOf, wrongOf, type Death, type SoakReport } from './report.ts'
import { judge, othersShare, type Sample } from './series.ts'
import { Trade } from './trade.ts'
import { goodsOf } from './goods.ts'
import { Visitor } from './visitor.ts'

const CONNECTIONS = 200
/** Operations that are asked often enough to be followed over time. */
const FOLLOWED: ReadonlySet<string> = new Set(['detail', 'list', 'search', 'suggest', 'cart', 'cart add', 'quote', 'order'])
const FIRE_SHARE = 1 / 3
/** Customers for each visit a second: nobody comes back within 30 seconds, in which an authenticator shows the same code. */
const CUSTOMERS_PER_RATE = 60
const SAMPLES = 400
const [SAMPLE_MIN_S, SAMPLE_MAX_S] = [0.5, 10]
/** After the last death. */
const RECOVERY_MS = 60_000
const DEMO_PASSWORD = 'souk-demo-2026'

const isReady = (operations: string): Promise<boolean> => fetch(`${operations}/readyz`).then(({ ok }) => ok, () => false)

const shopOf = async ({ dataDir, url, products }: Options): Promise<Shop> => {
  if (dataDir === null) return startShop(products, { SOUK_TEST_DOORS: '1' })
  const address = url ?? runningNode(dataDir)?.address
  if (!address) throw new Error(`${dataDir}: no node with a gateway runs there`)
  return joinShop(address, dataDir)
}

/** A run of the soak: the trade, the deaths and the samples go on beside each other until the time is over. */
class Soak {
  readonly #options: Options
  readonly #inside: Inside
  readonly #trade: Trade
  readonly #tally: Tally
  readonly #look: DatabaseLook
  readonly #samples: Sample[] = []
  readonly #deaths: Death[] = []
  readonly #others: Others
  /** Seconds under fire, and in peace. */
  readonly #fire: number
  readonly #peace: number
  #startedAt = 0
  #over = false

  constructor(options: Options, inside: Inside, trade: Trade, tally: Tally, look: DatabaseLook) {
    this.#options = options
    this.#inside = inside
    this.#trade = trade
    this.#tally = tally
    this.#look = look
    this.#others = new Others(inside.pid)
    this.#fire = options.minutes * 60 * FIRE_SHARE
    this.#peace = options.minutes * 60 - this.#fire
  }

  async run(): Promise<SoakReport> {
    const setting = settingNow()
    const before = await this.#look.tables()
    this.#startedAt = performance.now()
    const sampling = this.#sampling()
    await Promise.all([this.#visits(this.#fire), this.#dying()])
    await until('every thread serves again', () => isReady(this.#inside.operations), RECOVERY_MS)
    const [turn, fire] = [this.#now(), { ...this.#tally.misses }]
    await this.#visits(this.#peace)
    const seconds = this.#now()
    this.#over = true
    await sampling
    progress('audits')
    const violations = await violationsOf(this.#inside, this.#trade.acknowledged)
    progress('')
    const verdicts = judge(this.#samples, turn, seconds)
    const peace = Object.entries(this.#tally.misses).map(([type, count]): [string, number] => [type, count - (fire[type] ?? 0)])
    const facts = { verdicts, violations, misses: { fire, peace: Object.fromEntries(peace.filter(([, count]) => count > 0)) }, broken: this.#trade.broken, orders: this.#trade.acknowledged.length, others: othersShare(this.#samples, turn) }
    const { minutes, rate, deaths, products, dataDir, url } = this.#options
    return {
      format: 1, ...setting, options: { minutes, rate, deaths, products: dataDir === null ? products : null, url: url ?? dataDir }, seconds, turn,
      visits: this.#trade.visits, requests: this.#tally.requests, samples: this.#samples, deaths: this.#deaths, latencies: this.#tally.summary(), outcomes: this.#tally.outcomes,
      tables: tableGrowth(before, await this.#look.tables(), facts.orders), ...facts, wrong: wrongOf(facts)
    }
  }

  #now(): number {
    return (performance.now() - this.#startedAt) / 1_000
  }

  /** People come for so long, and those who are there then end their visit. */
  #visits(seconds: number): Promise<unknown> {
    return openArrival({ operation: () => this.#trade.visit(), seconds, rate: this.#options.rate })
  }

  async #sampling(): Promise<void> {
    const every = Math.min(SAMPLE_MAX_S, Math.max(SAMPLE_MIN_S, (this.#fire + this.#peace) / SAMPLES))
    for (let at = every; !this.#over; at = Math.max(at + every, this.#now())) {
      await sleep(Math.max(0, (at - this.#now()) * 1_000))
      const [told, connections] = await Promise.all([metrics(this.#inside.operations), this.#look.connections()])
      const latency = Object.fromEntries(Object.entries(this.#tally.interval()).filter(([kind]) => FOLLOWED.has(kind)).map(([kind, ms]) => [`latency/${kind}`, ms]))
      const sample = { seconds: this.#now(), values: { ...processes(this.#inside.pid), ...told, ...connections, ...latency, ...this.#others.look() } }
      this.#samples.push(sample)
      this.#tell(sample)
    }
  }

  #tell({ seconds, values }: Sample): void {
    const left = Math.max(0, this.#fire + this.#peace - seconds)
    const rounded = (series: string): string => String(Math.round(values[series] ?? 0))
    progress(
      `${left >= 60 ? `${Math.ceil(left / 60)} min` : `${Math.ceil(left)} s`} left · ${this.#trade.visits} visits, ${this.#trade.acknowledged.length} orders · ` +
        `node ${rounded('memory/node')} MiB, PostgreSQL ${rounded('memory/postgres')} MiB · ${rounded('descriptors/node')} files · outbox ${rounded('outbox/waiting')} · order ${rounded('latency/order')} ms · ${this.#deaths.length} deaths`
    )
  }

  /** One thread after another dies, as a crash would end it; in peace none does. */
  async #dying(): Promise<void> {
    const { deaths } = this.#options
    const doors = deaths > 0 ? await this.#doors() : []
    for (let n = 0; doors.length > 0 && (n + 1) * deaths < this.#fire; n++) {
      await sleep(Math.max(0, ((n + 1) * deaths - this.#now()) * 1_000))
      const nodeID = doors[n % doors.length]!
      this.#deaths.push({ seconds: this.#now(), thread: nodeID.split('.').at(-1)! })
      const broker = await this.#inside.broker()
      await broker.call('$door.exit', {}, { nodeID, timeout: 2_000 }).catch(() => {}) // nobody answers from a dead thread
    }
  }

  async #doors(): Promise<string[]> {
    const broker = await this.#inside.broker()
    const services = broker.registry.getServiceList({ onlyAvailable: true }) as { name: string; nodeID: string }[]
    return services.filter(({ name }) => name === '$door').map(({ nodeID }) => nodeID).sort()
  }
}

async function soak(options: Options): Promise<boolean> {
  progress(options.dataDir === null ? `starts a fresh shop with ${options.products} products` : `joins the shop on ${options.dataDir}`)
  const shop = await shopOf(options)
  const inside = shop.inside!
  const stop = (): void => void shop.close().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const http = new HttpClient(shop.url, CONNECTIONS)
  const look = await DatabaseLook.open(inside)
  try {
    const tally = new Tally()
    const client = new Client(http, tally)
    const [people, goods] = await Promise.all([makePeople(inside, Math.ceil(options.rate * CUSTOMERS_PER_RATE)), goodsOf(http)])
    const signedIn = (name: string): Promise<Visitor> => Visitor.signedIn(client, `${name}@souk.example`, DEMO_PASSWORD)
    const trade = new Trade({ client, goods, editor: await signedIn('admin'), seller: await signedIn('seller'), customers: people.map((person) => Visitor.of(client, person)) })
    const report = await new Soak(options, inside, trade, tally, look).run()
    say(tablesOf(report))
    const name = writeResults(options.out, report, pageOf(report))
    say(`Written: ${name}.json, ${name}.html`)
    return report.wrong.length === 0
  } finally {
    http.close()
    await look.close()
    await shop.close()
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if ('print' in options) return say(options.print)
  if (!(await soak(options))) process.exitCode = 1
}

await main().catch((error: unknown) => {
  console.error(`souk: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
