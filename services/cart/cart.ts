import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import { CART_LINES_MAX, LINE_MAX, type CartLine } from './cart.contract.ts'

// The rules of a cart: pure functions from the cart as it is to the cart as it becomes. They refuse by throwing a `problem`.

/** A cart as its actor keeps it. */
export interface CartState {
  lines: readonly CartLine[]
  /** Guests only: when it was last changed, in milliseconds since the epoch; it ends a while after that. */
  touchedAt?: number
  /** Guests only: the user whose cart takes the lines over. From then on nothing can be put in. */
  handedTo?: string
  /** Orders that are being placed with lines of this cart. */
  claims?: readonly Claim[]
}

/** What an order has of a cart while it is being placed: these lines are its own then, and not among the cart's. */
export interface Claim {
  orderId: string
  lines: readonly CartLine[]
  /** Milliseconds since the epoch: longer than placing takes, so that an order which never came back blocks nobody for long. */
  until: number
}

/** An order is placed or refused within a minute. */
const CLAIM_MS = 90_000
/** Orders that may be under way with one cart: nobody places more at once, and the state is bounded. */
const CLAIMS_MAX = 16

type Wanted = readonly Pick<CartLine, 'offerId' | 'quantity'>[]
/** What is in a cart, and what orders have of it. */
type Holdings = Pick<CartState, 'lines'> & { claims: readonly Claim[] }

/** A line that changed, with the quantity it has now; 0 when it is gone. */
export type LineChange = Pick<CartLine, 'offerId' | 'productId' | 'quantity'>

const indexOf = (lines: readonly CartLine[], offerId: string): number => lines.findIndex((line) => line.offerId === offerId)

const noLine = (): Error => problem('not-found', 'This offer is not in the cart.')

const tooMany = (inCart: number): Error =>
  invalidField('quantity', 'numberMax', `a line holds at most ${LINE_MAX}${inCart > 0 ? `, and ${inCart} are in the cart already` : ''}`)

const withLine = (lines: readonly CartLine[], i: number, line: CartLine): CartLine[] => (i < 0 ? [...lines, line] : lines.with(i, line))

/**
 * Puts more of an offer in: its line grows, and takes on the price seen now. Refuses more than a line or a cart holds, with nothing
 * clamped, and an offer in another currency than the cart's.
 */
export function addLine(lines: readonly CartLine[], added: CartLine): CartLine[] {
  const i = indexOf(lines, added.offerId)
  const inCart = lines[i]?.quantity ?? 0
  if (inCart + added.quantity > LINE_MAX) throw tooMany(inCart)
  if (i < 0 && lines.length >= CART_LINES_MAX) throw invalidField('offerId', 'arrayMax', `a cart holds at most ${CART_LINES_MAX} different offers`)
  const other = lines.find((line) => line.unitPrice.currency !== added.unitPrice.currency)
  if (other) throw invalidField('offerId', 'currency', `this cart is in ${other.unitPrice.currency}: order it before you add an offer in ${added.unitPrice.currency}`)
  return withLine(lines, i, { ...added, quantity: inCart + added.quantity })
}

/** Gives a line another quantity. `not-found` when there is no such line: a removal stays removed. */
export function setLine(lines: readonly CartLine[], offerId: string, quantity: number): CartLine[] {
  const i = indexOf(lines, offerId)
  if (i < 0) throw noLine()
  if (quantity > LINE_MAX) throw tooMany(0)
  return withLine(lines, i, { ...lines[i]!, quantity })
}

/** Takes a line out. `not-found` when there is no such line. */
export function removeLine(lines: readonly CartLine[], offerId: string): CartLine[] {
  if (indexOf(lines, offerId) < 0) throw noLine()
  return lines.filter((line) => line.offerId !== offerId)
}

/** Takes everything out. `not-found` when there is nothing. */
export function clearLines(lines: readonly CartLine[]): CartLine[] {
  if (lines.length === 0) throw problem('not-found', 'The cart is empty.')
  return []
}

