import type { LoadedService } from './messages.ts'

/** One thread of a node: a broker of its own with these services. */
export interface ThreadProfile {
  name: string
  services: readonly string[]
  /** Outside parties that only a demo node plays itself. */
  demo?: readonly string[]
}

/** A node as data. Threads are drained in this order: those that take requests from outside first. */
export interface Profile {
  doc: string
  threads: readonly ThreadProfile[]
}

export const PROFILES: Readonly<Record<string, Profile>> = {
  all: {
    doc: 'everything on one machine: requests, commerce and background work on a thread each',
    threads: [
      { name: 'web', services: ['gateway', 'auth', 'seller', 'product', 'search', 'cart', 'pricing', 'order', 'payment', 'logistics', 'inventory', 'analytics'] },
      { name: 'commerce', services: ['auth.worker', 'seller.worker', 'product.worker', 'inventory.worker', 'pricing.worker', 'cart.worker', 'order.worker', 'payment.worker'] },
      { name: 'background', services: ['relay.worker', 'search.worker', 'search.indexer', 'seller.orders', 'logistics.worker', 'analytics.worker'], demo: ['provider', 'carrier'] }
    ]
  }
}

/** The threads of the profile of that name, with or without what only a demo has. Throws one clear line when there is no such profile. */
export function threadsOf(name: string, demo: boolean): ThreadProfile[] {
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined
  if (!profile) throw new Error(`there is no profile "${name}": choose one of ${Object.keys(PROFILES).join(', ')}`)
  return profile.threads.map((thread) => ({ name: thread.name, services: [...thread.services, ...(demo ? (thread.demo ?? []) : [])] }))
}

/** Throws one clear line unless every dependency of every service is provided by some thread. */
export function checkDependencies(threads: readonly { name: string; loaded: readonly LoadedService[] }[]): void {
  const provided = new Set(threads.flatMap(({ loaded }) => loaded.map(({ name }) => name)))
  const missing = threads.flatMap(({ name: thread, loaded }) =>
    loaded.flatMap(({ name, dependencies }) => dependencies.filter((d) => !provided.has(d)).map((d) => `${name} (thread ${thread}) needs ${d}`))
  )
  if (missing.length > 0) throw new Error(`the profile is not complete: ${missing.join('; ')}, which no thread of this node has`)
}
