import type { ServiceSchema } from 'moleculer'
import type { ActorInspection, ActorSummary, Router } from './router.ts'
import { slotOf } from './placement.ts'

/** What `$actor.inspect` answers. */
export interface ActorAnswer {
  nodeID: string
  type: string
  key: string
  slot: number
  /** The node that owns it, as this one believes; null when none does. */
  owner: string | null
  /** What this thread has of it in memory; null where it has no actors of that type. */
  activation: ActorInspection | null
}

/**
 * `$actor.list` and `$actor.inspect` of this thread, for the operator: any thread names an actor's owner, each tells of what itself
 * has in memory, so ask the owner by `nodeID`. They touch no store.
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
          return { nodeID: router.broker.nodeID, type, key, slot: slotOf(type, key), owner: router.ownerOfType(type, key), activation: host?.inspect(key) ?? null }
        }
      }
    }
  }) as unknown as ServiceSchema
