import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { Database } from './database.ts'

/** What the sharer of a set does when it must give a share up. */
export interface ShareUser {
  /** Resolves, never rejects, when nothing of this share is under way any more; the share is not in `owned` from the moment this is called. */
  settled(share: number): Promise<void>
  /** Shares were taken: there may be work. */
  taken(): void
  /** The connection broke or cannot be made: nothing is owned until it is back. */
  broken(error: unknown): void
}

/** One member's part of a set of numbered shares. */
export interface ShareSet {
  /** The shares that are this member's now. */
  readonly owned: ReadonlySet<number>
  /** Gives everything back. */
  leave(): Promise<void>
}

interface Member {
  name: string
  count: number
  user: ShareUser
  owned: Set<number>
  /** Being given up: still locked, no longer owned. */
  leaving: Map<number, Promise<void>>
  /** Holds the set's shared lock in the session we have. */
  joined: boolean
}

const RECONNECT_MS = 500

/** 64 bits of a lock's name, as PostgreSQL's bigint. */
const lockKey = (name: string): string => createHash('sha256').update(name).digest().readBigInt64BE().toString()

/**
 * Divides numbered shares (partitions of a group, lanes of an outbox) among all who want them, on session advisory locks of one
 * dedicated connection. Promised: a share is locked by one member at a time; each member comes to hold at most
 * ceil(count / members) of them; when a member's connection or process dies, PostgreSQL frees its shares at once and the others
 * take them at their next balance. Gap: a member whose connection broke may still be busy with what it took before; so work on a
 * share must bear a second worker for a moment.
 * Members find each other by a shared lock that each of them holds: there are no heartbeats and no clocks. The connection must not
 * go through a pooler that lends sessions to others (transaction pooling).
 */
export class Shares {
  readonly #db: Database
  readonly #members = new Map<string, Member>()
  readonly #timer: NodeJS.Timeout
  #client: pg.Client | null = null
  #retryAt = 0
  #balancing: Promise<void> | null = null
  #lastQuery: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(db: Database, { balanceMs = 1_000 }: { balanceMs?: number } = {}) {
    this.#db = db
    this.#timer = setInterval(() => void this.balance(), balanceMs).unref()
  }

  /** Whether this connection already shares in the set: locks of one session do not exclude each other, so a second member needs a `Shares` of its own. */
  has(name: string): boolean {
    return this.#members.has(name)
  }

  /** Becomes a member of the set `name` of `count` shares. Shares come as the others let go of them; `owned` says which. */
  join(name: string, count: number, user: ShareUser): ShareSet {
    if (this.has(name)) throw new Error(`already shares in ${name}`)
    const member: Member = { name, count, user, owned: new Set(), leaving: new Map(), joined: false }
    this.#members.set(name, member)
    void this.balance()
    return { owned: member.owned, leave: () => this.#leave(member) }
  }

  /** Takes and gives back until everybody has a fair part. Runs by itself; never rejects. */
  balance(): Promise<void> {
    this.#balancing ??= this.#balance().finally(() => (this.#balancing = null))
    return this.#balancing
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await Promise.all([...this.#members.values()].map((member) => this.#leave(member)))
    await this.#balancing
    await this.#drop(this.#client)
  }

  async #balance(): Promise<void> {
    if (this.#closed || this.#members.size === 0) return
    try {
      await this.#connect()
      if (this.#client) await this.#divide(this.#client)
      if (this.#client && this.#members.values().some((member) => !member.joined)) await this.#divide(this.#client) // joined meanwhile
    } catch (error) {
      await this.#drop(this.#client) // broken or silent: its locks must not outlive our trust in it; the next balance connects anew
      for (const member of this.#members.values()) member.user.broken(error)
    }
  }

  async #divide(client: pg.Client): Promise<void> {
    for (const member of this.#members.values()) {
      if (member.joined) continue
      member.joined = true
      await this.#query(client, 'SELECT pg_advisory_lock_shared($1)', [lockKey(member.name)])
    }
    const members = await this.#count(client)
    for (const member of this.#members.values().filter((m) => m.joined)) {
      const fair = Math.ceil(member.count / Math.max(1, members.get(lockKey(member.name)) ?? 1))
      for (const share of [...member.owned].slice(fair)) this.#giveUp(client, member, share)
      await this.#take(client, member, fair)
    }
  }

  async #connect(): Promise<void> {
    if (this.#client || Date.now() < this.#retryAt) return
    this.#retryAt = Date.now() + RECONNECT_MS
    const client = await this.#db.dedicated()
    client.on('error', () => this.#lost(client))
    client.on('end', () => this.#lost(client))
    this.#client = client
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) return
    this.#client = null
    for (const member of this.#members.values()) {
      member.joined = false
      member.owned.clear()
      member.leaving.clear()
    }
  }

  async #drop(client: pg.Client | null): Promise<void> {
    if (!client) return
    this.#lost(client)
    await client.end().catch(() => {})
  }

  /** Members of every set of ours: sessions that hold its shared lock. */
  async #count(client: pg.Client): Promise<Map<string, number>> {
    const rows = await this.#query<{ key: string; members: number }>(
      client,
      `SELECT ((classid::bigint << 32) | objid::bigint)::text AS key, count(*)::int AS members FROM pg_locks
       WHERE locktype = 'advisory' AND objsubid = 1 AND mode = 'ShareLock' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       GROUP BY 1`
    )
    return new Map(rows.map(({ key, members }) => [key, members]))
  }

  async #take(client: pg.Client, member: Member, fair: number): Promise<void> {
    const start = Math.floor(Math.random() * member.count) // members that start together try different ones first
    let took = false
    for (let i = 0; i < member.count && member.owned.size < fair; i++) {
      const share = (start + i) % member.count
      if (member.owned.has(share) || member.leaving.has(share)) continue
      const rows = await this.#query<{ locked: boolean }>(client, 'SELECT pg_try_advisory_lock($1) AS locked', [shareKey(member, share)])
      if (!rows[0]?.locked) continue
      if (this.#client !== client) return
      if (this.#members.get(member.name) !== member) return void (await this.#unlock(client, shareKey(member, share))) // left meanwhile
      member.owned.add(share)
      took = true
    }
    if (took) member.user.taken()
  }

  #giveUp(client: pg.Client, member: Member, share: number): void {
    member.owned.delete(share)
    const given = member.user.settled(share).then(async () => {
      await this.#unlock(client, shareKey(member, share))
      if (member.leaving.get(share) === given) member.leaving.delete(share)
    })
    member.leaving.set(share, given)
  }

  async #leave(member: Member): Promise<void> {
    if (!this.#members.delete(member.name)) return
    const client = this.#client
    if (!client) return
    for (const share of member.owned) this.#giveUp(client, member, share)
    await Promise.all(member.leaving.values())
    if (member.joined && this.#client === client) await this.#query(client, 'SELECT pg_advisory_unlock_shared($1)', [lockKey(member.name)]).catch(() => {})
  }

  /** One statement at a time: a connection runs no two at once. */
  async #query<R extends pg.QueryResultRow>(client: pg.Client, text: string, values: unknown[] = []): Promise<R[]> {
    const answer = this.#lastQuery.then(() => client.query<R>(text, values))
    this.#lastQuery = answer.catch(() => {})
    return (await answer).rows
  }

  async #unlock(client: pg.Client, key: string): Promise<void> {
    if (this.#client !== client) return // that session is gone, and its locks with it
    await this.#query(client, 'SELECT pg_advisory_unlock($1)', [key]).catch(() => {})
  }
}

const shareKey = (member: Member, share: number): string => lockKey(`${member.name}/${share}`)
