import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Sends a signal; a process that ended by itself meanwhile is no matter. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // it is gone
  }
}

/** Processes that descend from this one, parents first; of those with this command's name, where one is given. */
export async function descendants(pid: number, command?: string): Promise<number[]> {
  const { stdout } = await run('ps', ['-eo', 'pid=,ppid=,comm='])
  const rows = stdout.trim().split('\n').map((line) => line.trim().split(/\s+/)).map(([own, parent, ...name]) => ({ pid: Number(own), parent: Number(parent), name: name.join(' ') }))
  const below = (parent: number): typeof rows => rows.filter((r) => r.parent === parent).flatMap((r) => [r, ...below(r.pid)])
  return below(pid).filter(({ name }) => command === undefined || name === command).map((r) => r.pid)
}

/** Sends a signal to a process and to all that descend from it. */
export async function signalAll(pid: number, name: NodeJS.Signals): Promise<void> {
  for (const one of [pid, ...(await descendants(pid))]) signal(one, name)
}
