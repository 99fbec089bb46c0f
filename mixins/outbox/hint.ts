import type { ServiceBroker } from 'moleculer'
import { gatheredHint } from '../runtime/gathered-hint.ts'

declare module '../runtime/calls.ts' {
  interface Hints {
    /** These schemas' outboxes have new events. */
    'outbox.wrote': { schemas: string[] }
  }
}

const wrote = gatheredHint('outbox.wrote', 10, (schemas) => ({ schemas }))

/** Tells the relay that a commit wrote events into this schema's outbox; call it after the commit, as often as you like. Without it they leave within half a second. */
export const wroteOutbox = (broker: Pick<ServiceBroker, 'broadcast'>, schema: string): void => wrote(broker, [schema])
