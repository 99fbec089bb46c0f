import { guestCartId } from '../../mixins/access/middleware.ts'
import { LoadingCache } from '../../mixins/cache/loading-cache.ts'
import { newToken } from '../../mixins/primitives/ids.ts'
import { problem, problemType } from '../../mixins/primitives/problem.ts'
import { call, type Hints } from '../../mixins/runtime/calls.ts'
import { publicAction, service, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'
import type { Sellable } from '../product/product.contract.ts'
import { cartActions as contracts, type CartContents, type CartLine, type CartView } from './cart.contract.ts'
import { cartView } from './cart-view.ts'

type CartFace = ServiceThis<{ offers: LoadingCache<Sellable> }>

/** How long a title, a price or an availability may be shown after it has changed, should the hint of the change be lost. */
const OFFERS_MS = 5_000
const OFFERS_MAX = 20_000

const busy = (): Error => problem('overloaded', 'Too many carts are being looked at: try again shortly.', { retryAfter: 1 })

/** The caller's cart; null for a guest who has none yet. */
function cartIdOf({ meta: { caller } }: Ctx): string | null {
  if (caller?.kind === 'user') return caller.userId
  return caller?.kind === 'guest' ? caller.cartId : null
}

/** If-Match as the version it names; one that names none matches no cart. */
const ifVersionOf = ({ meta: { ifMatch } }: Ctx): { ifVersion?: number } =>
  ifMatch === undefined ? {} : { ifVersion: /^\d{1,15}$/.test(ifMatch) ? Number(ifMatch) : -1 }

/** A cart for a guest who has none: only its holder has the token, we keep the digest that is the cart's id. */
async function addToNewCart(ctx: Ctx, line: CartLine): Promise<CartContents> {
  const token = newToken()
  const contents = await call(ctx, 'cart.worker.add', { cartId: guestCartId(token), line, create: true, ...ifVersionOf(ctx) })
  ctx.meta.$responseHeaders = { ...ctx.meta.$responseHeaders, 'Souk-Cart': token }
  return contents
}

/** Adds to the caller's cart. A guest's token that names no living cart counts as none: nobody but us makes tokens. */
async function add(ctx: Ctx, line: CartLine): Promise<CartContents> {
  const { caller } = ctx.meta
  const cartId = cartIdOf(ctx)
  if (cartId === null) return addToNewCart(ctx, line)
  try {
    return await call(ctx, 'cart.worker.add', { cartId, line, create: caller?.kind === 'user', ...ifVersionOf(ctx) })
  } catch (error) {
    if (caller?.kind !== 'guest' || problemType(error) !== 'not-found') throw error
    return addToNewCart(ctx, line)
  }
}

const nothing = (cartId: string | null): CartContents => ({ cartId: cartId ?? 'none', version: 0, lines: [] })

const isLoading = (offer: unknown): boolean => offer instanceof Promise

/** What the caller sees of a cart: stored lines with today's titles, prices and availability. */
async function view(face: CartFace, contents: CartContents): Promise<CartView> {
  const offers = contents.lines.map((line) => face.offers.get(line.offerId))
  return cartView(contents, offers.some(isLoading) ? await Promise.all(offers) : (offers as Sellable[]))
}

/** The face of carts. Titles, prices and availability come from a cache of this thread: they inform, the quote decides. */
export default service({
  name: 'cart',
  dependencies: ['cart.worker', 'product.worker'],

  created(this: CartFace) {
    this.offers = new LoadingCache<Sellable>(
      async (offerIds) => new Map((await call(this.broker, 'product.worker.offers', { offerIds })).items.map((offer) => [offer.offerId, offer])),
      { ttlMs: OFFERS_MS, max: OFFERS_MAX, maxWaiting: 5_000, full: busy }
    )
  },

  events: {
    'card.changed'(this: CartFace, ctx: Ctx<Hints['card.changed']>) {
      this.offers.drop(ctx.params.offerIds)
    }
  },

  actions: {
    get: publicAction(contracts['cart.get'], { rest: 'GET /cart', auth: 'guest', summary: 'The cart', etag: 'version' }, async function (this: CartFace, ctx) {
      const cartId = cartIdOf(ctx)
      return view(this, cartId === null ? nothing(null) : await call(ctx, 'cart.worker.contents', { cartId }))
    }),

    add: publicAction(
      contracts['cart.add'],
      { rest: 'POST /cart/lines', auth: 'guest', summary: 'Adds to the cart; an anonymous caller gets a cart, and its token in Souk-Cart', idempotent: 'honoured', etag: 'version', problems: ['not-found', 'version-conflict'] },
      async function (this: CartFace, ctx) {
        const { offerId, quantity } = ctx.params
        const offer = await this.offers.get(offerId)
        if (!offer?.active) throw problem('not-found', 'There is no such offer.')
        return view(this, await add(ctx, { offerId, productId: offer.productId, quantity, unitPrice: offer.price }))
      }
    ),

    set: publicAction(
      contracts['cart.set'],
      { rest: 'PATCH /cart/lines/{offerId}', auth: 'guest', summary: 'Sets the quantity of a line', etag: 'version', problems: ['not-found', 'version-conflict'] },
      async function (this: CartFace, ctx) {
        const cartId = cartIdOf(ctx)
        if (cartId === null) throw problem('not-found', 'This offer is not in the cart.')
        return view(this, await call(ctx, 'cart.worker.set', { cartId, ...ctx.params, ...ifVersionOf(ctx) }))
      }
    ),

    remove: publicAction(
      contracts['cart.remove'],
      { rest: 'DELETE /cart/lines/{offerId}', auth: 'guest', summary: 'Takes a line out, if it is there', etag: 'version', problems: ['version-conflict'] },
      async function (this: CartFace, ctx) {
        const cartId = cartIdOf(ctx)
        return view(this, cartId === null ? nothing(null) : await call(ctx, 'cart.worker.remove', { cartId, ...ctx.params, ...ifVersionOf(ctx) }))
      }
    ),

    clear: publicAction(contracts['cart.clear'], { rest: 'DELETE /cart', auth: 'guest', summary: 'Empties the cart', etag: 'version', problems: ['version-conflict'] }, async function (this: CartFace, ctx) {
      const cartId = cartIdOf(ctx)
      return view(this, cartId === null ? nothing(null) : await call(ctx, 'cart.worker.clear', { cartId, ...ifVersionOf(ctx) }))
    })
  }
})
