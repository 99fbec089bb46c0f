import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds of CPU spent so far, by process; a node's are told apart by thread. */
export type CpuTimes = Record<string, number>

/** Linux counts in these whatever the kernel's own tick. */
const TICK_MS = 10
const isLinux = process.platform === 'linux'

interface Stat {
  pid: number
  ppid: number
  name: string
  ms: number
  /** Of children that ended and were waited for. */
  childrenMs: number
}

function readStat(path: string): Stat | null {
  try {
    const text = readFileSync(path, 'utf8')
    const close = text.lastIndexOf(')')
    const fields = text.slice(close + 2).split(' ').map(Number)
    return { pid: Number.parseInt(text, 10), name: text.slice(text.indexOf('(') + 1, close), ppid: fields[1]!, ms: (fields[11]! + fields[12]!) * TICK_MS, childrenMs: (fields[13]! + fields[14]!) * TICK_MS }
  } catch {
    return null // it ended
  }
}

const numbered = (dir: string): string[] => readdirSync(dir).filter((name) => /^\d+$/.test(name))

const KNOWN = /^(web|commerce|catalogue|background)(-\d+)?$/

/** Threads of a node that its profile names; the others (garbage collection, compilation, thread pool) are `node, other`. */
function threadsOf(pid: number): CpuTimes {
  const times: CpuTimes = {}
  for (const tid of numbered(`/proc/${pid}/task`)) {
    const stat = readStat(`/proc/${pid}/task/${tid}/stat`)
    if (!stat) continue
    const name = `node ${KNOWN.test(stat.name) ? stat.name : stat.pid === pid ? 'main' : 'other'}`
    times[name] = (times[name] ?? 0) + stat.ms
  }
  return times
}

const everyone = (): Stat[] => numbered('/proc').map((p) => readStat(`/proc/${p}/stat`)).filter((s) => s !== null)

/** The children of a process, and theirs. */
const below = (all: readonly Stat[], parent: number): Stat[] => all.filter((s) => s.ppid === parent).flatMap((s) => [s, ...below(all, s.pid)])

/** The node's CPU by thread and that of the engines it started; nothing where the system does not tell. */
export function cpuOfNode(pid: number): CpuTimes {
  if (!isLinux) return {}
  const engines: CpuTimes = {}
  for (const { name: comm, ms, childrenMs } of below(everyone(), pid)) {
    const name = comm.startsWith('node') ? 'node child process' : comm // the thread that holds ClickHouse's engine has a process of its own
    engines[name] = (engines[name] ?? 0) + ms + childrenMs
  }
  return { ...threadsOf(pid), ...engines }
}

/** The CPU of servers, each with what it started, by their names: several may have one. */
export function cpuOfServers(servers: ReadonlyMap<number, string>): CpuTimes {
  if (servers.size === 0) return {}
  const all = everyone()
  const times: CpuTimes = {}
  for (const [pid, name] of servers) {
    const family = [...all.filter((s) => s.pid === pid), ...below(all, pid)]
    times[name] = family.reduce((sum, { ms, childrenMs }) => sum + ms + childrenMs, times[name] ?? 0)
  }
  return times
}

/** The CPU of one process, all its threads. */
export function cpuOfProcess(name: string, pid: number): CpuTimes {
  const stat = isLinux ? readStat(`/proc/${pid}/stat`) : null
  return stat ? { [name]: stat.ms } : {}
}

/** What was spent between two looks, in milliseconds; a process that was not there before is counted from its start. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): CpuTimes {
  const spent = Object.entries(after).map(([name, ms]): [string, number] => [name, Math.max(0, ms - (before[name] ?? 0))])
  return Object.fromEntries(spent.filter(([, ms]) => ms > 0))
}

/** Most memory a process ever had, and what it has now, in MiB; null where the system does not tell. */
export function memoryOf(pid: number): { peak: number; now: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    const read = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1_024
    return { peak: read('VmHWM'), now: read('VmRSS') }
  } catch {
    return null
  }
}
