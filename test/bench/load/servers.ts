import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

type Environment = Readonly<Record<string, string | undefined>>

/** What engines are called, by the variables that name them. */
const ENGINES: readonly (readonly [variable: RegExp, name: string])[] = [
  [/^(ORDERS_)?DATABASE_URLS?(_\w+)?$/, 'postgres'],
  [/^REDIS_(CLUSTER_)?URLS?$/, 'redis'],
  [/^NATS_URL$/, 'nats'],
  [/^KAFKA_BROKERS$/, 'kafka'],
  [/^MONGODB_URL$/, 'mongo'],
  [/^ELASTICSEARCH_URL$/, 'elasticsearch'],
  [/^CLICKHOUSE_URL$/, 'clickhouse'],
  [/^S3_ENDPOINT$/, 's3']
]
const HERE = new Set(['127.0.0.1', 'localhost', '[::1]'])
const LISTENING = '0A'

/** Ports of this machine that the environment names engines at. */
export function enginePorts(env: Environment): Map<number, string> {
  const ports = new Map<number, string>()
  for (const [variable, value = ''] of Object.entries(env)) {
    const name = ENGINES.find(([pattern]) => pattern.test(variable))?.[1]
    for (const place of name ? value.split(',') : []) {
      const url = URL.parse(place.includes('://') ? place.trim() : `tcp://${place.trim()}`)
      if (url?.port && HERE.has(url.hostname)) ports.set(Number(url.port), name!)
    }
  }
  return ports
}

const lines = (path: string): string[] => {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1)
  } catch {
    return [] // not this system, or no IPv6
  }
}

const entries = (path: string): string[] => {
  try {
    return readdirSync(path)
  } catch {
    return [] // it ended, or is somebody else's
  }
}

const target = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return '' // closed meanwhile
  }
}

/** The engines of this machine that the environment names, by process; none where the system does not tell. */
export function serversOf(env: Environment): Map<number, string> {
  const ports = enginePorts(env)
  const sockets = new Map<string, string>()
  for (const line of ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(lines)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    const name = state === LISTENING ? ports.get(Number.parseInt(local!.split(':')[1]!, 16)) : undefined
    if (name) sockets.set(`socket:[${inode}]`, name)
  }
  const servers = new Map<number, string>()
  if (sockets.size === 0) return servers
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    const name = entries(`/proc/${pid}/fd`).map((fd) => sockets.get(target(`/proc/${pid}/fd/${fd}`))).find(Boolean)
    if (name) servers.set(Number(pid), name)
  }
  return servers
}
