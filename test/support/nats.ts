import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from 'nats'
import { until } from './until.ts'
import { freePort } from './whole-shop.ts'

const MODULE = 'github.com/nats-io/nats-server/v2@v2.15.2'
const BUILD_MS = 180_000
const built = fileURLToPath(new URL('../../node_modules/.cache/souk-test-tools/', import.meta.url))

const works = (command: string): boolean => spawnSync(command, ['--version']).status === 0

/** A NATS server's program: the machine's, the one that was named, or one that Go builds once; null where none can be had. */
export function natsServer(): string | null {
  const own = join(built, 'nats-server')
  for (const command of [process.env['SOUK_TEST_NATS_SERVER'] ?? '', 'nats-server', '/usr/sbin/nats-server', own]) if (command && works(command)) return command
  if (spawnSync('go', ['version']).status !== 0) return null
  spawnSync('go', ['install', MODULE], { env: { ...process.env, GOBIN: built, CGO_ENABLED: '0' }, timeout: BUILD_MS })
  return existsSync(own) ? own : null
}

/** A certificate authority, and a certificate for loopback and one for a client by it. */
function certificates(dir: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  openssl('req', '-x509', ...newKey, '-subj', '/CN=test authority', '-keyout', 'ca.key', '-out', 'ca.pem')
  for (const name of ['server', 'client']) {
    const extensions = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE']
    openssl('req', '-x509', ...newKey, '-subj', `/CN=${name}`, ...extensions, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', `${name}.key`, '-out', `${name}.pem`)
  }
}

/** A server of a test's own. */
export class NatsServer {
  readonly dir = mkdtempSync(join(tmpdir(), 'souk-nats-'))
  readonly #command: string
  #process: ChildProcess | null = null
  port = 0

  constructor(command: string) {
    this.#command = command
  }

  /** Anybody may join, without TLS. */
  async start(): Promise<void> {
    this.port ||= await freePort()
    await this.#run(['-a', '127.0.0.1', '-p', String(this.port)])
    await until('NATS answers', () => connect({ servers: `127.0.0.1:${this.port}`, reconnect: false }).then((c) => c.close().then(() => true), () => false))
  }

  /** Only a user with rights to Souk's subjects may join, by TLS in both directions. */
  async startGuarded(user: string, password: string): Promise<void> {
    this.port = await freePort()
    certificates(this.dir)
    const file = join(this.dir, 'nats.conf')
    writeFileSync(
      file,
      `listen: "127.0.0.1:${this.port}"
      tls { cert_file: "${this.dir}/server.pem", key_file: "${this.dir}/server.key", ca_file: "${this.dir}/ca.pem", verify: true }
      authorization { users: [ { user: "${user}", password: "${password}", permissions: { publish: ["MOL-souk.>"], subscribe: ["MOL-souk.>"] } } ] }`
    )
    await this.#run(['-c', file])
    await until('NATS listens', () => fetch(`http://127.0.0.1:${this.port}`).then(() => true, (error: { cause?: { code?: string } }) => error.cause?.code !== 'ECONNREFUSED'))
  }

  async stop(): Promise<void> {
    const running = this.#process
    this.#process = null
    if (!running || running.exitCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }

  #run(args: readonly string[]): Promise<void> {
    this.#process = spawn(this.#command, args, { stdio: 'ignore' })
    return new Promise((resolve, reject) => this.#process!.once('spawn', resolve).once('error', reject))
  }
}
