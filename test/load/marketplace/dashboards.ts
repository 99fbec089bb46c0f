import { BoundedMap } from '../../../mixins/primitives/bounded-map.ts'
import type { Money } from '../customers.ts'

/** What a seller is shown. */
export interface DashboardView {
  asOf: string
  open: { count: number; units: number; amount: Money }
  items: { id: string; status: string; lines: { quantity: number }[]; totals: { total: Money } }[]
}

const LISTED_MAX = 100
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

/** What is wrong between a dashboard's totals and its list, which are of one moment; null: nothing. */
export function dashboardComplaint({ open, items }: DashboardView): string | null {
  const listed = { count: items.length, units: sum(items.flatMap(({ lines }) => lines.map(({ quantity }) => quantity))), amount: sum(items.map(({ totals }) => totals.total.amount)) }
  const isWhole = open.count <= LISTED_MAX
  if (isWhole ? listed.count !== open.count : listed.count !== LISTED_MAX) return `${open.count} parts are counted, ${listed.count} are listed`
  if (isWhole ? listed.units !== open.units : listed.units > open.units) return `${open.units} units are counted, those listed have ${listed.units}`
  if (isWhole ? listed.amount !== open.amount.amount : listed.amount > open.amount.amount) return `they come to ${open.amount.amount}, those listed to ${listed.amount}`
  return null
}

const RANKS: Readonly<Record<string, number>> = { confirmed: 1, packed: 2, shipped: 3 }
/** It was listed, and is no more. */
const GONE = 4
const KNOWN_MAX = 50_000

interface Seen {
  rank: number
  /** When that was known (of `performance.now`). */
  at: number
}

/**
 * What sellers were shown of the parts of orders, look by look: a part that was seen in one state is never seen in an earlier one by
 * somebody who looks later.
 */
export class PartsSeen {
  readonly #seen = new BoundedMap<string, Seen>(KNOWN_MAX)
  readonly #open = new BoundedMap<string, { listed: ReadonlySet<string>; at: number }>(KNOWN_MAX)

  /** One look of a seller that was asked for at `from` and answered at `to`; one text or null for each part. */
  look(sellerId: string, { items, open }: DashboardView, from: number, to: number): (string | null)[] {
    const complaints = items.map(({ id, status }) => this.#part(id, RANKS[status] ?? 0, from, to))
    const before = this.#open.get(sellerId)
    // Of two looks at once nobody knows which is the later one; of more parts than are listed, which is gone.
    if (open.count > LISTED_MAX || (before && before.at > from)) return complaints
    const listed = new Set(items.map(({ id }) => id))
    for (const id of before?.listed ?? []) if (!listed.has(id)) this.#part(id, GONE, from, to)
    this.#open.set(sellerId, { listed, at: to })
    return complaints
  }

  #part(id: string, rank: number, from: number, to: number): string | null {
    const known = this.#seen.get(id)
    // Two looks at once may be answered in either order.
    if (known && rank < known.rank) return known.at <= from ? `part ${id} went back from ${nameOf(known.rank)} to ${nameOf(rank)}` : null
    if (!known || rank > known.rank) this.#seen.set(id, { rank, at: to })
    return null
  }
}

const nameOf = (rank: number): string => Object.entries(RANKS).find(([, one]) => one === rank)?.[0] ?? (rank === GONE ? 'no longer open' : 'something else')
