import { outboxKey } from '../actor/redis-keys.ts'
import type { Json } from '../primitives/json.ts'
import type { RedisServer } from '../redis/server.ts'
import type { OutboxEntry, OutboxLanes } from './outbox-sender.ts'

/** The lengths of the streams together, and how long the oldest entry has waited by the server's clock. */
interface Waiting {
  waiting: number
  oldestSeconds: number | null
}

/** An entry's id begins with the time of its commit, in milliseconds. */
const timeOf = (id: string): number => Number(id.slice(0, id.indexOf('-')))

/** The outbox of actors in Redis: a stream for each slot, whose entries commit.lua wrote. A slot is a lane. */
export class RedisLanes implements OutboxLanes {
  readonly #server: RedisServer

  constructor(server: RedisServer) {
    this.#server = server
  }

  async read(lanes: readonly number[], limit: number): Promise<OutboxEntry[]> {
    const streams = await this.#server.ask((client) => Promise.all(lanes.map((lane) => client.xrange(outboxKey(lane), '-', '+', 'COUNT', limit))))
    return streams.flatMap((stream, i) =>
      stream.map(([id, fields]) => {
        const [, eventId, , topic, , aggregate, , number, , body] = fields as [string, string, string, string, string, string, string, string, string, string]
        const event = { id: eventId, topic, aggregate, number: Number(number), at: new Date(timeOf(id)).toISOString(), body: JSON.parse(body) as Json }
        return { lane: lanes[i]!, id, event }
      })
    )
  }

  async remove(entries: readonly OutboxEntry[]): Promise<void> {
    const byLane = Map.groupBy(entries, (entry) => entry.lane)
    await this.#server.ask((client) => Promise.all([...byLane].map(([lane, some]) => client.xdel(outboxKey(lane), ...some.map((entry) => String(entry.id))))))
  }

  async waiting(lanes: readonly number[]): Promise<Waiting> {
    const [lengths, heads, [seconds]] = await this.#server.ask((client) =>
      Promise.all([
        Promise.all(lanes.map((lane) => client.xlen(outboxKey(lane)))),
        Promise.all(lanes.map((lane) => client.xrange(outboxKey(lane), '-', '+', 'COUNT', 1))),
        client.time() as Promise<unknown> as Promise<[string | number]>
      ])
    )
    const oldest = Math.min(...heads.flat().map(([id]) => timeOf(id)))
    return {
      waiting: lengths.reduce((sum, n) => sum + n, 0),
      oldestSeconds: oldest === Infinity ? null : Math.max(0, Number(seconds) - Math.floor(oldest / 1_000))
    }
  }
}
