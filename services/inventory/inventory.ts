import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import { availabilityOf, MAX_UNITS, type Availability, type Stock } from './inventory.contract.ts'

// The rules of a stock desk: what each message means for the rows of its warehouse. Pure; the store loads the rows and writes the changes.

export interface Line {
  offerId: string
  quantity: number
}

export interface StockRow {
  offerId: string
  warehouseId: string
  onHand: number
  reserved: number
}

/** A reservation: `held` until it is given back (`released`, for ever) or sold (`taken`). */
export interface Reservation {
  orderId: string
  warehouseId: string
  attempt: number
  status: 'held' | 'released' | 'taken'
  /** One line per offer. */
  lines: readonly Line[]
  restocks: readonly { operationId: string; lines: readonly Line[] }[]
}

interface OfAttempt {
  orderId: string
  attempt: number
  warehouseId: string
}

/** What is asked of a desk. `operationId` names the request in the ledger. */
export type DeskMessage =
  | ({ kind: 'reserve'; lines: readonly Line[] } & OfAttempt)
  | ({ kind: 'release' } & OfAttempt)
  | ({ kind: 'take' } & OfAttempt)
  | { kind: 'restock'; orderId: string; warehouseId: string; lines?: readonly Line[] | undefined; operationId: string }
  | { kind: 'set'; offerId: string; warehouseId: string; onHand?: number | undefined; delta?: number | undefined; operationId: string }

export interface DeskAnswers {
  reserve: { outcome: 'reserved' | 'refused'; lines: { offerId: string; requested: number; available: number }[] }
  release: { outcome: 'released' | 'taken' }
  take: { outcome: 'taken' }
  restock: { lines: Line[] }
  set: Stock
}
export type DeskAnswer = DeskAnswers[keyof DeskAnswers]

export type MovementKind = 'counted' | 'corrected' | 'reserved' | 'released' | 'sold' | 'restocked'

/** One entry of the ledger: what was added to `onHand` and to `reserved`. */
export interface Movement extends StockRow {
  kind: MovementKind
  operationId: string
}

/** Lines of one offer as one line: they share a row, so they must be decided together. */
export function summed(lines: readonly Line[]): Line[] {
  const byOffer = new Map<string, number>()
  for (const { offerId, quantity } of lines) byOffer.set(offerId, (byOffer.get(offerId) ?? 0) + quantity)
  return [...byOffer].map(([offerId, quantity]) => ({ offerId, quantity }))
}

const shown = ({ onHand, reserved }: StockRow): Stock => ({ onHand, reserved, available: onHand - reserved })

export const stockKey = (warehouseId: string, offerId: string): string => `${warehouseId}/${offerId}`
export const orderKey = (warehouseId: string, orderId: string): string => `${warehouseId}/${orderId}`
const reservationKey = (r: OfAttempt): string => `${orderKey(r.warehouseId, r.orderId)}/${r.attempt}`

/** What a turn writes. */
export interface DeskChanges {
  /** Offers that had no row yet. */
  added: StockRow[]
  /** Units added to rows that were there, and what the row held before. */
  moved: (StockRow & { had: number; promised: number })[]
  /** Offers whose availability is another than before the turn. */
  crossed: { row: StockRow; availability: Availability }[]
  /** New reservations and tombstones. */
  opened: Reservation[]
  changed: Reservation[]
  movements: Movement[]
}

interface Held {
  row: StockRow
  /** The row as it was loaded; null when there was none. */
  loaded: StockRow | null
}

/**
 * One turn of a desk over many messages: decides each in the order of arrival on the rows it was given, in memory. A message that
 * is refused throws its problem and changes nothing. `changes` is what has to be written, all of it or nothing.
 */
export class DeskTurn {
  readonly #stock = new Map<string, Held>()
  readonly #reservations = new Map<string, Map<number, Reservation>>()
  readonly #loaded = new Set<string>()
  readonly #written = new Map<string, Reservation>()
  readonly #movements: Movement[] = []

  constructor(stock: readonly StockRow[], reservations: readonly Reservation[]) {
    for (const row of stock) this.#stock.set(stockKey(row.warehouseId, row.offerId), { row: { ...row }, loaded: row })
    for (const r of reservations) {
      this.#attempts(r.warehouseId, r.orderId).set(r.attempt, r)
      this.#loaded.add(reservationKey(r))
    }
  }

  decide(message: DeskMessage): DeskAnswer {
    switch (message.kind) {
      case 'reserve':
        return this.#reserve(message)
      case 'release':
        return this.#release(message)
      case 'take':
        return this.#take(message)
      case 'restock':
        return this.#restock(message)
      case 'set':
        return this.#set(message)
    }
  }

