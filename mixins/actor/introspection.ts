import type { ServiceSchema } from 'moleculer'
import type { ActorInspection, ActorSummary, Router } from './router.ts'
import { slotOf } from './placement.ts'

/** What `$actor.inspect` answers. */
export interface ActorAnswer {
  nodeID: string
  type: string
  key: string
  slot: number
  /** What this thread has of it in memory; null where it has no actors of that type. */
  activation: ActorInspection | null
}

/**
 * `$actor.list` and `$actor.inspect` of this thread, for the operator. Ask each node by `nodeID`; they read memory only and touch
 * no store.
 */
export const actorOperations = (router: Router): ServiceSchema =>
  ({
    name: '$actor',
    actions: {
      list: {
        params: { type: { type: 'string', optional: true } },
        handler: ({ params }: { params: { type?: string } }): ActorSummary[] =>
          [...router.hosts].filter((host) => params.type === undefined || host.type === params.type).map((host) => host.summary())
      },
      inspect: {
        params: { type: 'string', key: 'string' },
        handler({ params: { type, key } }: { params: { type: string; key: string } }): ActorAnswer {
          const host = [...router.hosts].find((h) => h.type === type)
          return { nodeID: router.broker.nodeID, type, key, slot: slotOf(type, key), activation: host?.inspect(key) ?? null }
        }
      }
    }
  }) as unknown as ServiceSchema
