import { decimal, int, list, nullable, object, text } from '../../mixins/primitives/schema.ts'
import { actions, type ActionsOf } from '../../mixins/runtime/calls.ts'

/** One outbox: a schema in a database. */
const outboxRule = object({
  /** `main`, `orders-0`, `orders-1`, …, or the schema that has a server of its own. */
  database: text(),
  schema: text(),
  /** Events that are committed and not yet in the log. */
  waiting: int({ min: 0 }),
  /** Age of the oldest of them; null when none waits. */
  oldestSeconds: nullable(decimal({ min: 0 })),
  /** The lanes that this relay sends; the others are another relay's, or nobody's for a second. */
  lanes: list(int({ min: 0 }))
})

export const relayActions = actions({
  /** What waits in every outbox, and what this relay sends of it. A database that cannot be reached is left out. */
  'relay.worker.status': { params: {}, returns: object({ outboxes: list(outboxRule) }) }
})

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof relayActions> {}
}
