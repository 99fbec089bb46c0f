import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import type { Json } from '../primitives/json.ts'
import type { RedisServer } from '../redis/server.ts'
import { checkKey } from './key.ts'
import { took } from './metrics.ts'
import type { HitResult, KeyEntry, KeysStore } from './port.ts'

const lua = (name: string): { lua: string; numberOfKeys: number } => ({ lua: readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8'), numberOfKeys: 1 })

/** What the scripts add to a connection. */
interface Scripts {
  soukSet(key: string, value: string, ttlMs: number, ifVersion: number | ''): Promise<number | null>
  soukHit(key: string, windowMs: number): Promise<[hits: number, resetMs: number]>
}
type Client = (Redis | Cluster) & Scripts

const entryKey = (key: string): string => `souk:key:${checkKey(key)}`
const hitKey = (key: string, windowMs: number): string => `souk:hit:${checkKey(`${windowMs}:${key}`)}`

/** Redis counts a time to live in whole milliseconds, of which there is one at least. */
const milliseconds = (ms: number): number => Math.max(1, Math.ceil(ms))

/**
 * Keys in Redis, one Redis key each, so that a cluster holds them anywhere. On a single server the commands of an event-loop turn go
 * as one request. Expiry is Redis's own, by its clock alone. Gap: a failover to a replica may lose the writes of its last moments,
 * also those that were answered; a session that was ended then may live again until it is ended anew.
 */
export class RedisKeys implements KeysStore {
  readonly #server: RedisServer

  constructor(server: RedisServer) {
    server.define({ soukSet: lua('set'), soukHit: lua('hit') })
    this.#server = server
  }

  async get(keys: readonly string[]): Promise<(KeyEntry | null)[]> {
    if (keys.length === 0) return []
    const places = keys.map(entryKey)
    const entries = await this.#ask('get', (client) => Promise.all(places.map((place) => client.get(place))))
    return entries.map((entry) => {
      if (entry === null) return null
      const space = entry.indexOf(' ')
      return { value: JSON.parse(entry.slice(space + 1)) as Json, version: Number(entry.slice(0, space)) }
    })
  }

  async set(key: string, value: Json, ttlMs: number, { ifVersion }: { ifVersion?: number } = {}): Promise<number | null> {
    const place = entryKey(key)
    return this.#ask('set', (client) => client.soukSet(place, JSON.stringify(value), milliseconds(ttlMs), ifVersion ?? ''))
  }

  async del(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const places = keys.map(entryKey)
    await this.#ask('del', (client) => Promise.all(places.map((place) => client.unlink(place))))
  }

  async hit(key: string, windowMs: number, limit: number): Promise<HitResult> {
    const place = hitKey(key, windowMs)
    const [hits, resetMs] = await this.#ask('hit', (client) => client.soukHit(place, milliseconds(windowMs)))
    return { allowed: hits <= limit, remaining: Math.max(0, limit - hits), resetMs: Math.max(1, resetMs) }
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  async #ask<T>(op: keyof typeof took, request: (client: Client) => Promise<T>): Promise<T> {
    const from = performance.now()
    try {
      return await this.#server.ask((client) => request(client as Client))
    } finally {
      took[op].observe((performance.now() - from) / 1_000)
    }
  }
}
