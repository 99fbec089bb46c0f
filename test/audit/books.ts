import pg from 'pg'
import type { OrderState } from '../../services/order/order.ts'
import type { Payment } from '../../services/payment/payment.ts'

/** Where the books lie, and what else is known about the run. */
export interface AuditOptions {
  main: string
  orders: readonly string[]
  /** Work younger than this may still be under way. */
  settledSeconds: number
  /** What clients were told, one `{"orderId": …, "status": 201}` a line: enables the invariants that need it. */
  acknowledged?: readonly { orderId: string; status: number }[]
}

/** An order with everything the other books say about it. */
export interface OrderFile {
  order: OrderState
  payments: Payment[]
  /** The provider's accounts of those payments. */
  accounts: { key: string; state: string; amount: number; captured: number; refunded: number }[]
  reservations: { order_id: string; warehouse_id: string; attempt: number; status: string; lines: { offerId: string; quantity: number }[]; restocks: { operationId: string; lines: { offerId: string; quantity: number }[] }[] }[]
  shipments: { order_id: string; sub_order_id: string; status: string; held_back: boolean }[]
}

type Row = Record<string, unknown>

const PAGE = 500

/** The stores of a marketplace, read from outside its processes, with the superuser's eyes. */
export class Books {
  readonly options: AuditOptions
  readonly #main: pg.Client
  readonly #orders: pg.Client[]

  private constructor(options: AuditOptions, main: pg.Client, orders: pg.Client[]) {
    this.options = options
    this.#main = main
    this.#orders = orders
  }

  static async open(options: AuditOptions): Promise<Books> {
    const open = async (url: string): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: url, application_name: 'souk audit' })
      await client.connect()
      return client
    }
    return new Books(options, await open(options.main), await Promise.all(options.orders.map(open)))
  }

  async close(): Promise<void> {
    await Promise.all([this.#main, ...this.#orders].map((c) => c.end()))
  }

  /** Rows of the main database. */
  async main<R extends Row>(sql: string, values: unknown[] = []): Promise<R[]> {
    return (await this.#main.query(sql, values)).rows as R[]
  }

  /** Rows of every order database, in turn. */
  async everyShard<R extends Row>(sql: string, values: unknown[] = []): Promise<R[][]> {
    return Promise.all(this.#orders.map(async (c) => (await c.query(sql, values)).rows as R[]))
  }

  /** Every database with a name for reports. */
  databases(): { name: string; query: <R extends Row>(sql: string, values?: unknown[]) => Promise<R[]> }[] {
    return [this.#main, ...this.#orders].map((client, i) => ({
      name: i === 0 ? 'main' : `orders ${i - 1}`,
      query: async (sql, values = []) => (await client.query(sql, values)).rows as never
    }))
  }

  async hasTable(name: string): Promise<boolean> {
    const [row] = await this.main<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [name])
    return row!.there
  }

  /** Every order that exists, page by page, with what the other books say about it. */
  async *orderFiles(): AsyncGenerator<OrderFile> {
    for (const client of this.#orders) {
      for (let after = ''; ; ) {
        const { rows } = await client.query<{ state: OrderState }>(
          `SELECT state FROM orders.actor WHERE type = 'order' AND state IS NOT NULL AND key COLLATE "C" > $1 ORDER BY key COLLATE "C" LIMIT ${PAGE}`,
          [after]
        )
        if (rows.length === 0) break
        yield* await this.#filesOf(rows.map((r) => r.state))
        after = rows.at(-1)!.state.id
      }
    }
  }

  /** Seconds since the order last moved. */
  idleSeconds(order: OrderState): number {
    return (Date.now() - Date.parse(order.timeline.at(-1)?.at ?? order.placedAt)) / 1_000
  }

  /** Whether work on the order may still be under way. */
  isSettled(order: OrderState): boolean {
    return this.idleSeconds(order) > this.options.settledSeconds
  }

  async #filesOf(orders: readonly OrderState[]): Promise<OrderFile[]> {
    const ids = orders.map((o) => o.id)
    const payments = (await this.hasTable('payment.payment')) ? (await this.main<{ doc: Payment }>(`SELECT doc FROM payment.payment WHERE doc->>'orderId' = ANY($1)`, [ids])).map((r) => r.doc) : []
    const accounts = await this.main<OrderFile['accounts'][number]>(
      'SELECT key, state, amount::float8 AS amount, captured::float8 AS captured, refunded::float8 AS refunded FROM provider.account WHERE key = ANY($1)',
      [orders.flatMap((o) => Array.from({ length: o.attempt }, (_, i) => `${o.id}.${i + 1}`))]
    )
    const reservations = await this.main<OrderFile['reservations'][number]>('SELECT order_id, warehouse_id, attempt, status, lines, restocks FROM inventory.reservation WHERE order_id = ANY($1)', [ids])
    const shipments = await this.main<OrderFile['shipments'][number]>('SELECT order_id, sub_order_id, status, held_back FROM logistics.shipment WHERE order_id = ANY($1)', [ids])
    return orders.map((order) => ({
      order,
      payments: payments.filter((p) => p.orderId === order.id),
      accounts: accounts.filter((a) => a.key.startsWith(`${order.id}.`)),
      reservations: reservations.filter((r) => r.order_id === order.id),
      shipments: shipments.filter((s) => s.order_id === order.id)
    }))
  }
}
