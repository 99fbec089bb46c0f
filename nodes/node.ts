import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { schemaUrls } from '../mixins/postgres/database.ts'
import { setting } from '../mixins/settings/settings.ts'
import { checkNats, natsPlace } from '../mixins/transport/nats.ts'
import { banner } from './banner.ts'
import { DataDirectory, idOf, provideSecrets, socketPath, type RunningNode } from './data-directory.ts'
import { checkShared, describeEngines, Engines, migrateAll } from './engines.ts'
import { OperationsServer } from './operations.ts'
import { awaitReady, takePort, tryPort } from './ports.ts'
import { threadsOf, type ThreadPlan } from './profiles.ts'
import { Progress } from './progress.ts'
import { ReplSocket } from './repl-socket.ts'
import { needsDemo, refuseDemoAccounts, seed } from './seed.ts'
import { Supervisor } from './supervisor.ts'

const NATS_PATIENCE_MS = 30_000

interface Undo {
  stop: () => Promise<void> | void
  kill?: () => Promise<void> | void
}

/**
 * One node. It comes up step by step, and each step leaves behind how it is undone: so the node can stop, or fail, at any point
 * and leave nothing running.
 */
export class Node {
  /** Resolves when the node serves; rejects with one clear line when it cannot start. */
  readonly started: Promise<void>
  /** Resolves with the reason when the node can no longer go on. */
  readonly lost: Promise<Error>
  readonly #lose: (error: Error) => void
  readonly #undos: Undo[] = []
  readonly #progress = new Progress()
  readonly #demo = setting('SOUK_DEMO')
  #stopping = false

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Error>()
    this.lost = promise
    this.#lose = resolve
    this.started = this.#start()
  }

  /** Ends everything in order: what is in flight ends first, what was committed is kept. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#undo(({ stop }) => stop())
  }

  /** Ends everything at once; what was committed is kept. */
  async kill(): Promise<void> {
    this.#stopping = true
    await this.#undo(({ stop, kill }) => (kill ?? stop)())
  }

  async #undo(how: (undo: Undo) => Promise<void> | void): Promise<void> {
    for (let undo = this.#undos.pop(); undo; undo = this.#undos.pop()) {
      try {
        await how(undo)
      } catch (error) {
        console.error('souk: while it stops:', error)
      }
    }
  }

  /** Between two steps: throws when the node has been asked to stop meanwhile. */
  readonly #goOn = (): void => {
    if (this.#stopping) throw new Error('it was stopped while it started')
  }

  async #start(): Promise<void> {
    const threads = threadsOf(setting('SOUK_PROFILE'), this.#demo, setting('SOUK_THREADS'))
    checkShared(new Set(threads.flatMap(({ services }) => services)))
    const directory = this.#takeDirectory()
    const operations = new OperationsServer()
    const operationsUrl = await this.#takeOperationsPort(operations)
    const address = await this.#gatewayAddress(threads)
    this.#progress.line(`Souk · profile ${setting('SOUK_PROFILE')} · data in ${directory.path}`)
    await this.#startEngines(directory)
    this.#goOn()
    provideSecrets(directory)
    await this.#awaitNats()
    const supervisor = await this.#startThreads(nameOf(directory), threads, operations)
    this.#goOn()
    await this.#openRepl(directory, supervisor)
    if (this.#demo && has(threads, 'product.worker')) await this.#seed(supervisor)
    if (address) await awaitReady(address, this.#goOn)
    directory.announce({ pid: process.pid, node: supervisor.node, address, operations: operationsUrl, ...stores() })
    this.#progress.line(banner({ address, operations: operationsUrl, demo: this.#demo, dataDir: directory.path, elapsed: this.#progress.elapsed }))
  }

  #takeDirectory(): DataDirectory {
    const directory = DataDirectory.open(setting('SOUK_DATA_DIR'))
    this.#undos.push({ stop: () => directory.close() })
    process.env['SOUK_DATA_DIR'] = directory.path
    return directory
  }

  async #takeOperationsPort(operations: OperationsServer): Promise<string> {
    const host = setting('SOUK_OPS_HOST')
    const wanted = setting('SOUK_OPS_PORT')
    const port = await takePort('operations server', '--ops-port', host, wanted, () => operations.listen(host, wanted))
    this.#undos.push({ stop: () => operations.close() })
    return `http://${host}:${port}`
  }

  /** Where the gateway will be, once its thread listens; null when this node has none. */
  async #gatewayAddress(threads: readonly ThreadPlan[]): Promise<string | null> {
    if (!has(threads, 'gateway')) return null
    const host = setting('SOUK_HOST')
    const wanted = setting('SOUK_PORT')
    const port = await takePort('gateway', '--port', host, wanted, () => tryPort(host, wanted))
    process.env['SOUK_PORT'] = String(port)
    return `http://${host}:${port}`
  }

  async #startEngines(directory: DataDirectory): Promise<void> {
    const engines = new Engines(directory, { log: (line) => this.#progress.line(`  ${line}`), lost: this.#lose })
    this.#undos.push({ stop: () => engines.stop(), kill: () => engines.kill() })
    await this.#progress.step('engines', async () => {
      const described = describeEngines()
      await engines.start()
      return described
    })
    this.#goOn()
    await this.#progress.step('tables', async () => {
      const steps = await migrateAll()
      return steps > 0 ? `${steps} migrations` : 'up to date'
    })
    if (!this.#demo) await refuseDemoAccounts(setting('DATABASE_URL')!)
  }

  /** Nodes and their servers often start together: it is waited for a while, but not for one that refuses us. */
  async #awaitNats(): Promise<void> {
    const place = natsPlace()
    if (!place) return
    await this.#progress.step('NATS', async () => {
      const deadline = performance.now() + NATS_PATIENCE_MS
      for (;;) {
        this.#goOn()
        try {
          await checkNats(place)
          return 'joined'
        } catch (error) {
          if (performance.now() > deadline || !/REFUSED|TIMEOUT|RESET/i.test((error as Error).message)) throw error
          await sleep(500)
        }
      }
    })
  }

  async #startThreads(node: string, threads: readonly ThreadPlan[], operations: OperationsServer): Promise<Supervisor> {
    const supervisor = new Supervisor({ node, threads })
    operations.serve(supervisor)
    this.#undos.push({ stop: () => supervisor.stop(), kill: () => supervisor.kill() })
    await this.#progress.step('threads', async () => {
      await supervisor.start()
      return threads.map(({ name }) => name).join(', ')
    })
    return supervisor
  }

  async #openRepl(directory: DataDirectory, supervisor: Supervisor): Promise<void> {
    const socket = new ReplSocket(socketPath(directory.path), supervisor.node, supervisor.hub)
    await socket.listen()
    this.#undos.push({ stop: () => socket.close() })
  }

  async #seed({ broker }: Supervisor): Promise<void> {
    const databaseUrl = setting('DATABASE_URL')!
    if (!(await needsDemo(databaseUrl))) return
    const products = setting('SOUK_PRODUCTS')
    await this.#progress.step('catalogue', async ({ at }) => {
      const onProgress = (share: number, note?: string): void => {
        this.#goOn()
        at(share, note)
      }
      await seed(databaseUrl, { broker, products, onProgress })
      return `${products} products`
    })
  }
}

/** Where this node keeps its books. */
const stores = (): Pick<RunningNode, 'databaseUrl' | 'ordersDatabaseUrls' | 'schemaDatabaseUrls' | 'kafkaBrokers' | 'mongodbUrl' | 'elasticsearchUrl'> => ({
  databaseUrl: setting('DATABASE_URL')!,
  ordersDatabaseUrls: setting('ORDERS_DATABASE_URLS'),
  schemaDatabaseUrls: schemaUrls(),
  kafkaBrokers: setting('KAFKA_BROKERS'),
  ...(setting('MONGODB_URL') ? { mongodbUrl: setting('MONGODB_URL')! } : {}),
  ...(setting('ELASTICSEARCH_URL') ? { elasticsearchUrl: setting('ELASTICSEARCH_URL')! } : {})
})

const has = (threads: readonly ThreadPlan[], service: string): boolean => threads.some(({ services }) => services.includes(service))

/** A node that is alone is called `souk`; those that are joined need different names, that stay over a restart. */
const nameOf = (directory: DataDirectory): string => setting('SOUK_NODE') || (setting('NATS_URL') ? `${setting('SOUK_PROFILE')}-${hostname()}-${idOf(directory.path)}` : 'souk')
