import { newId } from '../primitives/ids.ts'
import type { Json } from '../primitives/json.ts'
import type { EventRecord } from '../events/port.ts'
import type { NewEvent } from './outbox.ts'

/** A document that carries its own outbox: an event is part of the write that it reports, whatever the engine. */
export interface WithOutbox {
  /** Number of the last event; gap-free per document, which is one aggregate. */
  eventNumber: number
  /** Events that the log does not have yet, in order. */
  outbox: EventRecord[]
}

/** The document with one more event to send. */
export const withEvent = <D extends WithOutbox>(doc: D, { topic, aggregate, body }: NewEvent, at: string): D => {
  const number = doc.eventNumber + 1
  return { ...doc, eventNumber: number, outbox: [...doc.outbox, { id: newId(), topic, aggregate, number, at, body: body as Json }] }
}

/** The document without the events up to `number`, which the log has; itself when there are none. */
export const withoutEvents = <D extends WithOutbox>(doc: D, number: number): D =>
  doc.outbox.some((e) => e.number <= number) ? { ...doc, outbox: doc.outbox.filter((e) => e.number > number) } : doc
