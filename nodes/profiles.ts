import type { LoadedService } from './messages.ts'

/** One thread of a node: a broker of its own with these services. */
export interface ThreadProfile {
  name: string
  services: readonly string[]
  /** Outside parties that only a demo node plays itself. */
  demo?: readonly string[]
  /** Threads of this kind; more than one are called `<name>-1`, `<name>-2`, …. One unless told. */
  threads?: number
  /** Nobody waits for it, so it is one, however many threads each kind is to have. */
  behind?: true
}

/** A node as data. Threads are drained in this order: those that take requests from outside first. */
export interface Profile {
  doc: string
  threads: readonly ThreadProfile[]
}

/** One thread that a node starts. */
export interface ThreadPlan {
  name: string
  services: readonly string[]
  /** Metadata of its broker. */
  metadata?: Readonly<Record<string, unknown>>
}

/**
 * Takes requests and answers them: the gateway with every face, so that a request is checked where it came in; and what reads the search
 * index, for the way to another thread and back would cost as much as the search.
 */
const WEB: ThreadProfile = { name: 'web', services: ['gateway', 'auth', 'seller', 'product', 'search', 'search.worker', 'cart', 'pricing', 'order', 'payment', 'logistics', 'inventory', 'analytics'] }
/** What a purchase waits for. */
const PURCHASE = ['auth.worker', 'inventory.worker', 'pricing.worker', 'cart.worker', 'order.worker', 'payment.worker']
/** What is sold, and by whom. */
const OFFERED = ['seller.worker', 'product.worker']
const COMMERCE: ThreadProfile = { name: 'commerce', services: [...PURCHASE, ...OFFERED] }
/** What follows behind. */
const BEHIND = ['relay.worker', 'search.indexer', 'seller.orders', 'logistics.worker', 'analytics.worker']
const OUTSIDE = ['provider', 'carrier']
const BACKGROUND: ThreadProfile = { name: 'background', services: BEHIND, demo: OUTSIDE, behind: true }

export const PROFILES: Readonly<Record<string, Profile>> = {
  all: { doc: 'everything on one machine: requests, commerce and background work on a thread each', threads: [WEB, COMMERCE, BACKGROUND] },
  wide: { doc: 'everything on one machine of eight cores or more', threads: [{ ...WEB, threads: 3 }, { ...COMMERCE, threads: 3 }, BACKGROUND] },
  edge: { doc: 'takes requests: the gateway and the faces; joined with others over NATS', threads: [WEB] },
  commerce: { doc: 'what a purchase waits for: accounts, carts, orders, stock, payments; joined with others over NATS', threads: [{ name: 'commerce', services: PURCHASE }] },
  catalogue: { doc: 'what is sold and how it is found: sellers, products, search; joined with others over NATS', threads: [{ name: 'catalogue', services: [...OFFERED, 'search.worker'] }] },
  background: { doc: 'what follows behind: relays, consumers, parcels, analytics; joined with others over NATS', threads: [BACKGROUND] }
}

function plansOf({ name, services, demo: demoOnly = [], threads: usual = 1, behind }: ThreadProfile, demo: boolean, each: number): ThreadPlan[] {
  const threads = each > 0 && !behind ? each : usual
  const plan = { services: demo ? [...services, ...demoOnly] : services, ...(threads > 1 ? { metadata: { sharesPort: true } } : {}) }
  return Array.from({ length: threads }, (_, i) => ({ name: threads > 1 ? `${name}-${i + 1}` : name, ...plan }))
}

/**
 * The threads of the profile of that name, with or without what only a demo has; `each`: so many of each kind that people wait for,
 * 0: as many as the profile says. Throws one clear line when there is no such profile.
 */
export function threadsOf(name: string, demo: boolean, each = 0): ThreadPlan[] {
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined
  if (!profile) throw new Error(`there is no profile "${name}": choose one of ${Object.keys(PROFILES).join(', ')}`)
  return profile.threads.flatMap((thread) => plansOf(thread, demo, each))
}

/** Throws one clear line unless every dependency of every service is provided by some thread. */
export function checkDependencies(threads: readonly { name: string; loaded: readonly LoadedService[] }[]): void {
  const provided = new Set(threads.flatMap(({ loaded }) => loaded.map(({ name }) => name)))
  const missing = threads.flatMap(({ name: thread, loaded }) =>
    loaded.flatMap(({ name, dependencies }) => dependencies.filter((d) => !provided.has(d)).map((d) => `${name} (thread ${thread}) needs ${d}`))
  )
  if (missing.length > 0) throw new Error(`the profile is not complete: ${missing.join('; ')}, which no thread of this node has`)
}
