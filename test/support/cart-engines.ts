import { redisSlotOf, dueKey } from '../../mixins/actor/redis-keys.ts'
import { redisOrPostgresStores } from '../../mixins/actor/stores.ts'
import type { ActorStore, Reminder } from '../../mixins/actor/types.ts'
import type { Shop } from './shop.ts'
import { redisProgram, startRedis } from './redis.ts'

/** Where carts live while a test looks at them. */
export interface CartEngine {
  /** Events that wait in the outbox, by number. */
  eventsOf(shop: Shop, cartId: string): Promise<{ number: number; body: { change: string; version: number; lineCount: number } }[]>
  /** When a reminder is tried next; null where there is none. */
  reminder(shop: Shop, cartId: string, name: string): Promise<number | null>
  /** The configuration is as it was before. */
  stop(): Promise<void>
}

const postgres: CartEngine = {
  eventsOf: (shop, cartId) => shop.databases.query('SELECT number::int, body FROM cart.outbox WHERE aggregate = $1 ORDER BY number', [`cart/${cartId}`]),
  async reminder(shop, cartId, name) {
    const [row] = await shop.databases.query<{ next: string }>('SELECT next FROM cart.reminder WHERE key = $1 AND name = $2', [cartId, name])
    return row ? Date.parse(row.next) : null
  },
  stop: () => Promise.resolve()
}

async function redis(): Promise<CartEngine> {
  const server = await startRedis()
  process.env['REDIS_URL'] = server.url
  return {
    async eventsOf(_shop, cartId) {
      const entries = (await server.command('XRANGE', `{souk:${redisSlotOf('cart', cartId)}}:outbox`, '-', '+')) as [string, string[]][]
      const fields = entries.map(([, list]) => Object.fromEntries(Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i]!, list[2 * i + 1]!])))
      return fields.filter((f) => f['aggregate'] === `cart/${cartId}`).map((f) => ({ number: Number(f['number']), body: JSON.parse(f['body']!) }))
    },
    async reminder(_shop, cartId, name) {
      const next = await server.command('ZSCORE', dueKey('cart', redisSlotOf('cart', cartId)), `${cartId}\x1e${name}`)
      return next === null ? null : Number(next)
    },
    async stop() {
      delete process.env['REDIS_URL']
      await server.stop()
    }
  }
}

/** The engines that this machine has, each by its name; starting one makes it the configured one. */
export const cartEngines: readonly (readonly [string, () => Promise<CartEngine>])[] = [['PostgreSQL', async () => postgres], ...(redisProgram ? [['Redis', redis] as const] : [])]

/** The store of carts as it is configured, for a look behind the service; closed afterwards. */
export async function withCartStore<T>(look: (store: ActorStore) => Promise<T>): Promise<T> {
  const stores = redisOrPostgresStores('cart')()
  try {
    return await look(stores.all[0]!)
  } finally {
    await stores.close()
  }
}

/** Changes a cart behind its owner's back: its state, as another node would have left it, and its reminders. */
export const plant = (cartId: string, fields: object, reminders: readonly Reminder[]): Promise<void> =>
  withCartStore(async (store) => {
    const [row] = await store.load('cart', [cartId])
    const state = JSON.stringify({ ...JSON.parse(row!.state!), ...fields })
    const [outcome] = await store.commit([{ type: 'cart', key: cartId, loaded: row!.version, state, operations: '[]', events: [], reminders, writes: [] }])
    if (outcome !== 'done') throw new Error(`the cart ${cartId} could not be changed: ${JSON.stringify(outcome)}`)
  })
