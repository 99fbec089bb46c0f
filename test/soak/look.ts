import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { cpuOfNode } from '../bench/load/cpu.ts'
import type { Inside } from '../bench/shop.ts'

// What can be seen of a node and its engines at a moment.

const KIB_PER_MIB = 1_024
const BYTES_PER_MIB = 1_048_576
export const LOOKER = 'souk soak'

interface Process {
  pid: number
  ppid: number
  name: string
}

const processOf = (pid: string): Process | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const close = stat.lastIndexOf(')')
    return { pid: Number(pid), ppid: Number(stat.slice(close + 2).split(' ')[1]), name: stat.slice(stat.indexOf('(') + 1, close) }
  } catch {
    return null // it ended
  }
}

/** A process and all that it started. */
function familyOf(pid: number): Process[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(processOf).filter((p) => p !== null)
  const below = (parent: number): Process[] => all.filter((p) => p.ppid === parent).flatMap((p) => [p, ...below(p.pid)])
  return [...all.filter((p) => p.pid === pid), ...below(pid)]
}

/** In MiB. Of PostgreSQL's processes the shares of what they share, so that the sum is what they take; others' as the system counts them. */
function memoryOf({ pid, name }: Process): Record<string, number> {
  const read = (file: string, field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0) / KIB_PER_MIB
  if (name !== 'postgres') return { [`memory/${name}`]: read('status', 'VmRSS') }
  const shared = read('smaps_rollup', 'Pss_Shmem')
  return { 'memory/postgres': read('smaps_rollup', 'Pss') - shared, 'engine/shared buffers': shared }
}

/** Memory and open files of the node and its engines; empty where the system has no /proc. */
export function processes(pid: number): Record<string, number> {
  if (process.platform !== 'linux') return {}
  const values: Record<string, number> = {}
  const add = (series: string, value: number): void => void (values[series] = (values[series] ?? 0) + value)
  for (const member of familyOf(pid)) {
    const name = member.pid === pid ? 'node' : member.name === 'postgres' ? 'postgres' : 'node child process'
    try {
      for (const [series, mib] of Object.entries(memoryOf({ ...member, name }))) add(series, mib)
      add(name === 'postgres' ? 'engine/files' : `descriptors/${name}`, readdirSync(`/proc/${member.pid}/fd`).length)
    } catch {
      // it ended, or is another user's
    }
  }
  return values
}

/** Ticks of the kernel's clock in which the machine was busy, and all of them. */
function machineTicks(): [busy: number, all: number] {
  const [user, nice, system, idle, iowait, irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).slice(1).map(Number)
  const busy = user! + nice! + system! + irq! + softirq! + steal!
  return [busy, busy + idle! + iowait!]
}

const MS_PER_TICK = 10

/** What others than the shop and this process take of the machine's CPU, in percent, from one look to the next. */
export class Others {
  readonly #pid: number
  #last: { busy: number; all: number; ours: number } | null = null

  constructor(pid: number) {
    this.#pid = pid
  }

  look(): Record<string, number> {
    if (process.platform !== 'linux') return {}
    const [busy, all] = machineTicks()
    const own = process.cpuUsage()
    const ours = (Object.values(cpuOfNode(this.#pid)).reduce((sum, ms) => sum + ms, 0) + (own.user + own.system) / 1_000) / MS_PER_TICK
    const last = this.#last
    this.#last = { busy, all, ours }
    if (!last || all <= last.all) return {}
    // A thread that died takes its count along: then nothing can be said of this moment.
    return ours < last.ours ? {} : { 'machine/others': (100 * Math.max(0, busy - last.busy - (ours - last.ours))) / (all - last.all) }
  }
}

interface Metric {
  name: string
  labels: Record<string, string>
  value: number
}

/** The lines of Prometheus' text format. */
function metricsOf(text: string): Metric[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (!match) return []
    const labels = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]))
    return [{ name: match[1]!, labels, value: Number(match[3]) }]
  })
}

/** What the node says of itself on its operations port; empty while it does not. */
export async function metrics(operations: string): Promise<Record<string, number>> {
  const values: Record<string, number> = {}
  const add = (series: string, value: number): void => void (values[series] = (values[series] ?? 0) + value)
  const most = (series: string, value: number): void => void (values[series] = Math.max(values[series] ?? 0, value))
  const text = await fetch(`${operations}/metrics`, { signal: AbortSignal.timeout(5_000) }).then((response) => response.text(), () => '')
  for (const { name, labels, value } of metricsOf(text)) {
    const thread = labels['thread'] ?? 'node'
    if (name === 'souk_heap_bytes' && labels['state'] === 'used') add(`heap/${thread}`, value / BYTES_PER_MIB)
    else if (name === 'souk_active_resources') add(`handles/${thread}`, value)
    else if (name === 'souk_actor_activations') add(`actors/${labels['type']}`, value)
    else if (name === 'souk_actor_unanswered') add('unanswered/turns', value)
    else if (name === 'souk_outbox_waiting') most('outbox/waiting', value)
    else if (name === 'souk_events_lag') most(`lag/${labels['group']}`, value)
  }
  return values
}

/** Rows of every table, all databases together: what the statistics say. */
export type TableRows = Record<string, { rows: number; dead: number; mib: number }>

/** Looks into the shop's databases over connections of its own. */
export class DatabaseLook {
  readonly #clients: readonly pg.Client[]

  private constructor(clients: readonly pg.Client[]) {
    this.#clients = clients
  }

  static async open({ databases }: Inside): Promise<DatabaseLook> {
    const clients = [databases.main, ...databases.orders].map((connectionString) => new pg.Client({ connectionString, application_name: LOOKER }))
    for (const client of clients) client.on('error', () => {}) // the next look says so
    await Promise.all(clients.map((client) => client.connect()))
    return new DatabaseLook(clients)
  }

  /** Connections of the node: those of this run do not count. */
  async connections(): Promise<Record<string, number>> {
    const { rows } = await this.#clients[0]!.query<{ datname: string; count: string }>(
      `SELECT datname, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name NOT IN ('souk bench', '${LOOKER}') AND datname IS NOT NULL GROUP BY 1`
    )
    return Object.fromEntries(rows.map(({ datname, count }) => [`connections/${datname}`, Number(count)]))
  }

  async tables(): Promise<TableRows> {
    const found: TableRows = {}
    for (const client of this.#clients) {
      const { rows } = await client.query<{ name: string; live: string; dead: string; bytes: string }>(
        `SELECT schemaname || '.' || relname AS name, n_live_tup AS live, n_dead_tup AS dead, pg_total_relation_size(relid) AS bytes FROM pg_stat_user_tables`
      )
      for (const { name, live, dead, bytes } of rows) {
        const sum = (found[name] ??= { rows: 0, dead: 0, mib: 0 })
        sum.rows += Number(live)
        sum.dead += Number(dead)
        sum.mib += Number(bytes) / BYTES_PER_MIB
      }
    }
    return found
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()))
  }
}
