import { Recent } from '../../mixins/primitives/recent.ts'
import { DeskTurn, orderKey, stockKey, type DeskAnswer, type DeskChanges, type DeskMessage, type Reservation, type StockRow } from './inventory.ts'

/** Rows and orders that this thread remembers. */
const ROWS_MAX = 50_000
const ORDERS_MAX = 20_000

/** A turn that was decided on what is remembered: nothing of it holds unless `changes` meets every row as it was remembered. */
export interface Foreseen {
  turn: DeskTurn
  answers: DeskAnswer[]
  changes: DeskChanges
}

/**
 * What this thread's last turns left in the rows of its desks. A desk has one owner but for moments, so it is nearly always right;
 * it is never trusted: a turn that is decided on it is written only where each row still is what was remembered.
 */
export class DeskMemory {
  readonly #stock = new Recent<string, StockRow>(ROWS_MAX)
  readonly #reservations = new Recent<string, readonly Reservation[]>(ORDERS_MAX)

  /**
   * The turn of these messages, when each of them changes something and nothing else has to be read: a refusal or a repetition must
   * rest on what is committed now, and whatever tells others is left to the turn that reads. Null otherwise.
   */
  foresee(messages: readonly DeskMessage[]): Foreseen | null {
    const stock = new Map<string, StockRow>()
    const reservations: Reservation[] = []
    for (const message of messages) {
      if (message.kind === 'set' || message.kind === 'restock') return null
      const known = this.#reservations.get(orderKey(message.warehouseId, message.orderId))
      if (!known && message.kind !== 'reserve') return null
      reservations.push(...(known ?? []))
      const lines = message.kind === 'reserve' ? message.lines : known!.flatMap((r) => r.lines)
      for (const { offerId } of lines) {
        const key = stockKey(message.warehouseId, offerId)
        const row = this.#stock.get(key)
        if (!row) return null
        stock.set(key, row)
      }
    }
    const turn = new DeskTurn([...stock.values()], reservations)
    try {
      const answers = messages.map((message) => turn.decide(message))
      const changes = turn.changes()
      const isPlain = changes.crossed.length === 0 && changes.opened.length + changes.changed.length === messages.length
      return isPlain ? { turn, answers, changes } : null
    } catch {
      return null // refused, as far as is remembered
    }
  }

  /** Notes how a committed turn left its rows. */
  remember({ state: { stock, reservations } }: DeskTurn): void {
    for (const row of stock) this.#stock.put(stockKey(row.warehouseId, row.offerId), row)
    for (const [key, attempts] of Map.groupBy(reservations, (r) => orderKey(r.warehouseId, r.orderId))) this.#reservations.put(key, attempts)
  }
}
