import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import { KEPT_HOURS } from '../idempotency/idempotency.ts'
import { newId } from '../primitives/ids.ts'
import type { Json } from '../primitives/json.ts'
import type { RedisServer } from '../redis/server.ts'
import { holdsNul, isPoisoned, poisoned } from './poison.ts'
import { actorKey, alarmKey, dueKey, outboxKey, recordKey, REDIS_SLOTS, redisSlotOf } from './redis-keys.ts'
import type { ActorRow, ActorStore, DueReminder, TakenOperation, Turn, TurnOutcome, TurnRecord } from './types.ts'

const RECORD_MS = String(KEPT_HOURS * 3_600_000)
/** Between an actor's key and a reminder's name; keys are checked to hold none. */
const SEPARATOR = '\x1e'

type Reply = string | number | null
/** A script with any number of keys. */
type Script<R> = (numberOfKeys: number, ...keysAndArguments: (string | number)[]) => Promise<R>
interface Scripts {
  soukLoad: Script<([string, string | null, string] | null)[]>
  soukCommit: Script<(0 | 1 | [string, string, string])[]>
  soukDue: Script<Reply[]>
  soukSettle: Script<number>
}
type Client = (Redis | Cluster) & Scripts

const lua = (name: string): { lua: string } => ({ lua: readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8') })

const memberOf = (key: string, name: string): string => `${key}${SEPARATOR}${name}`

const recordOf = ([bodyHash, status, answer]: readonly [string, string, string]): TurnRecord => ({ bodyHash, status: status === '' ? null : Number(status), answer: JSON.parse(answer) as Json })

/**
 * Actors in Redis: what ActorStore promises, by Lua scripts, each of which is atomic. A batch is one script; in a cluster one script per
 * slot. See redis-keys.ts for how things lie.
 * Durable when answered if the server writes its log before it answers (`appendonly yes`, `appendfsync always`). Gap: a failover to a
 * replica may lose the turns of its last moments, though they were answered, and numbers of events that consumers saw are then given
 * again: those events have no effect where the log had the first ones.
 */
export class RedisActors implements ActorStore {
  readonly #server: RedisServer

  constructor(server: RedisServer) {
    server.define({ soukLoad: lua('load'), soukCommit: lua('commit'), soukDue: lua('due'), soukSettle: lua('settle') })
    this.#server = server
  }

  load(type: string, keys: readonly string[]): Promise<(ActorRow | null)[]> {
    return this.#forEach(keys, (key) => redisSlotOf(type, key), async (client, some) => {
      const rows = await client.soukLoad(some.length, ...some.map((key) => actorKey(type, key)))
      return rows.map((row) => row && { version: Number(row[0]), state: row[1], operations: JSON.parse(row[2]) as TakenOperation[] })
    })
  }

  async commit(turns: readonly Turn[]): Promise<TurnOutcome[]> {
    const outcomes = new Array<TurnOutcome>(turns.length)
    const sound: { index: number; turn: Turn; keys: string[]; args: string[] }[] = []
    turns.forEach((turn, index) => {
      const encoded = encode(turn)
      if ('failed' in encoded) outcomes[index] = encoded
      else sound.push({ index, turn, ...encoded })
    })
    const results = await this.#forEach(sound, ({ turn }) => redisSlotOf(turn.type, turn.key), (client, some) => {
      const keys = some.flatMap((s) => s.keys)
      return client.soukCommit(keys.length, ...keys, some.length, ...some.flatMap((s) => s.args))
    })
    sound.forEach(({ index }, i) => {
      const result = results[i]!
      outcomes[index] = result === 1 ? 'done' : result === 0 ? 'stale' : { repeat: recordOf(result) }
    })
    return outcomes
  }

  async record(operationId: string, type: string, key: string): Promise<TurnRecord | null> {
    const [hash, status, answer] = await this.#server.ask((client) => client.hmget(recordKey(type, key, operationId), 'h', 's', 'a'))
    return hash === null || hash === undefined ? null : recordOf([hash, status!, answer!])
  }

  async due(types: readonly string[], limit: number): Promise<DueReminder[]> {
    const found = await Promise.all(types.map((type) => this.#dueOf(type, limit)))
    return found.flat().sort((a, b) => b.overdueMs - a.overdueMs).slice(0, limit)
  }

  settle(reminder: DueReminder): Promise<void> {
    return this.#settle(reminder, '')
  }

  postpone(reminder: DueReminder, delayMs: number): Promise<void> {
    return this.#settle(reminder, Math.round(delayMs))
  }

  async #settle({ type, key, name, at }: DueReminder, delayMs: number | ''): Promise<void> {
    const slot = redisSlotOf(type, key)
    await this.#server.ask((client) => (client as Client).soukSettle(2, dueKey(type, slot), alarmKey(type, slot), memberOf(key, name), at, delayMs))
  }

  async #dueOf(type: string, limit: number): Promise<DueReminder[]> {
    const slots = Array.from({ length: REDIS_SLOTS }, (_, slot) => slot)
    const lists = await this.#scripts(slots, (slot) => slot, (client, some) => {
      const keys = some.flatMap((slot) => [dueKey(type, slot), alarmKey(type, slot)])
      return client.soukDue(keys.length, ...keys, limit)
    })
    return lists.flatMap(({ answer }) => remindersOf(type, answer))
  }

  /** What scripts answer for each item, in the order of the items. */
  async #forEach<I, R>(items: readonly I[], slotOf: (item: I) => number, script: (client: Client, items: readonly I[]) => Promise<R[]>): Promise<R[]> {
    const answers = new Array<R>(items.length)
    for (const { places, answer } of await this.#scripts(items, slotOf, script)) places.forEach((place, n) => (answers[place] = answer[n]!))
    return answers
  }

  /** Runs one script for all items, or in a cluster one for each slot; answers with the places of the items that each had. */
  async #scripts<I, R>(items: readonly I[], slotOf: (item: I) => number, script: (client: Client, items: readonly I[]) => Promise<R>): Promise<{ places: readonly number[]; answer: R }[]> {
    if (items.length === 0) return []
    const groups = this.#server.isCluster ? [...Map.groupBy(items.keys(), (i) => slotOf(items[i]!)).values()] : [[...items.keys()]]
    return this.#server.ask((client) => Promise.all(groups.map(async (places) => ({ places, answer: await script(client as Client, places.map((i) => items[i]!)) }))))
  }
}