/**
 * Puts the lines of a guest's cart in: quantities add up. This alone is capped at the bounds, for the person who signs in cannot
 * do anything about them: a line at its most, and the lines that came last are left out, as are those in another currency.
 */
export function mergeLines(lines: readonly CartLine[], guest: readonly CartLine[]): CartLine[] {
  let merged = [...lines]
  for (const line of guest) {
    const i = indexOf(merged, line.offerId)
    if (i < 0 && (merged.length >= CART_LINES_MAX || merged.some((m) => m.unitPrice.currency !== line.unitPrice.currency))) continue
    merged = i < 0 ? [...merged, line] : merged.with(i, { ...merged[i]!, quantity: Math.min(LINE_MAX, merged[i]!.quantity + line.quantity) })
  }
  return merged
}

/** What is in a cart now: a claim that has lasted too long is over, and its lines are back. */
export function holdingsOf(state: CartState | null, now: number): Holdings {
  const { lines = [], claims = [] } = state ?? {}
  if (claims.every(({ until }) => until > now)) return { lines, claims }
  const over = claims.filter(({ until }) => until <= now)
  return { lines: over.reduce((back, claim) => mergeLines(claim.lines, back), lines), claims: claims.filter(({ until }) => until > now) }
}

/**
 * Gives these lines to an order that is being placed, so that nothing in a cart becomes two orders, however many are placed at once.
 * Throws `cart-empty` when nothing is left in it, or too much is on its way; `conflict` when it does not hold these lines any more.
 */
export function claimLines({ lines, claims }: Holdings, orderId: string, wanted: Wanted, now: number): Holdings {
  if (claims.some((claim) => claim.orderId === orderId)) return { lines, claims }
  if (lines.length === 0) throw problem('cart-empty', 'There is nothing in the cart: add something first. If you have just ordered, look at your orders.')
  if (claims.length >= CLAIMS_MAX) throw problem('conflict', 'Too many orders are being placed with this cart: wait for one of them.')
  const taken = wanted.map(({ offerId, quantity }) => {
    const line = lines[indexOf(lines, offerId)]
    if (!line || line.quantity < quantity) throw problem('conflict', 'The cart has changed since it was priced: order again.')
    return { ...line, quantity }
  })
  return { lines: takeLines(lines, wanted), claims: [...claims, { orderId, until: now + CLAIM_MS, lines: taken }] }
}

/** Puts back what an order has of a cart. */
export function giveBackLines({ lines, claims }: Holdings, orderId: string): Holdings {
  const claim = claims.find((c) => c.orderId === orderId)
  return { lines: claim ? mergeLines(claim.lines, lines) : lines, claims: claims.filter((c) => c !== claim) }
}

/** Takes out what an order took. What was added since it read the cart stays; a line that was removed since stays removed. */
export function takeLines(lines: readonly CartLine[], taken: Wanted): CartLine[] {
  const quantities = new Map(taken.map((t) => [t.offerId, t.quantity]))
  return lines
    .map((line) => ({ ...line, quantity: line.quantity - (quantities.get(line.offerId) ?? 0) }))
    .filter((line) => line.quantity > 0)
}

/** What differs between two carts. */
export function changesBetween(before: readonly CartLine[], after: readonly CartLine[]): LineChange[] {
  const was = new Map(before.map((line) => [line.offerId, line.quantity]))
  const changed = after.filter((line) => was.get(line.offerId) !== line.quantity).map(({ offerId, productId, quantity }) => ({ offerId, productId, quantity }))
  const is = new Set(after.map((line) => line.offerId))
  const gone = before.filter((line) => !is.has(line.offerId)).map(({ offerId, productId }) => ({ offerId, productId, quantity: 0 }))
  return [...changed, ...gone]
}

/** Days that a guest's cart lives after its last change. */
const GUEST_DAYS = 30

export const isGuest = (cartId: string): boolean => cartId.startsWith('g.')

/** When a cart that was last changed at `touchedAt` ends. */
export const endOf = (touchedAt: number): number => touchedAt + GUEST_DAYS * 86_400_000
