import type pg from 'pg'
import { call } from '../../../mixins/runtime/calls.ts'
import { newId } from '../../../mixins/primitives/ids.ts'
import type {} from '../../../services/inventory/inventory.contract.ts'
import { benchDatabase } from '../reference.ts'
import type { Prepared, Scenario } from '../scenario.ts'
import type { Visit } from '../../../nodes/visit.ts'

const WAREHOUSE = 'wh.bench'
/** Of those who ask, so many find something. */
const SOLD_SHARE = 0.9
const AT_ONCE = 64

const TABLES = `CREATE TABLE stock (offer text PRIMARY KEY, on_hand integer NOT NULL, reserved integer NOT NULL DEFAULT 0, CHECK (reserved <= on_hand)) WITH (fillfactor = 50);
CREATE TABLE reservation (order_id text PRIMARY KEY, offer text NOT NULL);
INSERT INTO stock VALUES ('hot', 1000000000)`
const RESERVE = `WITH taken AS (UPDATE stock SET reserved = reserved + 1 WHERE offer = 'hot' AND reserved < on_hand RETURNING offer) INSERT INTO reservation SELECT $1, offer FROM taken`

/** One offer that everybody wants, anew for each measurement. */
class HotOffer {
  readonly #broker: Visit['broker']
  #offerId = ''
  #units = 0
  #asked = 0
  #reserved: string[] = []
  readonly wrong: string[] = []

  constructor(broker: Visit['broker']) {
    this.#broker = broker
  }

  async provide(count: number): Promise<number> {
    this.#offerId = `bench-${newId()}`
    this.#units = Math.max(1, Math.floor(count * SOLD_SHARE))
    this.#asked = 0
    this.#reserved = []
    await call(this.#broker, 'inventory.worker.set', { offerId: this.#offerId, warehouseId: WAREHOUSE, onHand: this.#units })
    return count
  }

  async reserve(): Promise<void> {
    const orderId = `bench-${newId()}`
    this.#asked++
    const { outcome } = await call(this.#broker, 'inventory.worker.reserve', { orderId, attempt: 1, warehouseId: WAREHOUSE, lines: [{ offerId: this.#offerId, quantity: 1 }] })
    if (outcome === 'reserved') this.#reserved.push(orderId)
  }

  /** As many were sold as were there; then gives everything back, for there is no order behind it. */
  async settle(): Promise<void> {
    const { items } = await call(this.#broker, 'inventory.worker.stock', { offerIds: [this.#offerId] })
    const { reserved } = items[0]!
    const due = Math.min(this.#units, this.#asked)
    if (reserved !== due || this.#reserved.length !== due) this.wrong.push(`${this.#asked} asked for ${this.#units} units: ${this.#reserved.length} were promised, ${reserved} are reserved, ${due} should be`)
    const next = this.#reserved.values()
    const release = async (): Promise<void> => {
      for (const orderId of next) await call(this.#broker, 'inventory.worker.release', { orderId, attempt: 1, warehouseId: WAREHOUSE })
    }
    await Promise.all(Array.from({ length: AT_ONCE }, release))
  }
}

const guardedUpdate = (pool: pg.Pool) => (): Promise<unknown> => pool.query({ name: 'reserve', text: RESERVE, values: [newId()] })

export const hotStock: Scenario = {
  name: 'hot-stock',
  doc: 'inventory.reserve of one unit of one offer, from another broker; one in ten comes too late',
  inFlight: AT_ONCE,
  perSecond: 20_000,
  writes: true,
  inside: true,
  async prepare({ shop }): Promise<Prepared> {
    const offer = new HotOffer(await shop.inside!.broker())
    const { pool, drop } = await benchDatabase(shop.inside!.databases.main, TABLES)
    return {
      shop: { what: 'a reservation', operation: () => offer.reserve() },
      reference: { what: 'a guarded update a reservation, bare driver', operation: guardedUpdate(pool), inFlight: 16 },
      provide: (count) => offer.provide(count),
      settle: () => offer.settle(),
      violations: async () => offer.wrong,
      close: drop
    }
  }
}