const remindersOf = (type: string, list: readonly Reply[]): DueReminder[] =>
  Array.from({ length: list.length / 3 }, (_, i) => {
    const [member, alarm, overdueMs] = list.slice(3 * i, 3 * i + 3) as [string, string, number]
    const [key, name] = member.split(SEPARATOR) as [string, string]
    const space = alarm.indexOf(' ')
    return { type, key, name, at: alarm.slice(space + 1), attempts: Number(alarm.slice(0, space)), overdueMs }
  })

/** A turn as commit.lua takes it, or why it cannot be taken. */
function encode(turn: Turn): { keys: string[]; args: string[] } | { failed: Error } {
  const { type, key, state, events, record, completes } = turn
  const bodies = events.map((event) => JSON.stringify(event.body))
  if (isPoisoned(turn) || bodies.some(holdsNul)) return poisoned(turn)
  if (turn.writes.length > 0) return { failed: new Error(`a turn of ${type}/${key} has writes beside its state, and these actors live in Redis`) }
  const slot = redisSlotOf(type, key)
  const reminders = [...new Map(turn.reminders.map((r) => [r.name, r])).values()] // the last word on each name holds
  const keys = [actorKey(type, key)]
  const args = [String(turn.loaded), state === null ? '0' : '1', state ?? '', turn.operations, String(events.length)]
  events.forEach((event, i) => args.push(newId(), event.topic, event.aggregate, bodies[i]!))
  if (events.length > 0) keys.push(outboxKey(slot))
  args.push(String(reminders.length))
  for (const { name, at } of reminders) {
    const time = at === null ? null : new Date(at)
    args.push(memberOf(key, name), time ? String(time.getTime()) : '', time ? time.toISOString() : '')
  }
  if (reminders.length > 0) keys.push(dueKey(type, slot), alarmKey(type, slot))
  args.push(record ? '1' : '0')
  if (record) {
    keys.push(recordKey(type, key, record.operation.id))
    args.push(record.operation.bodyHash, record.status === null ? '' : String(record.status), record.answer, RECORD_MS)
  }
  args.push(completes ? '1' : '0')
  if (completes) {
    keys.push(recordKey(type, key, completes.operationId))
    args.push(String(completes.status), completes.answer)
  }
  return { keys, args }
}
