import { Cluster, Redis, ReplyError } from 'ioredis'
import { inTime } from '../primitives/in-time.ts'
import { problem } from '../primitives/problem.ts'

/** A request gets its answer within this, or is `unavailable`. */
const PATIENCE_MS = 3_000
/** How much of it a request spends on waiting for a connection that is being made. */
const CONNECTING_MS = 1_000
/** A connection that owes an answer and hears nothing for so long is given up and made anew. */
const SILENCE_MS = 3_000
const RECONNECT_MS = { step: 50, longest: 500 }
const WAITING_MAX = 20_000

/** Refusals that pass by themselves: the server loads, fails over, is full, or cannot write to its disk. */
const PASSING = /^(LOADING|CLUSTERDOWN|MASTERDOWN|READONLY|TRYAGAIN|MOVED|ASK|BUSY|MISCONF|OOM|NOREPLICAS)\b/

const overloaded = (): Error => problem('overloaded', 'Too many requests wait for the store: try again shortly.', { retryAfter: 1 })
const unavailable = (cause?: unknown): Error => Object.assign(problem('unavailable', 'The store does not answer: try again shortly.', { retryAfter: 1 }), { cause })

/** A fault of the server or of the way to it, as `unavailable`; a mistake of ours stays what it is. */
const translated = (error: unknown): unknown => {
  if (error instanceof ReplyError) return PASSING.test((error as Error).message) ? unavailable(error) : error
  return error instanceof TypeError || error instanceof RangeError ? error : unavailable(error)
}

const reconnect = (attempt: number): number => Math.min(attempt * RECONNECT_MS.step, RECONNECT_MS.longest)

export interface RedisOptions {
  /** Commands of one event-loop turn go as one request. Only on a single server: in a cluster each command finds its own node. */
  pipelined?: boolean
}

function connect(url: string, { pipelined = false }: RedisOptions): Redis | Cluster {
  const [first, ...others] = url.split(',').map((part) => new URL(part.trim()))
  const login = {
    ...(first!.username ? { username: decodeURIComponent(first!.username) } : {}),
    ...(first!.password ? { password: decodeURIComponent(first!.password) } : {}),
    ...(first!.protocol === 'rediss:' ? { tls: {} } : {})
  }
  const place = ({ hostname, port }: URL): { host: string; port: number } => ({ host: hostname, port: Number(port || 6379) })
  const connection = { ...login, connectionName: 'souk', connectTimeout: PATIENCE_MS, disconnectTimeout: 100 }
  if (others.length > 0) {
    return new Cluster([first!, ...others].map(place), {
      redisOptions: { ...connection, socketTimeout: SILENCE_MS }, // its connections live once, so this timer cannot outlive them
      enableOfflineQueue: false,
      clusterRetryStrategy: reconnect,
      slotsRefreshTimeout: PATIENCE_MS,
      slotsRefreshInterval: 5_000
    })
  }
  return new Redis({
    ...connection,
    ...place(first!),
    db: Number(first!.pathname.slice(1) || 0),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false, // what was sent and not answered may have had its effect: the caller decides
    maxRetriesPerRequest: 0,
    enableAutoPipelining: pipelined,
    retryStrategy: reconnect,
    reconnectOnError: (error) => error.message.startsWith('READONLY') // it has become a replica: its name leads to the new master
  })
}

/** Connections that were taken and not greeted are made anew, too. (The client's own timer of this kind may end the next connection instead.) */
function giveUpSilentGreetings(client: Redis): void {
  let timer: NodeJS.Timeout | undefined
  client.on('connect', () => {
    timer = setTimeout(() => client.disconnect(true), SILENCE_MS).unref()
  })
  for (const event of ['ready', 'close', 'end']) client.on(event, () => clearTimeout(timer))
}

/**
 * One connection to Redis, or to a cluster of it (`url`: several, comma-separated). It is made at once, kept, and made anew whenever
 * it breaks or falls silent. Every request is bounded in time and in number: `unavailable` (503) when no answer comes within 3 s (then
 * its outcome is unknown), when there is no connection, or while the server refuses for a reason that passes; `overloaded` (503) when too
 * many wait. Gap: in a cluster a request whose node was lost is sent again to the next one, so that it may have its effect twice.
 */
export class RedisServer {
  readonly #client: Redis | Cluster
  /** Scripts may name keys of one slot only. */
  readonly isCluster: boolean
  #waiting = 0
  #heardAt = 0
  #ready: Promise<void> | null = null

  constructor(url: string, options: RedisOptions = {}) {
    this.#client = connect(url, options)
    this.isCluster = this.#client.isCluster
    this.#client.on('error', () => {}) // whoever asks is told
    if (this.#client instanceof Redis) giveUpSilentGreetings(this.#client)
  }

  /** Gives the connection commands that it does not know, each a Lua script; call it before the first request. */
  define(scripts: Readonly<Record<string, { lua: string; numberOfKeys?: number }>>): void {
    for (const [name, script] of Object.entries(scripts)) this.#client.defineCommand(name, script)
  }

  /** Runs one request, however many commands it is. */
  async ask<T>(request: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) throw overloaded()
    this.#waiting++
    const from = performance.now()
    try {
      const answer = await inTime(PATIENCE_MS, this.#run(request), () => this.#late(from))
      this.#heardAt = performance.now()
      return answer
    } catch (error) {
      throw translated(error)
    } finally {
      this.#waiting--
    }
  }

  /** Ends the connection; what is under way rejects. */
  close(): Promise<void> {
    this.#client.disconnect()
    return Promise.resolve()
  }

  async #run<T>(request: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    if (this.#client.status !== 'ready') await inTime(CONNECTING_MS, this.#connected(), unavailable)
    return request(this.#client)
  }

  /** A single server that said nothing to anybody all the time may never again on this connection. */
  #late(from: number): Error {
    if (this.#client instanceof Redis && this.#client.status === 'ready' && this.#heardAt < from) this.#client.disconnect(true)
    return unavailable()
  }

  /** One promise for all who wait for the same connection. */
  #connected(): Promise<void> {
    this.#ready ??= new Promise((resolve) => {
      this.#client.once('ready', () => {
        this.#ready = null
        resolve()
      })
    })
    return this.#ready
  }
}
