import { Errors, type CallingOptions, type Context, type Middleware, type ServiceBroker } from 'moleculer'
import { problem } from '../primitives/problem.ts'
import type { Handler, WrappedAction } from '../runtime/handler.ts'
import { actorOperations } from './introspection.ts'
import { headerOf, type ActorHeader, type CallTag } from './operations.ts'
import { slotOf, type SlotTable } from './placement.ts'
import { routerOf, type ActorRoute, type Router, type SiteOf } from './router.ts'

/** What an action declares: it runs on the owner of the actor `type`/params[key]. */
interface ActorAction extends WrappedAction<unknown> {
  actor?: { type: string; key: string }
  timeout?: number
  retrySafe?: boolean
}

/** A node that is asked for an actor it does not own says who does, as it believes. */
const MOVED = 'MOVED'
const MOVES_MAX = 3
/** A first try that may be repeated elsewhere waits half of its time, at most so long: a node that hangs must not cost the whole call. */
const PATIENCE_MS = 5_000
/** Nodes that one call is sent to at most after the first one was lost. */
const REPEATS_MAX = 2

type Next = (name: string, params: unknown, options: CallingOptions) => Promise<unknown> & { ctx?: Context }

const moved = (action: string, nodeID: string, owner: string): Error => new Errors.MoleculerError(`${action}: the actor has moved to ${owner}`, 421, MOVED, { action, nodeID, owner })

interface Lost {
  type?: string
  data?: { action?: string; nodeID?: string; owner?: string }
}

/** One call to an actor, followed until it has run. */
class ActorCall {
  promise!: Promise<unknown> & { ctx?: Context }
  readonly #router: Router
  readonly #next: Next
  readonly #route: ActorRoute
  readonly #key: string
  readonly #params: unknown
  readonly #options: CallingOptions
  readonly #tag: CallTag
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #table!: SlotTable
  #target: string | null = null
  #moves = 0
  #here = false
  #lost: Set<string> | null = null

  constructor(router: Router, next: Next, route: ActorRoute, key: string, params: unknown, options: CallingOptions) {
    this.#router = router
    this.#next = next
    this.#route = route
    this.#key = key
    this.#params = params
    this.#options = options
    const timeout = Math.min(options.timeout || Infinity, route.timeout || Infinity)
    const bound = timeout < Infinity ? timeout : (router.broker.options.requestTimeout ?? 0)
    this.#tag = router.open(route.actor.type, key, bound > 0 ? Date.now() + bound : 0)
  }

  run(): Promise<unknown> {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const owner = this.#owner()
    if (owner === null && this.#router.siteOf(this.#route.actor.type, this.#key) !== null) {
      // Moleculer would give a call that was never sent the context, and so the meta, of the call before.
      void Object.defineProperty(this.promise, 'ctx', { get: () => undefined, set: () => {} })
      this.#failed(problem('unavailable', 'The site that this belongs to cannot be reached: try again shortly.', { retryAfter: 5 }))
    } else this.#send(owner)
    return this.promise
  }

  #owner(): string | null {
    const { name, actor } = this.#route
    this.#table = this.#router.table(name, actor.type, this.#key)
    const slot = slotOf(actor.type, this.#key)
    return this.#lost ? this.#table.ownerWithout(slot, this.#lost) : this.#table.owner(slot)
  }

