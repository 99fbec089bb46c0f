import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { giveTo, reachableDirectory, unprivilegedUser, type User } from '../embedded/unprivileged.ts'

const STAMP = 'souk-stack.json'
const HOST = '127.0.0.1'
const DEFAULT_EDGES = [3000, 3001]

/** A complaint for the person at the keyboard: it is shown without a trace. */
export class StackError extends Error {
  /** What the command ends with: 1, or 2 where this machine lacks what the stack needs. */
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Whether nobody listens on this port of loopback. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const server = createServer()
    server.once('error', () => answer(false))
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => answer(true)))
  })

/**
 * The directory of one stack: what was built and downloaded (`bin`, `lib`), each engine's configuration and data (`<engine>`), `logs`,
 * what runs (`run`), and the passwords and ports that were chosen once. Another directory is another stack.
 */
export class Stack {
  readonly dir: string
  readonly host = HOST
  /** Whom engines run as; null when that is who we are. */
  readonly user: User | null
  #choosing: Promise<unknown> = Promise.resolve()

  constructor(dir: string) {
    this.user = unprivilegedUser()
    this.dir = reachableDirectory(resolve(dir), this.user)
  }

  get exists(): boolean {
    return existsSync(this.path(STAMP))
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts)
  }

  /** Makes the directory, if it is not there. Engines pass through it and cannot look around in it. Throws a StackError when it is somebody else's. */
  create(): void {
    if (this.exists) return
    if (existsSync(this.dir) && readdirSync(this.dir).length > 0) throw new StackError(`${this.dir} is not empty and no stack's directory: choose another with --dir`)
    mkdirSync(this.dir, { recursive: true })
    chmodSync(this.dir, this.user ? 0o711 : 0o700)
    this.writePrivate(STAMP, `${JSON.stringify({ format: 1 })}\n`)
    for (const name of ['bin', 'lib']) mkdirSync(this.path(name), { mode: 0o755 })
    for (const name of ['logs', 'run']) mkdirSync(this.path(name), { mode: 0o700 })
  }

  /** A directory of the engine's user, made when it is not there; nobody else looks into it. */
  own(...parts: string[]): string {
    const path = this.path(...parts)
    if (!existsSync(path)) {
      mkdirSync(path, { mode: 0o700 })
      giveTo(this.user, path)
    }
    return path
  }

  /** Writes a file that the engine's user alone may read: configuration holds passwords. */
  configure(path: string, content: string): string {
    writeFileSync(path, content, { mode: 0o600 })
    giveTo(this.user, path)
    return path
  }

  /** Writes a file of ours, whole or not at all. */
  writePrivate(name: string, content: string): void {
    const half = this.path(`${name}.new`)
    writeFileSync(half, content, { mode: 0o600 })
    renameSync(half, this.path(name))
  }

  #table<T>(name: string): Record<string, T> {
    const file = this.path(name)
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, T>) : {}
  }

  /** A password (or another secret) that is made once. */
  secret(name: string, make: () => string = () => randomBytes(24).toString('hex')): string {
    const secrets = this.#table<string>('secrets.json')
    if (secrets[name] !== undefined) return secrets[name]
    const secret = make()
    this.writePrivate('secrets.json', `${JSON.stringify({ ...secrets, [name]: secret }, null, 2)}\n`)
    return secret
  }

  /** The port that was chosen for this use. */
  port(engine: string, use = 'main'): number {
    const port = this.#table<number>('ports.json')[`${engine}.${use}`]
    if (port === undefined) throw new Error(`no port was chosen for ${engine}.${use}`)
    return port
  }

  /**
   * Chooses the ports of an engine that does not run: those it had, or would rather have, or where somebody else listens the next
   * free ones. Answers what had to move.
   */
  choosePorts(engine: string, wanted: Readonly<Record<string, number>>): Promise<{ use: string; from: number; to: number }[]> {
    const chosen = this.#choosing.then(() => this.#choosePorts(engine, wanted)) // engines that start together must not choose the same
    this.#choosing = chosen.catch(() => {})
    return chosen
  }

  async #choosePorts(engine: string, wanted: Readonly<Record<string, number>>): Promise<{ use: string; from: number; to: number }[]> {
    const ports = this.#table<number>('ports.json')
    const moved: { use: string; from: number; to: number }[] = []
    for (const [use, preferred] of Object.entries(wanted)) {
      const key = `${engine}.${use}`
      const from = ports[key] ?? preferred
      const others = new Set(Object.entries(ports).filter(([other]) => other !== key).map(([, port]) => port))
      let to = from
      while (others.has(to) || !(await isFree(to))) to++
      ports[key] = to
      if (to !== from) moved.push({ use, from, to })
    }
    this.writePrivate('ports.json', `${JSON.stringify(ports, null, 2)}\n`)
    return moved
  }

  /** Ports of the edges that nginx stands before. */
  get edges(): readonly number[] {
    return this.#table<number[]>('edges.json')['ports'] ?? DEFAULT_EDGES
  }

  set edges(ports: readonly number[]) {
    this.writePrivate('edges.json', `${JSON.stringify({ ports })}\n`)
  }

  /** Forgets an engine's configuration, data and logs; what was built and downloaded stays. */
  forget(engine: string): void {
    rmSync(this.path(engine), { recursive: true, force: true })
    // With its data goes who may log in to it: an engine that makes its own passwords makes others the next time.
    const secrets = Object.entries(this.#table<string>('secrets.json'))
    if (secrets.length > 0) this.writePrivate('secrets.json', `${JSON.stringify(Object.fromEntries(secrets.filter(([name]) => !name.startsWith(`${engine}.`))), null, 2)}\n`)
    if (!existsSync(this.path('logs'))) return
    for (const log of readdirSync(this.path('logs'))) if (log === `${engine}.log` || log.startsWith(`${engine}-`)) rmSync(this.path('logs', log))
  }
}
