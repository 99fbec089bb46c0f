import type { ServiceBroker } from 'moleculer'
import { counter } from '../metrics/registry.ts'
import { newId } from '../primitives/ids.ts'
import type { Ctx, Meta } from '../runtime/service.ts'

/** What somebody did that is neither money nor stock. */
export type Behaviour = { kind: 'product_viewed'; productId: string } | { kind: 'searched'; query: string }

/** A behaviour as it travels. */
export interface BehaviourRecord {
  id: string
  /** RFC 3339. */
  at: string
  kind: Behaviour['kind']
  /** The user, or the guest's cart; empty for a stranger. */
  subject: string
  productId: string
  query: string
}

declare module '../runtime/calls.ts' {
  interface Hints {
    /** Emitted to one instance of each service that reads it, not broadcast. */
    'behaviour.recorded': { records: BehaviourRecord[] }
  }
}

/** Held back for this long, so that a busy thread sends few messages, and none so large that sending it is felt. */
const FLUSH_MS = 100
/** Records of one message at most; what comes beyond in that time is dropped, and counted. */
const WAITING_MAX = 1_000
const QUERY_MAX = 200

/** Services that read behaviour: for reports, and for the popularity of products. */
const READERS = ['analytics.worker', 'search.indexer']

const dropped = counter('souk_behaviour_dropped_total', 'Views and searches that found a buffer full').with({ at: 'sender' })
const waiting = new WeakMap<ServiceBroker, BehaviourRecord[]>()

const subjectOf = ({ caller, guestCart = '' }: Meta): string => (caller?.kind === 'user' ? caller.userId : guestCart)

/**
 * Notes what a caller did, for reports and for the order of search results. Best effort: it costs the request a microsecond, never fails and never
 * waits; a record may be lost (a full buffer, a restart). Nothing that matters may rest on it.
 */
export function recordBehaviour(ctx: Pick<Ctx, 'meta' | 'broker'>, behaviour: Behaviour): void {
  const { broker } = ctx
  let records = waiting.get(broker)
  if (!records) {
    waiting.set(broker, (records = []))
    setTimeout(() => {
      const gone = waiting.get(broker)!
      waiting.delete(broker)
      void broker.emit('behaviour.recorded', { records: gone }, { groups: READERS })
    }, FLUSH_MS).unref()
  }
  if (records.length >= WAITING_MAX) return dropped.add()
  records.push({
    id: newId(),
    at: new Date().toISOString(),
    kind: behaviour.kind,
    subject: subjectOf(ctx.meta),
    productId: behaviour.kind === 'product_viewed' ? behaviour.productId : '',
    query: behaviour.kind === 'searched' ? behaviour.query.slice(0, QUERY_MAX) : ''
  })
}
