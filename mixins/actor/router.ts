import { randomBytes } from 'node:crypto'
import type { ServiceBroker } from 'moleculer'
import type { CallTag } from './operations.ts'
import { SlotTable, slotOf } from './placement.ts'

/** The home site of an actor, whose nodes alone may own it; null where the key does not say: then the caller's site. */
export type SiteOf = (type: string, key: string) => string | null

/** What the operator sees of the actors of one type on this thread. */
export interface ActorHost {
  readonly type: string
  summary(): ActorSummary
  inspect(key: string): ActorInspection | null
}

export interface ActorSummary {
  type: string
  /** Activations in memory. */
  active: number
  /** Turns or messages taken and not answered yet. */
  unanswered: number
  /** The keys with the longest mailboxes, then the last used. */
  keys: { key: string; waiting: number; idleMs: number }[]
}

export interface ActorInspection {
  /** Null: not loaded. */
  version: number | null
  waiting: number
  running: boolean
  idleMs: number
}

/** An action whose calls go to an actor's owner. */
export interface ActorRoute {
  name: string
  actor: { type: string; key: string }
  timeout?: number
  retrySafe?: boolean
}

/** A broker's view of who owns which actor, and the numbers of the calls it makes to them. One per broker. */
export class Router {
  readonly broker: ServiceBroker
  readonly hosts = new Set<ActorHost>()
  /** The actions of this broker's network that declare an actor, by name. */
  readonly routes = new Map<string, ActorRoute>()
  /** Grows with every change of the nodes that this broker knows. */
  epoch = 0
  siteOf: SiteOf = () => null
  readonly #by = randomBytes(6).toString('base64url')
  #lastCall = 0
  /** Numbers of the open calls, ascending, by type and key. */
  readonly #open = new Map<string, Map<string, number[]>>()
  readonly #tables = new Map<string, SlotTable>()
  readonly #tablesByNodes = new Map<string, SlotTable>()
  readonly #listeners = new Set<() => void>()
  #leaving = false

  constructor(broker: ServiceBroker) {
    this.broker = broker
    const changed = (): void => this.#changed()
    for (const event of ['$services.changed', '$node.connected', '$node.updated', '$node.disconnected']) broker.localBus.on(event, changed)
  }

  /** The node that owns the actor, of those that offer `action`; null when none does. */
  owner(action: string, type: string, key: string): string | null {
    return this.table(action, type, key).owner(slotOf(type, key))
  }

  /** The owner of an actor whose type is known by name only; null when no action of this network has that type, or none is offered. */
  ownerOfType(type: string, key: string): string | null {
    for (const { name, actor } of this.routes.values()) {
      const owner = actor.type === type ? this.owner(name, type, key) : null
      if (owner !== null) return owner
    }
    return null
  }

  /** The nodes that may own the actor: of its home site, alive, and not draining unless all are. */
  table(action: string, type: string, key: string): SlotTable {
    const home = this.siteOf(type, key)
    const id = home === null ? action : `${action} ${home}`
    let table = this.#tables.get(id)
    if (!table) this.#tables.set(id, (table = this.#tableOf(this.#candidates(action, home))))
    return table
  }

  /** Numbers a call to an actor; `close` it when its outcome is known or given up. */
  open(type: string, key: string, deadline: number): CallTag {
    let keys = this.#open.get(type)
    if (!keys) this.#open.set(type, (keys = new Map()))
    const n = ++this.#lastCall
    const open = keys.get(key)
    if (open) open.push(n)
    else keys.set(key, [n])
    return { by: this.#by, n, low: open?.[0] ?? n, deadline }
  }

  close(type: string, key: string, { n }: CallTag): void {
    const keys = this.#open.get(type)
    const open = keys?.get(key)
    if (!keys || !open) return
    if (open.length === 1) keys.delete(key)
    else open.splice(open.indexOf(n), 1)
  }

  /** Calls `listener` after each change of the nodes; returns the end of it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** This broker stops: its actors go to others, where there are any. */
  leave(): void {
    this.#leaving = true
    this.#changed()
  }

  #changed(): void {
    this.epoch++
    this.#tables.clear()
    for (const listener of this.#listeners) listener()
  }

  /** Nodes of the home site. A key that names none belongs to the caller's site, or to every node where that site has none (one of gateways alone). */
  #candidates(action: string, home: string | null): string[] {
    const live = (this.broker.registry.actions.get(action)?.endpoints ?? []).filter((e) => e.node.available)
    const site = home ?? siteOfNode(this.broker.metadata)
    const near = live.filter((e) => siteOfNode(e.node.metadata) === site)
    const all = near.length > 0 || home !== null ? near : live
    const steady = all.filter((e) => !(e.local && this.#leaving) && e.node.metadata?.['draining'] !== true)
    return (steady.length > 0 ? steady : all).map((e) => e.id)
  }

  /** Actions with the same nodes share a table. */
  #tableOf(nodes: readonly string[]): SlotTable {
    const id = [...nodes].sort().join(' ')
    let table = this.#tablesByNodes.get(id)
    if (!table) {
      if (this.#tablesByNodes.size >= 100) this.#tablesByNodes.clear()
      this.#tablesByNodes.set(id, (table = new SlotTable(nodes)))
    }
    return table
  }
}

const siteOfNode = (metadata: Record<string, unknown> | null | undefined): string | null => {
  const site = metadata?.['site']
  return typeof site === 'string' ? site : null
}

const routers = new WeakMap<ServiceBroker, Router>()

export function routerOf(broker: ServiceBroker): Router {
  let router = routers.get(broker)
  if (!router) routers.set(broker, (router = new Router(broker)))
  return router
}
