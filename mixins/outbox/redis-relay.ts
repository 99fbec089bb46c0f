import { REDIS_SLOTS } from '../actor/redis-keys.ts'
import { RedisServer } from '../redis/server.ts'
import { OutboxSender } from './outbox-sender.ts'
import { RedisLanes } from './redis-lanes.ts'
import { POLL_MS, senderEvents, tellTrouble, type OutboxState, type Relay, type RelayOptions } from './relay.ts'

export interface RedisRelayOptions extends RelayOptions {
  /** Whether this relay sends the slot. Relays that disagree for a moment send twice, each from the head in order, which does no harm. */
  owns(slot: number): boolean
}

const SLOTS = Array.from({ length: REDIS_SLOTS }, (_, slot) => slot)

/** Relays the outboxes of actors in Redis: one stream for each slot, sent by the slot's owner. A Redis that restarts is taken up again. */
export class RedisRelay implements Relay {
  readonly name = 'redis'
  readonly #server: RedisServer
  readonly #lanes: RedisLanes
  readonly #options: RedisRelayOptions
  readonly #owned = new Set<number>()
  readonly #sender: OutboxSender
  #timer: NodeJS.Timeout | null = null
  #stopping = false

  constructor(url: string, options: RedisRelayOptions) {
    this.#options = options
    this.#server = new RedisServer(url, { pipelined: true })
    this.#lanes = new RedisLanes(this.#server)
    const events = senderEvents(this.name, 'actors', options, (error, attempt, what) => this.#stopping || tellTrouble(options, this.name, error, attempt, what))
    this.#sender = new OutboxSender(this.#lanes, options.log, events, () => ({ owned: this.#owned, leave: () => Promise.resolve() }))
    this.#poll()
  }

  /** Hints speak of schemas, and there are none here. */
  wake(): void {}

  async status(): Promise<OutboxState[]> {
    return [{ database: this.name, schema: 'actors', ...(await this.#lanes.waiting(SLOTS)), lanes: this.#sender.lanes }]
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#sender.stop()
    await this.#server.close()
  }

  #poll(): void {
    for (const slot of SLOTS) {
      if (this.#options.owns(slot)) this.#owned.add(slot)
      else this.#owned.delete(slot)
    }
    this.#sender.look()
    if (!this.#stopping) this.#timer = setTimeout(() => this.#poll(), (this.#options.pollMs ?? POLL_MS) * (0.75 + Math.random() / 2)).unref()
  }
}
