import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Raised by one whenever a node can no longer use what an older one left in its data directory. */
const FORMAT = 1

interface Stamp {
  format: number
  createdAt: string
}

/** How to reach the node that runs on this directory: for the REPL, the audit, and tests. */
export interface RunningNode {
  pid: number
  node: string
  address: string | null
  operations: string
  databaseUrl: string
  ordersDatabaseUrls: readonly string[]
  /** Of schemas that have one of their own. */
  schemaDatabaseUrls?: Readonly<Record<string, string>>
  kafkaBrokers?: readonly string[]
  mongodbUrl?: string
  elasticsearchUrl?: string
}

/** Longest path of a local socket that every system takes (macOS: 104 bytes with the closing zero). */
const SOCKET_PATH_MAX = 100

/** Where the REPL's socket of the node on this directory is: in it, or beside it when that path would be too long. */
export function socketPath(dir: string): string {
  const path = join(resolve(dir), 'repl.sock')
  if (process.platform === 'win32') return `\\\\.\\pipe\\souk-${idOf(dir)}`
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path
  return join(tmpdir(), `souk-${userInfo().uid}-${idOf(dir)}.sock`)
}

/** A short name of a directory, the same for the same path. */
export const idOf = (dir: string): string => createHash('sha256').update(resolve(dir)).digest('hex').slice(0, 8)

/** What the node on this directory said of itself; null when none runs. */
export function runningNode(dir: string): RunningNode | null {
  try {
    return JSON.parse(readFileSync(join(resolve(dir), 'node.json'), 'utf8')) as RunningNode
  } catch {
    return null
  }
}

const complaint = (path: string, error: NodeJS.ErrnoException): string => {
  if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS') return `no right to write in the data directory ${path}: choose another with --data-dir`
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') return `the disk of the data directory ${path} is full`
  if (error.code === 'EEXIST' || error.code === 'ENOTDIR') return `the data directory ${path} is not a directory: choose another with --data-dir`
  return `the data directory ${path} cannot be used: ${error.message}`
}

/**
 * A node's own directory: engines' data, secrets, and how to reach the node. One node at a time has it: the lock is the system's,
 * so that it ends with the process however that ends.
 */
export class DataDirectory {
  readonly path: string
  /** Nothing was there before. */
  readonly isNew: boolean
  readonly #lock: DatabaseSync

  private constructor(path: string, isNew: boolean, lock: DatabaseSync) {
    this.path = path
    this.isNew = isNew
    this.#lock = lock
  }

  /** Takes the directory, making it if need be. Throws one clear line when it is in use, of another version, somebody else's, or cannot be written. */
  static open(dir: string): DataDirectory {
    const path = resolve(dir)
    try {
      // Engines that run as another user pass through, and see nothing; what is secret here is private by itself.
      if (mkdirSync(path, { recursive: true })) chmodSync(path, process.getuid?.() === 0 ? 0o711 : 0o700)
      const isNew = checkStamp(path)
      const directory = new DataDirectory(path, isNew, takeLock(path))
      if (isNew) directory.write('souk.json', JSON.stringify({ format: FORMAT, createdAt: new Date().toISOString() } satisfies Stamp))
      return directory
    } catch (error) {
      throw typeof (error as NodeJS.ErrnoException).syscall === 'string' ? new Error(complaint(path, error as NodeJS.ErrnoException), { cause: error }) : error
    }
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** Writes a file that only this user may read, whole or not at all. */
  write(name: string, content: string): void {
    const half = this.file(`${name}.new`)
    writeFileSync(half, content, { mode: 0o600 })
    renameSync(half, this.file(name))
  }

  /** A secret that is made once and kept. */
  secret(name: string, make: () => string): string {
    if (!existsSync(this.file(name))) this.write(name, make())
    return readFileSync(this.file(name), 'utf8')
  }

  announce(node: RunningNode): void {
    this.write('node.json', JSON.stringify(node, null, 2))
  }

  close(): void {
    rmSync(this.file('node.json'), { force: true })
    this.#lock.close()
  }
}

/** True when the directory is new. */
function checkStamp(path: string): boolean {
  const file = join(path, 'souk.json')
  if (!existsSync(file)) {
    // `nodes` and `chdb-package` lie in the default directory whether a node of its own has used that or not.
    const strange = readdirSync(path).filter((name) => !/^(lock|souk\.json\.new|nodes$|chdb-package)/.test(name))
    if (strange.length > 0) throw new Error(`${path} is not a data directory of Souk, and not empty: choose another with --data-dir`)
    return true
  }
  let stamp: Partial<Stamp>
  try {
    stamp = JSON.parse(readFileSync(file, 'utf8')) as Partial<Stamp>
  } catch {
    throw new Error(`${file} is damaged: restore it, or choose another directory with --data-dir`)
  }
  if (stamp.format !== FORMAT) throw new Error(`the data directory ${path} was made by another version of Souk (format ${stamp.format}, this version has ${FORMAT}): start that version, or choose another directory with --data-dir`)
  return false
}

/** An exclusive transaction that never ends: the system gives the lock back when the process is gone. */
function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(join(path, 'lock'))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== 5) throw new Error(complaint(path, error as NodeJS.ErrnoException), { cause: error })
    const running = runningNode(path)
    throw new Error(`the data directory ${path} is in use by another node${running ? ` (process ${running.pid})` : ''}: stop it, or choose another directory with --data-dir`, { cause: error })
  }
}

/** Secrets of this node that the environment does not hold are made once and kept in its directory. */
export function provideSecrets(directory: DataDirectory): void {
  process.env['SOUK_JWT_KEY'] ||= directory.secret('jwt-key.pem', () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  process.env['SOUK_WEBHOOK_SECRET'] ||= directory.secret('webhook-secret', () => randomBytes(32).toString('base64url'))
}
