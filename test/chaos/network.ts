import { execFileSync, spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProxy } from '../support/fault-proxy.ts'

/** Engines that are reached as they are: Kafka tells its clients where it is itself, and the others are not asked by nodes. */
const DIRECT = /^(KAFKA_|NGINX_|PROMETHEUS_|NATS_(GUEST|OTHER|SYSTEM|MONITOR)_|REDIS_CLUSTER_)/
/** So are members of a Redis cluster, which tell their clients of each other. */
const isDirect = (name: string, value: string): boolean => DIRECT.test(name) || (name === 'REDIS_URL' && value.includes(','))
const PLACE = /127\.0\.0\.1:(\d+)/g
const LOOPBACK = '127.0.0.1'

/** A network namespace of Linux with one cable to ours. */
class Namespace {
  readonly name = `souk-chaos-${process.pid}`
  readonly #cable = `souk${process.pid}`
  /** Our end of the cable. */
  readonly address: string
  readonly #far: string

  constructor() {
    const third = process.pid % 250
    this.address = `10.211.${third}.1`
    this.#far = `10.211.${third}.2`
  }

  /** Whether the system lets us make one. */
  static get canBe(): boolean {
    return process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0
  }

  open(): void {
    const [ours, theirs] = [`${this.#cable}a`, `${this.#cable}b`]
    const ip = (...args: string[]): unknown => execFileSync('ip', args, { stdio: 'pipe' })
    ip('netns', 'add', this.name)
    ip('link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs)
    ip('link', 'set', theirs, 'netns', this.name)
    ip('addr', 'add', `${this.address}/30`, 'dev', ours)
    ip('link', 'set', ours, 'up')
    for (const args of [['addr', 'add', `${this.#far}/30`, 'dev', theirs], ['link', 'set', theirs, 'up'], ['link', 'set', 'lo', 'up']]) ip('netns', 'exec', this.name, 'ip', ...args)
  }

  set isPlugged(plugged: boolean) {
    execFileSync('ip', ['link', 'set', `${this.#cable}a`, plugged ? 'up' : 'down'], { stdio: 'pipe' })
  }

  close(): void {
    spawnSync('ip', ['netns', 'del', this.name])
    spawnSync('ip', ['link', 'del', `${this.#cable}a`]) // where the namespace lives on in a process
  }
}

/**
 * The ways between nodes and engines. Each goes through a proxy: those of one node, `apart`, through proxies of its own, and where the
 * system allows it (Linux, root) that node has a network of its own too, whose cable can be pulled: what is sent then is lost
 * without a word, as on a real network. The others share a proxy for each engine.
 */
export class Network {
  readonly #apart: string | null
  readonly #namespace: Namespace | null
  readonly #shared = new Map<string, FaultProxy>()
  readonly #own = new Map<string, FaultProxy>()
  #nats = ''

  private constructor(apart: string | null, namespace: Namespace | null) {
    this.#apart = apart
    this.#namespace = namespace
  }

  /** `apart`: the node with ways of its own, if one is to have them. */
  static async open(apart: string | null): Promise<Network> {
    const namespace = apart !== null && Namespace.canBe ? new Namespace() : null
    namespace?.open()
    return new Network(apart, namespace)
  }

  /** The settings of a node with every engine behind a proxy, and the command that runs it where its network is its own. */
  async routes(node: string, env: Readonly<Record<string, string>>): Promise<{ env: Record<string, string>; within?: readonly string[] }> {
    const isApart = node === this.#apart
    const [proxies, listen] = isApart ? [this.#own, this.#namespace?.address ?? LOOPBACK] : [this.#shared, LOOPBACK]
    const routed: Record<string, string> = {}
    for (const [name, value] of Object.entries(env)) {
      if (name === 'NATS_URL') this.#nats = PLACE.exec(value)?.[1] ?? ''
      PLACE.lastIndex = 0
      if (!isDirect(name, value)) for (const [, port] of value.matchAll(PLACE)) if (!proxies.has(port!)) proxies.set(port!, await FaultProxy.before(LOOPBACK, Number(port), listen))
      routed[name] = isDirect(name, value) ? value : value.replaceAll(PLACE, (_, port: string) => `${listen}:${proxies.get(port)!.port}`)
    }
    return { env: routed, ...(isApart && this.#namespace ? { within: ['ip', 'netns', 'exec', this.#namespace.name] } : {}) }
  }

  async cut(ms: number): Promise<void> {
    if (!this.#namespace) return hold([...this.#own.values()], (proxy) => proxy.pause(), ms)
    this.#namespace.isPlugged = false
    await sleep(ms)
    this.#namespace.isPlugged = true
  }

  /** The node apart and the others do not hear of each other; what is on the way arrives later. */
  apart(ms: number): Promise<void> {
    return hold([this.#own.get(this.#nats)!], (proxy) => proxy.pause(), ms)
  }

  slow(delayMs: number, ms: number): Promise<void> {
    return hold([...this.#own.values(), ...this.#shared.values()], (proxy) => proxy.delay(delayMs), ms)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#own.values(), ...this.#shared.values()].map((proxy) => proxy.close()))
    this.#namespace?.close()
  }
}

async function hold(proxies: readonly FaultProxy[], fault: (proxy: FaultProxy) => void, ms: number): Promise<void> {
  proxies.forEach(fault)
  await sleep(ms)
  await Promise.all(proxies.map((proxy) => proxy.heal()))
}