  #send(target: string | null): void {
    this.#target = target
    const header: ActorHeader = { ...this.#tag, key: this.#key, here: this.#here }
    const options: CallingOptions = { ...this.#options, headers: { ...this.#options.headers, actor: header } }
    if (target !== null) options.nodeID = target
    if (this.#tag.deadline > 0) options.timeout = this.#patience()
    try {
      const sent = this.#next(this.#route.name, this.#params, options)
      if (sent.ctx) this.promise.ctx = sent.ctx // whose meta goes back to the caller
      sent.then(this.#answered, this.#failed)
    } catch (error) {
      this.#failed(error)
    }
  }

  #patience(): number {
    const left = Math.max(1, this.#tag.deadline - Date.now())
    return this.#route.retrySafe && this.#lost === null && this.#table.nodes.length > 1 ? Math.min(Math.ceil(left / 2), PATIENCE_MS) : left
  }

  readonly #answered = (answer: unknown): void => {
    this.#router.close(this.#route.actor.type, this.#key, this.#tag)
    this.#resolve(answer)
  }

  readonly #failed = (error: unknown): void => {
    const follow = this.#follow(error as Lost)
    if (follow !== null) return this.#send(follow)
    this.#router.close(this.#route.actor.type, this.#key, this.#tag)
    this.#reject(error)
  }

  /** Where the call goes next; null when `error` is its answer. */
  #follow(error: Lost): string | null {
    if (this.#target === null || error.data?.action !== this.#route.name || error.data.nodeID !== this.#target) return null
    if (this.#tag.deadline > 0 && Date.now() >= this.#tag.deadline) return null
    switch (error.type) {
      case MOVED:
        return this.#moved(error.data.owner)
      case 'SERVICE_NOT_FOUND':
      case 'SERVICE_NOT_AVAILABLE': // it has not run there
        return this.#elsewhere()
      case 'REQUEST_REJECTED':
      case 'REQUEST_TIMEOUT': // it may have run there: the actor knows its number
        return this.#route.retrySafe ? this.#elsewhere() : null
      default:
        return null
    }
  }

  #moved(owner: string | undefined): string | null {
    if (++this.#moves > MOVES_MAX) {
      this.#here = true
      return this.#target
    }
    const known = owner !== undefined && this.#router.broker.registry.actions.get(this.#route.name)?.hasNodeID(owner)
    return known ? owner : this.#owner()
  }

  #elsewhere(): string | null {
    this.#lost ??= new Set()
    if (this.#lost.size >= REPEATS_MAX) return null
    this.#lost.add(this.#target!)
    this.#here = true // the next one may still believe in the lost one
    return this.#owner()
  }
}

/** A call whose options say where it goes, or that goes on with a context, is left alone. */
const isPinned = (options: CallingOptions): boolean => options.nodeID !== undefined || 'ctx' in options

/** Runs the action only if this node owns the actor, or was told to. */
const ownersOnly =
  (next: Handler, router: Router, name: string, { type, key }: { type: string; key: string }): Handler =>
  (ctx) => {
    const header = headerOf(ctx.headers)
    if (header && !header.here) {
      const owner = router.owner(name, type, String((ctx.params as Record<string, unknown>)[key]))
      if (owner !== null && owner !== router.broker.nodeID) return Promise.reject(moved(name, router.broker.nodeID, owner))
    }
    return next(ctx)
  }

/**
 * Middleware that sends calls of actions which declare `actor: { type, key }` to the actor's owner.
 *
 * The caller computes the owner from the nodes it knows and pins the call; a node that believes in another owner answers MOVED and
 * the caller follows, three times at most: then the call runs where it is, because the store, not ownership, keeps writes apart.
 * A call that cannot have run (its node is gone or stopping) goes to the next owner. One that may have run (connection lost, no answer
 * in half of its time) is repeated there only if the action declares `retrySafe`; the repetition carries the same number, so its
 * turns have their effect once. It stands nearest to the handler, so what is declared otherwise holds for each try.
 * `siteOf` reads an actor's home site out of its key.
 */
export const actorRouting = ({ siteOf }: { siteOf?: SiteOf } = {}): Middleware => {
  const forBroker = (broker: ServiceBroker) => {
    const router = routerOf(broker)
    if (siteOf) router.siteOf = siteOf
    const learn = ({ name, actor, timeout, retrySafe }: ActorAction): void => {
      if (actor) router.routes.set(name, { name, actor, ...(timeout ? { timeout } : {}), ...(retrySafe ? { retrySafe } : {}) })
    }
    return {
      name: 'ActorRouting',
      created: () => void broker.createService(actorOperations(router)),
      localAction(next: Handler, action: ActorAction) {
        learn(action)
        return action.actor ? ownersOnly(next, router, action.name, action.actor) : next
      },
      remoteAction(next: Handler, action: ActorAction) {
        learn(action)
        return next
      },
      call: (next: Next) => (name: string, params: Record<string, unknown> | undefined, options: CallingOptions = {}) => {
        const route = router.routes.get(name)
        if (!route || isPinned(options)) return next(name, params, options)
        const key = params?.[route.actor.key]
        if (typeof key !== 'string' || key === '') return next(name, params, options) // its schema refuses it
        return new ActorCall(router, next, route, key, params, options).run()
      },
      stopping: () => Promise.resolve(router.leave())
    }
  }
  return forBroker as unknown as Middleware
}
