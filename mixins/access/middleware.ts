import type { Middleware, ServiceBroker } from 'moleculer'
import { openKeys, type OpenKeys } from '../keys/keys.ts'
import { digest } from '../primitives/ids.ts'
import { problem } from '../primitives/problem.ts'
import type { Handler, WrappedAction } from '../runtime/handler.ts'
import type { Auth, Caller, Credentials, PublicOptions, Role } from '../runtime/service.ts'
import { setting } from '../settings/settings.ts'
import { isLoopback } from './address.ts'
import { apiKeyKey, sessionKey, type SessionEntry } from './sessions.ts'
import { verifyAccessToken } from './tokens.ts'

export interface AccessOptions {
  /** Publishes the entry of an API key that the keys store does not hold (any more); nothing when there is no such key. */
  findApiKey: (broker: ServiceBroker, digest: string) => Promise<unknown>
}

const ANONYMOUS: Caller = { kind: 'anonymous' }
const CART_TOKEN = /^[\w-]{20,100}$/
const API_KEY = /^souk_[\w.-]{20,200}$/

const dead = (): Error => problem('token-expired', 'The token is missing, expired or revoked: refresh it, or sign in again.')

/** Cart id of a guest's token. */
export const guestCartId = (token: string): string => `g.${digest(token)}`

const toCaller = ({ userId, sessionId, roles, site }: SessionEntry): Caller => ({ kind: 'user', userId, sessionId, roles, site })

/** Turns what a request presented into a caller; null when a token or key was presented and is dead. */
class Doorkeeper {
  readonly #broker: ServiceBroker
  readonly #keys: OpenKeys
  readonly #findApiKey: AccessOptions['findApiKey']

  constructor(broker: ServiceBroker, keys: OpenKeys, { findApiKey }: AccessOptions) {
    this.#broker = broker
    this.#keys = keys
    this.#findApiKey = findApiKey
  }

  async callerOf({ token, apiKey }: Credentials): Promise<Caller | null> {
    if (token !== undefined) return this.#byToken(token)
    return apiKey === undefined ? ANONYMOUS : this.#byApiKey(apiKey)
  }

  async #byToken(token: string): Promise<Caller | null> {
    const claims = await verifyAccessToken(token)
    if (!claims) return null
    const entry = await this.#entry(sessionKey(claims.sessionId))
    return entry && entry.userId === claims.userId ? toCaller(entry) : null
  }

  async #byApiKey(apiKey: string): Promise<Caller | null> {
    if (!API_KEY.test(apiKey)) return null
    const key = digest(apiKey)
    const known = await this.#entry(apiKeyKey(key))
    if (known) return toCaller(known)
    await this.#findApiKey(this.#broker, key)
    const found = await this.#entry(apiKeyKey(key))
    return found && toCaller(found)
  }

  async #entry(key: string): Promise<SessionEntry | null> {
    const [found] = await this.#keys.get([key])
    const entry = found?.value as SessionEntry | undefined
    return entry && !entry.ended ? entry : null
  }

  /** One more request of this account; throws `rate-limited` above the limit. */
  async count(userId: string, limit: number): Promise<void> {
    const { allowed, resetMs } = await this.#keys.hit(`requests:user:${userId}`, 60_000, limit)
    if (!allowed) throw problem('rate-limited', 'Too many requests of this account.', { retryAfter: Math.ceil(resetMs / 1_000) })
  }
}

/** What an action's `auth` asks of a caller; throws 401 or 403. */
function requirement(auth: Auth): (caller: Caller) => void {
  if (typeof auth === 'string' && auth !== 'user') return () => {}
  const roles: readonly Role[] | null = auth === 'user' ? null : (auth as readonly Role[])
  return (caller) => {
    if (caller.kind !== 'user') throw dead()
    if (roles && !roles.some((role) => caller.roles.includes(role))) throw problem('forbidden', `This needs one of these roles: ${roles.join(', ')}.`)
  }
}

/** Sets `ctx.meta.caller` from the request's credentials, which go no further than this. */
function protect(next: Handler, auth: Auth, doorkeeper: () => Doorkeeper): Handler {
  const check = requirement(auth)
  const limit = setting('SOUK_LIMIT_REQUESTS_PER_MINUTE')
  return async (ctx) => {
    const { credentials = {}, address = '' } = ctx.meta
    if (ctx.meta.credentials) delete ctx.meta.credentials
    if (ctx.meta.guestCart) delete ctx.meta.guestCart
    const cart = credentials.cart !== undefined && CART_TOKEN.test(credentials.cart) ? guestCartId(credentials.cart) : undefined
    if (cart) ctx.meta.guestCart = cart
    const presented = credentials.token !== undefined || credentials.apiKey !== undefined
    let caller = presented ? await doorkeeper().callerOf(credentials) : ANONYMOUS
    if (!caller && auth !== 'open') throw dead()
    if (caller === ANONYMOUS && cart && auth === 'guest') caller = { kind: 'guest', cartId: cart }
    ctx.meta.caller = caller ??= ANONYMOUS
    check(caller)
    if (limit > 0 && caller.kind === 'user' && !isLoopback(address)) await doorkeeper().count(caller.userId, limit)
    return next(ctx)
  }
}

/**
 * Middleware of the faces: who is calling, decided where the action runs, so that whoever can publish on the transporter still needs
 * a token. The session is looked up on every request that presents a token (all of one turn go as one request) and is never cached.
 * An action is protected by its `public.auth`, resolved when it is wrapped; others are left as they are.
 */
export function accessMiddleware(options: AccessOptions): Middleware {
  let keys: OpenKeys | undefined
  let doorkeeper: Doorkeeper | undefined
  return {
    name: 'Access',
    localAction(this: ServiceBroker, next: Handler, action: WrappedAction<PublicOptions>) {
      if (!action.public) return next
      return protect(next, action.public.auth, () => (doorkeeper ??= new Doorkeeper(this, (keys ??= openKeys()), options)))
    },
    async stopped() {
      await keys?.close()
      keys = doorkeeper = undefined
    }
  } as unknown as Middleware
}
