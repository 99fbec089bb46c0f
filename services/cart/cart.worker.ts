import { actors, type Actors } from '../../mixins/actor/actors.ts'
import { redisOrPostgresStores } from '../../mixins/actor/stores.ts'
import type { Reminder, TurnResult } from '../../mixins/actor/types.ts'
import { sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { problem, problemType } from '../../mixins/primitives/problem.ts'
import { call, type Events } from '../../mixins/runtime/calls.ts'
import { service, workerAction, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'
import { cartActions as contracts, type CartContents, type CartLine } from './cart.contract.ts'
import { addLine, changesBetween, claimLines, clearLines, endOf, giveBackLines, holdingsOf, isGuest, mergeLines, removeLine, setLine, takeLines, type CartState } from './cart.ts'

type CartWorker = ServiceThis<WithDatabase & { actors: Actors<CartState> }>
type Change = Events['cart_updated']['change']
type Result<A> = TurnResult<CartState, A>

const TYPE = 'cart'
const EXPIRE = 'expire'
const HAND_OVER = 'hand-over'
/** How long after a hand-over began its reminder finishes it, if nobody has. */
const HAND_OVER_MS = 10_000

const noCart = (): Error => problem('not-found', 'There is no such cart.')

const contentsOf = (cartId: string, state: CartState | null, version: number): CartContents => ({
  cartId,
  version,
  lines: state && !state.handedTo ? [...holdingsOf(state, Date.now()).lines] : []
})

/** What tells that a cart has changed; nothing where it has not. */
function updated(cartId: string, version: number, change: Change, before: readonly CartLine[], after: readonly CartLine[]) {
  const lines = changesBetween(before, after)
  if (lines.length === 0) return []
  const body = { cartId, userId: isGuest(cartId) ? null : cartId, version, change, lines, lineCount: after.length }
  return [{ topic: 'cart_updated' as const, aggregate: `${TYPE}/${cartId}`, body }]
}

/** A cart with other lines and claims. */
const withHoldings = (state: CartState | null, { lines, claims }: ReturnType<typeof holdingsOf>): CartState => {
  const { claims: _before, ...rest } = state ?? { lines }
  return { ...rest, lines, ...(claims.length > 0 ? { claims } : {}) }
}

interface ChangeOptions {
  /** A guest's cart may begin here. */
  create?: boolean
  ifVersion?: number | undefined
  /** The change is made once per id, also when it changes nothing. */
  operationId?: string
}

/** One turn that gives a cart other lines, and tells so. */
function changeLines(worker: CartWorker, ctx: Ctx, cartId: string, change: Change, rule: (lines: readonly CartLine[]) => CartLine[], options: ChangeOptions = {}): Promise<CartContents> {
  const { create = false, ifVersion, operationId } = options
  const now = Date.now()
  const guest = isGuest(cartId)
  const decide = (state: CartState | null, version: number): Result<CartContents> => {
    if (state?.handedTo || (guest && !state && !create)) throw noCart()
    if (ifVersion !== undefined && ifVersion !== version) throw problem('version-conflict', `The cart is at version ${version}: read it and decide again.`)
    const { lines: before, claims } = holdingsOf(state, now)
    if (claims.length > 0) rule(claims.reduce((all, claim) => mergeLines(claim.lines, all), before)) // there must be room for what may come back
    const next = withHoldings(guest ? { lines: before, touchedAt: now } : null, { lines: rule(before), claims })
    const events = updated(cartId, version + 1, change, before, next.lines)
    const reminders: Reminder[] = guest && !state ? [{ name: EXPIRE, at: new Date(endOf(now)).toISOString() }] : []
    return { state: next, answer: contentsOf(cartId, next, version + 1), events, reminders }
  }
  return worker.actors.turn(ctx, cartId, decide, {
    recall: (state, version) => contentsOf(cartId, state, version),
    ...(operationId ? { operationId } : {})
  })
}

/** One turn that gives lines to an order, or back. */
function changeClaims(worker: CartWorker, ctx: Ctx, cartId: string, rule: (holdings: ReturnType<typeof holdingsOf>, now: number) => ReturnType<typeof holdingsOf>): Promise<CartContents> {
  const decide = (state: CartState | null, version: number): Result<CartContents> => {
    const now = Date.now()
    const next = withHoldings(state, rule(holdingsOf(state, now), now))
    return { state: next, answer: contentsOf(cartId, next, version + 1) }
  }
  return worker.actors.turn(ctx, cartId, decide, { record: false, recall: (state, version) => contentsOf(cartId, state, version) })
}

/** One turn in which an order keeps what it has claimed, or takes it now where the claim is over. */
function take(worker: CartWorker, ctx: Ctx, cartId: string, orderId: string, taken: readonly { offerId: string; quantity: number }[]): Promise<CartContents> {
  const decide = (state: CartState | null, version: number): Result<CartContents> => {
    const { lines, claims } = holdingsOf(state, Date.now())
    const claim = claims.find((c) => c.orderId === orderId)
    const next = withHoldings(state, { lines: claim ? lines : takeLines(lines, taken), claims: claims.filter((c) => c !== claim) })
    const events = updated(cartId, version + 1, 'taken', claim ? mergeLines(claim.lines, lines) : lines, next.lines)
    return { state: next, answer: contentsOf(cartId, next, version + 1), events }
  }
  return worker.actors.turn(ctx, cartId, decide, { operationId: `take:${orderId}`, recall: (state, version) => contentsOf(cartId, state, version) })
}

const contents = async (worker: CartWorker, cartId: string): Promise<CartContents> => {
  const { state, version } = await worker.actors.read(cartId)
  return contentsOf(cartId, state, version)
}

/** For changes that leave things as they are when there is nothing to change: nothing is written then. */
const unchangedIfNotFound = (worker: CartWorker, cartId: string, change: Promise<CartContents>): Promise<CartContents> =>
  change.catch((error: unknown) => {
    if (problemType(error) === 'not-found') return contents(worker, cartId)
    throw error
  })

/**
 * The first half of a merge: from its commit on the guest's cart takes nothing in, and its lines belong to `to`. A reminder in the
 * same commit finishes the merge should this thread die. Null for a cart that is not there, or went to somebody else.
 */
function handOver(worker: CartWorker, ctx: Ctx, from: string, to: string): Promise<CartLine[] | null> {
  const decide = (state: CartState | null, version: number): Result<CartLine[] | null> => {
    if (!state || (state.handedTo && state.handedTo !== to)) throw noCart()
    const at = new Date(Date.now() + HAND_OVER_MS).toISOString()
    const events = state.handedTo ? [] : updated(from, version + 1, 'ended', state.lines, [])
    return { state: { ...state, handedTo: to }, answer: [...state.lines], events, reminders: [{ name: HAND_OVER, at }, { name: EXPIRE, at: null }] }
  }
  return worker.actors
    .turn(ctx, from, decide, { record: false, recall: (state) => (state ? [...state.lines] : null) })
    .catch((error: unknown) => {
      if (problemType(error) === 'not-found') return null
      throw error
    })
}

/** The other half: the lines go to their new owner, once, and the guest's cart is dead. */
async function finishHandOver(worker: CartWorker, ctx: Ctx, from: string, to: string, lines: CartLine[]): Promise<void> {
  if (lines.length > 0) await call(ctx, 'cart.worker.receive', { cartId: to, from, lines })
  const decide = (): Result<null> => ({ state: null, answer: null, reminders: [{ name: HAND_OVER, at: null }] })
  await worker.actors.turn(ctx, from, decide, { record: false })
}

/** Ends a guest's cart that nobody has changed for long; one that was changed since is looked at again when its time has come. */
async function expire(worker: CartWorker, ctx: Ctx, cartId: string): Promise<void> {
  const now = Date.now()
  await worker.actors.turn(ctx, cartId, (state: CartState | null, version: number): Result<null> => {
    if (!state || state.handedTo) return { state, answer: null }
    const end = endOf(state.touchedAt ?? 0)
    if (end > now) return { state, answer: null, reminders: [{ name: EXPIRE, at: new Date(end).toISOString() }] }
    return { state: null, answer: null, events: updated(cartId, version + 1, 'ended', state.lines, []) }
  })
}

/**
 * Owns carts: one actor each, `<user id>` or `g.<digest of a guest's token>`. A cart holds no stock and no price that binds. Keeps:
 * an acknowledged add is never lost and a removal stays removed, however many write at once; an order takes its lines once, a
 * guest's cart is merged once; the version grows by one with each commit; every change is an event in its own commit.
 */
export default service({
  name: 'cart.worker',
  mixins: [
    periodic<CartWorker>('cart idempotency sweep', 3_600_000, async function () {
      await sweepIdempotency(this.db)
    }),
    actors<CartState, CartWorker>({
      type: TYPE,
      stores: redisOrPostgresStores('cart'),
      async onReminder(ctx, cartId, name) {
        if (name === EXPIRE) return expire(this, ctx, cartId)
        const { state } = await this.actors.read(cartId)
        if (state?.handedTo) await finishHandOver(this, ctx, cartId, state.handedTo, [...state.lines])
      }
    }),
    serviceDatabase('cart')
  ],

  actions: {
    contents: workerAction(contracts['cart.worker.contents'], {
      retrySafe: true,
      handler(this: CartWorker, ctx) {
        return contents(this, ctx.params.cartId)
      }
    }),

    add: workerAction(contracts['cart.worker.add'], {
      actor: { type: TYPE, key: 'cartId' },
      handler(this: CartWorker, ctx) {
        const { cartId, line, create, ifVersion } = ctx.params
        return changeLines(this, ctx, cartId, 'added', (lines) => addLine(lines, line), { create, ifVersion })
      }
    }),

    set: workerAction(contracts['cart.worker.set'], {
      actor: { type: TYPE, key: 'cartId' },
      handler(this: CartWorker, ctx) {
        const { cartId, offerId, quantity, ifVersion } = ctx.params
        return changeLines(this, ctx, cartId, 'set', (lines) => setLine(lines, offerId, quantity), { ifVersion })
      }
    }),

    remove: workerAction(contracts['cart.worker.remove'], {
      actor: { type: TYPE, key: 'cartId' },
      handler(this: CartWorker, ctx) {
        const { cartId, offerId, ifVersion } = ctx.params
        return unchangedIfNotFound(this, cartId, changeLines(this, ctx, cartId, 'removed', (lines) => removeLine(lines, offerId), { ifVersion }))
      }
    }),

    clear: workerAction(contracts['cart.worker.clear'], {
      actor: { type: TYPE, key: 'cartId' },
      handler(this: CartWorker, ctx) {
        const { cartId, ifVersion } = ctx.params
        return unchangedIfNotFound(this, cartId, changeLines(this, ctx, cartId, 'cleared', clearLines, { ifVersion }))
      }
    }),

    merge: workerAction(contracts['cart.worker.merge'], {
      actor: { type: TYPE, key: 'from' },
      retrySafe: true,
      async handler(this: CartWorker, ctx) {
        const { from, to } = ctx.params
        const lines = isGuest(from) && !isGuest(to) ? await handOver(this, ctx, from, to) : null
        if (!lines) return { outcome: 'ignored' as const }
        await finishHandOver(this, ctx, from, to, lines)
        return { outcome: 'merged' as const }
      }
    }),

    receive: workerAction(contracts['cart.worker.receive'], {
      actor: { type: TYPE, key: 'cartId' },
      retrySafe: true,
      handler(this: CartWorker, ctx) {
        const { cartId, from, lines: guest } = ctx.params
        return changeLines(this, ctx, cartId, 'merged', (lines) => mergeLines(lines, guest), { operationId: `merge:${from}` })
      }
    }),

    claim: workerAction(contracts['cart.worker.claim'], {
      actor: { type: TYPE, key: 'cartId' },
      retrySafe: true,
      handler(this: CartWorker, ctx) {
        const { cartId, orderId, lines } = ctx.params
        return changeClaims(this, ctx, cartId, (holdings, now) => claimLines(holdings, orderId, lines, now))
      }
    }),

    unclaim: workerAction(contracts['cart.worker.unclaim'], {
      actor: { type: TYPE, key: 'cartId' },
      retrySafe: true,
      handler(this: CartWorker, ctx) {
        const { cartId, orderId } = ctx.params
        return changeClaims(this, ctx, cartId, (holdings) => giveBackLines(holdings, orderId))
      }
    }),

    take: workerAction(contracts['cart.worker.take'], {
      actor: { type: TYPE, key: 'cartId' },
      retrySafe: true,
      handler(this: CartWorker, ctx) {
        const { cartId, orderId, lines } = ctx.params
        return take(this, ctx, cartId, orderId, lines)
      }
    })
  }
})