  /** What the decided messages amount to. */
  changes(): DeskChanges {
    const touched = [...this.#stock.values()].filter(({ row, loaded }) => !loaded || row.onHand !== loaded.onHand || row.reserved !== loaded.reserved)
    const reservations = [...this.#written]
    return {
      added: touched.filter(({ loaded }) => !loaded).map(({ row }) => row),
      moved: touched.flatMap(({ row, loaded }) =>
        loaded ? [{ ...row, onHand: row.onHand - loaded.onHand, reserved: row.reserved - loaded.reserved, had: loaded.onHand, promised: loaded.reserved }] : []
      ),
      crossed: touched.flatMap(({ row, loaded }) => {
        const availability = availabilityOf(row.onHand - row.reserved)
        return availability === availabilityOf(loaded ? loaded.onHand - loaded.reserved : 0) ? [] : [{ row, availability }]
      }),
      opened: reservations.filter(([key]) => !this.#loaded.has(key)).map(([, r]) => r),
      changed: reservations.filter(([key]) => this.#loaded.has(key)).map(([, r]) => r),
      movements: this.#movements
    }
  }

  /** Every row and reservation of the turn as the decisions left it. */
  get state(): { stock: StockRow[]; reservations: Reservation[] } {
    return { stock: [...this.#stock.values()].map(({ row }) => row), reservations: [...this.#reservations.values()].flatMap((attempts) => [...attempts.values()]) }
  }

  #reserve({ orderId, warehouseId, attempt, lines }: Extract<DeskMessage, { kind: 'reserve' }>): DeskAnswers['reserve'] {
    const first = this.#attempts(warehouseId, orderId).get(attempt)
    if (first) return { outcome: first.status === 'released' ? 'refused' : 'reserved', lines: [] }
    const wanted = summed(lines)
    const lacking = wanted.flatMap(({ offerId, quantity }) => {
      const row = this.#stock.get(stockKey(warehouseId, offerId))?.row
      const available = row ? row.onHand - row.reserved : 0
      return available < quantity ? [{ offerId, requested: quantity, available }] : []
    })
    if (lacking.length > 0) return { outcome: 'refused', lines: lacking }
    for (const line of wanted) this.#move(warehouseId, line.offerId, 'reserved', 0, line.quantity, `${orderId}.${attempt}`)
    this.#put({ orderId, warehouseId, attempt, status: 'held', lines: wanted, restocks: [] })
    return { outcome: 'reserved', lines: [] }
  }

  #release({ orderId, warehouseId, attempt }: OfAttempt): DeskAnswers['release'] {
    const reservation: Reservation = this.#attempts(warehouseId, orderId).get(attempt) ?? { orderId, warehouseId, attempt, status: 'held', lines: [], restocks: [] }
    if (reservation.status === 'taken') return { outcome: 'taken' }
    if (reservation.status === 'held') {
      for (const line of reservation.lines) this.#move(warehouseId, line.offerId, 'released', 0, -line.quantity, `${orderId}.${attempt}`)
      this.#put({ ...reservation, status: 'released' })
    }
    return { outcome: 'released' }
  }

  #take({ orderId, warehouseId, attempt }: OfAttempt): DeskAnswers['take'] {
    const reservation = this.#attempts(warehouseId, orderId).get(attempt)
    if (!reservation || reservation.status === 'released') throw problem('invalid-transition', 'Only stock that is reserved can be taken.')
    if (reservation.status === 'held') {
      for (const line of reservation.lines) this.#move(warehouseId, line.offerId, 'sold', -line.quantity, -line.quantity, `${orderId}.${attempt}`)
      this.#put({ ...reservation, status: 'taken' })
    }
    return { outcome: 'taken' }
  }

  #restock({ orderId, warehouseId, lines, operationId }: Extract<DeskMessage, { kind: 'restock' }>): DeskAnswers['restock'] {
    const sold = [...this.#attempts(warehouseId, orderId).values()].find((r) => r.status === 'taken')
    if (!sold) throw problem('invalid-transition', 'Only stock that was sold can come back.')
    const first = sold.restocks.find((r) => r.operationId === operationId)
    if (first) return { lines: [...first.lines] }
    const out = new Map(sold.lines.map((line) => [line.offerId, line.quantity]))
    for (const line of sold.restocks.flatMap((r) => r.lines)) out.set(line.offerId, out.get(line.offerId)! - line.quantity)
    const back = lines ? summed(lines) : [...out].map(([offerId, quantity]) => ({ offerId, quantity })).filter((line) => line.quantity > 0)
    if (back.some((line) => line.quantity > (out.get(line.offerId) ?? 0))) throw problem('invalid-transition', 'More would come back than was sold.')
    for (const line of back) this.#move(warehouseId, line.offerId, 'restocked', line.quantity, 0, operationId)
    this.#put({ ...sold, restocks: [...sold.restocks, { operationId, lines: back }] })
    return { lines: back }
  }

  #set({ offerId, warehouseId, onHand, delta, operationId }: Extract<DeskMessage, { kind: 'set' }>): DeskAnswers['set'] {
    const key = stockKey(warehouseId, offerId)
    const row = this.#stock.get(key)?.row ?? { offerId, warehouseId, onHand: 0, reserved: 0 }
    const field = onHand === undefined ? 'delta' : 'onHand'
    const next = onHand ?? row.onHand + (delta ?? 0)
    if (next < row.reserved) throw invalidField(field, 'reserved', `${row.reserved} units are promised to orders, so at least as many are on hand`)
    if (next > MAX_UNITS) throw invalidField(field, 'numberMax', `at most ${MAX_UNITS} units of one offer`)
    if (!this.#stock.has(key)) this.#stock.set(key, { row, loaded: null })
    if (next !== row.onHand) this.#move(warehouseId, offerId, onHand === undefined ? 'corrected' : 'counted', next - row.onHand, 0, operationId)
    return shown(this.#stock.get(key)!.row)
  }

  #attempts(warehouseId: string, orderId: string): Map<number, Reservation> {
    const key = orderKey(warehouseId, orderId)
    const attempts = this.#reservations.get(key) ?? new Map<number, Reservation>()
    this.#reservations.set(key, attempts)
    return attempts
  }

  #put(reservation: Reservation): void {
    this.#attempts(reservation.warehouseId, reservation.orderId).set(reservation.attempt, reservation)
    this.#written.set(reservationKey(reservation), reservation)
  }

  #move(warehouseId: string, offerId: string, kind: MovementKind, onHand: number, reserved: number, operationId: string): void {
    const { row } = this.#stock.get(stockKey(warehouseId, offerId))!
    row.onHand += onHand
    row.reserved += reserved
    this.#movements.push({ warehouseId, offerId, kind, onHand, reserved, operationId })
  }
}
