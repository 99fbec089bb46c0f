const RANKS: Readonly<Record<string, number>> = { payment_pending: 1, confirmed: 2, shipped: 3, delivered: 4 }
const PARCEL_RANKS: Readonly<Record<string, number>> = { created: 1, picked_up: 2, in_transit: 3, out_for_delivery: 4, delivered: 5 }

export interface Parcel {
  id: string
  subOrderId: string
  status: string
  events: { status: string; at: string }[]
}

interface Step {
  at: string
  status: string
}

const rankOf = (ranks: Readonly<Record<string, number>>, status: string): number => ranks[status] ?? 0

/** The first step that is listed behind a later one. */
function disorder(steps: readonly Step[]): string | null {
  const i = steps.findIndex(({ at }, n) => n > 0 && Date.parse(at) < Date.parse(steps[n - 1]!.at))
  return i < 0 ? null : `${steps[i]!.status} at ${steps[i]!.at} is listed behind ${steps[i - 1]!.status} at ${steps[i - 1]!.at}`
}

function orderComplaintOf({ timeline, status }: { timeline: readonly Step[]; status: string }): string | null {
  const back = timeline.findIndex((step, n) => n > 0 && rankOf(RANKS, step.status) <= rankOf(RANKS, timeline[n - 1]!.status))
  if (back > 0) return `${timeline[back]!.status} comes behind ${timeline[back - 1]!.status}`
  return timeline.at(-1)?.status === status ? disorder(timeline) : `it is ${status}, its timeline ends with ${timeline.at(-1)?.status}`
}

/** A parcel stands where the furthest of its reports puts it, for carriers report late and twice. */
function parcelComplaint({ status, events }: Parcel): string | null {
  const furthest = Math.max(0, ...events.map((event) => rankOf(PARCEL_RANKS, event.status)))
  return rankOf(PARCEL_RANKS, status) === furthest ? disorder(events) : `it is ${status}, its reports say ${events.map((event) => event.status).join(', ')}`
}

/** What is wrong with the history of an order and of its parcels, which were read after it; null: nothing. */
export function historyComplaint(order: { id: string; status: string; timeline: readonly Step[] }, parcels: readonly Parcel[]): string | null {
  const wrong = orderComplaintOf(order)
  if (wrong) return `order ${order.id}: ${wrong}`
  for (const parcel of parcels) {
    const complaint = parcelComplaint(parcel)
    if (complaint) return `parcel ${parcel.id}: ${complaint}`
  }
  const arrived = parcels.length > 0 && parcels.every(({ status }) => status === 'delivered')
  return order.status === 'delivered' && !arrived ? `order ${order.id} is delivered, not all of its parcels are` : null
}

/** What the shelf of a product says, against what was sold of it; null: they agree. */
export function stockComplaint({ offerId, sold, unknown }: { offerId: string; sold: number; unknown: number }, units: number, { onHand, reserved }: { onHand: number; reserved: number }): string | null {
  const gone = units - onHand
  if (reserved !== 0) return `${offerId}: ${reserved} units are still reserved`
  if (gone >= sold && gone <= sold + unknown) return null
  return `${offerId}: ${gone} units have left the shelf, ${sold} were sold${unknown > 0 ? ` and of ${unknown} nobody was told` : ''}`
}
