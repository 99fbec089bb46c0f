import { createHash } from 'node:crypto'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, type Stats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

// Engines that refuse to run as root run as an unprivileged user, who may not be able to reach a checkout or data directory
// that is root's own (/root, a private temporary directory). Then their files lie where that user can.

/** Where files of engines lie that must not lie under a private directory. */
const SHARED = '/var/lib/souk'

export interface User {
  uid: number
  gid: number
}

/**
 * Whom engines run as when this process is root: whoever owns their directory already, else `postgres`, or `nobody`.
 * Null when it is not root: then they run as this user.
 */
export function unprivilegedUser(dir?: string): User | null {
  if (process.getuid?.() !== 0) return null
  const owner = dir && existsSync(dir) ? statSync(dir) : null
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'))
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (!user) throw new Error('embedded PostgreSQL: running as root, and there is no user "postgres" or "nobody" to run it as')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}

const mayEnter = ({ uid, gid, mode }: Stats, user: User): boolean => (mode & (uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001)) !== 0

/** Whether `user` may pass through every directory above `path` that exists. */
function canReach(path: string, user: User): boolean {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    if (existsSync(dir) && !mayEnter(statSync(dir), user)) return false
    if (dir === dirname(dir)) return true
  }
}

/** A place that stands in for `path`: the same one for the same path. */
const substitute = (path: string): string => join(SHARED, createHash('sha256').update(path).digest('hex').slice(0, 16))

/** `dir` where the engines' user can reach it, else a directory of its own under /var/lib/souk. */
export function reachableDirectory(dir: string, user: User | null = unprivilegedUser()): string {
  const path = resolve(dir)
  if (!user || canReach(path, user)) return path
  mkdirSync(SHARED, { recursive: true, mode: 0o755 })
  return substitute(path)
}

function openToAll(path: string): void {
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (!entry.isSymbolicLink()) chmodSync(file, entry.isDirectory() || statSync(file).mode & 0o100 ? 0o755 : 0o644)
  }
  chmodSync(path, 0o755)
}

/** `dir` itself where the engines' user can reach it, else a copy of it under /var/lib/souk, made once for each `name`. */
export function reachableCopy(dir: string, name: string, user: User | null = unprivilegedUser()): string {
  if (!user || canReach(join(dir, 'x'), user)) return dir
  const copy = join(SHARED, name)
  if (existsSync(copy)) return copy
  const half = `${copy}.${process.pid}`
  mkdirSync(SHARED, { recursive: true, mode: 0o755 })
  cpSync(dir, half, { recursive: true, verbatimSymlinks: true })
  openToAll(half)
  try {
    renameSync(half, copy)
  } catch (error) {
    rmSync(half, { recursive: true, force: true })
    if (!existsSync(copy)) throw error // else another start was first
  }
  return copy
}

/** Gives a file or directory to the engines' user. */
export function giveTo(user: User | null, path: string): void {
  if (user) chownSync(path, user.uid, user.gid)
}
