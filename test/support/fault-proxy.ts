import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** One client's way through the proxy. */
interface Way {
  client: Socket
  engine: Socket
  done: boolean
  /** Answers on their late way to the client, in order: none overtakes another, whatever heals meanwhile. */
  late: { bytes: Buffer; at: number }[]
}

/**
 * A TCP proxy in front of an engine, for tests that make the way to it slow, mute or broken. It listens on a port of its own on
 * 127.0.0.1 unless told; faults hold for connections that are there and for those that come, until `heal`.
 *
 * - `delay(ms)`: whatever the engine answers arrives so much later.
 * - `pause()`: connections are taken and stay open, and nothing passes in either direction: an engine that hangs. What was sent
 *   meanwhile passes after `heal`.
 * - `muteAnswers()`: requests reach the engine and have their effect, answers are lost: whatever waited for one is broken off by `heal`.
 * - `refuse()`: connections are broken off, and new ones are refused: an engine that is down.
 * - `cut()`: breaks off the connections that are there, once; new ones are taken.
 * - `cutAfter(bytes)`: the next connection that carries so many bytes of answers is broken off there, once: half an answer.
 */
export class FaultProxy {
  /** Where it listens. */
  readonly host: string
  readonly #host: string
  readonly #port: number
  readonly #ways = new Set<Way>()
  #server: Server | null = null
  #listensOn = 0
  #delayMs = 0
  #paused = false
  #muted = false
  #cutAfter: number | null = null

  private constructor(host: string, port: number, listen: string) {
    this.host = listen
    this.#host = host
    this.#port = port
  }

  /** A proxy in front of `host:port`, listening on an address of this machine. */
  static async before(host: string, port: number, listen = '127.0.0.1'): Promise<FaultProxy> {
    const proxy = new FaultProxy(host, port, listen)
    await proxy.#listen()
    return proxy
  }

  /** A proxy in front of the server that a URL names. */
  static beforeUrl(url: string, defaultPort?: number): Promise<FaultProxy> {
    const { hostname, port } = new URL(url)
    return FaultProxy.before(hostname, Number(port || defaultPort))
  }

  get port(): number {
    return this.#listensOn
  }

  /** The same URL, through this proxy. */
  through(url: string): string {
    const proxied = new URL(url)
    proxied.host = `${this.host}:${this.port}`
    return proxied.href
  }

  /** Connections open at present. */
  get connections(): number {
    return this.#ways.size
  }

  delay(ms: number): void {
    this.#delayMs = ms
  }

  pause(): void {
    this.#paused = true
    for (const { client, engine } of this.#ways) {
      client.pause()
      engine.pause()
    }
  }

  muteAnswers(): void {
    this.#muted = true
  }

  async refuse(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    this.cut()
    await closed
  }

  cut(): void {
    for (const way of this.#ways) end(way)
  }

  cutAfter(bytes: number): void {
    this.#cutAfter = bytes
  }

  /** Ends all faults. Connections whose answers were lost are broken off, for what they wait for does not come. */
  async heal(): Promise<void> {
    if (this.#muted) this.cut()
    this.#delayMs = 0
    this.#paused = false
    this.#muted = false
    this.#cutAfter = null
    for (const { client, engine } of this.#ways) {
      client.resume()
      engine.resume()
    }
    if (!this.#server) await this.#listen()
  }

  async close(): Promise<void> {
    await this.refuse()
  }

  async #listen(): Promise<void> {
    const server = createServer({ noDelay: true }, (client) => this.#take(client))
    server.listen(this.#listensOn, this.host)
    await once(server, 'listening')
    this.#listensOn = (server.address() as AddressInfo).port
    this.#server = server
  }

  #take(client: Socket): void {
    const engine = connect({ host: this.#host, port: this.#port, noDelay: true })
    const way: Way = { client, engine, done: false, late: [] }
    this.#ways.add(way)
    for (const socket of [client, engine]) {
      socket.on('error', () => {}) // `close` follows
      socket.on('close', () => {
        this.#ways.delete(way)
        end(way)
      })
      if (this.#paused) socket.pause()
    }
    client.on('data', (bytes: Buffer) => engine.write(bytes))
    client.on('end', () => engine.end())
    engine.on('data', (bytes: Buffer) => this.#answer(way, bytes))
    engine.on('end', () => client.end())
  }

  #answer(way: Way, bytes: Buffer): void {
    if (this.#muted) return
    if (this.#cutAfter !== null) {
      const rest = this.#cutAfter - bytes.length
      this.#cutAfter = rest > 0 ? rest : null
      if (rest <= 0) {
        way.client.write(bytes.subarray(0, bytes.length + rest), () => end(way))
        return
      }
    }
    if (this.#delayMs === 0 && way.late.length === 0) return void way.client.write(bytes)
    way.late.push({ bytes, at: performance.now() + this.#delayMs })
    if (way.late.length === 1) deliver(way)
  }
}

/** Passes late answers on, one after another. */
function deliver(way: Way): void {
  const [first] = way.late
  if (!first || way.done) return
  setTimeout(() => {
    if (!way.done) way.client.write(first.bytes)
    way.late.shift()
    deliver(way)
  }, first.at - performance.now())
}

function end(way: Way): void {
  if (way.done) return
  way.done = true
  way.client.destroy()
  way.engine.destroy()
}
