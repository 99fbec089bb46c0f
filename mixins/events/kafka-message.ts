import type { KafkaMessage } from 'kafkajs'
import type { EventRecord, EventText } from './port.ts'

interface Place {
  topic: string
  partition: number
}

/** A message that is no event; somebody else has written into the topic. */
export class NoEvent extends Error {
  constructor({ topic, partition }: Place, { offset }: KafkaMessage) {
    super(`what lies in ${topic}, partition ${partition}, at ${offset} is no event`)
  }
}

/** An event as a message's value. The body comes last: so what stands before it can be read alone. */
export const encodeEvent = ({ id, aggregate, number, at, body }: EventRecord): string => JSON.stringify({ id, aggregate, number, at, body })

/** What a name and its colon look like between two fields; within a text its quotes would be escaped. */
const BODY = ',"body":'

function parse(text: string): EventRecord | null {
  try {
    const event = JSON.parse(text) as EventRecord
    return typeof event.id === 'string' && typeof event.aggregate === 'string' ? event : null
  } catch {
    return null // no JSON
  }
}

/** Reads messages of a partition. Throws NoEvent. */
export const decodeEvent = (place: Place) => (message: KafkaMessage): EventRecord => {
  const event = parse(message.value?.toString() ?? '')
  if (!event) throw new NoEvent(place, message)
  const { id, aggregate, number, at, body } = event
  return { id, topic: place.topic, aggregate, number, at, body }
}

/** The same, with the body as it lies there: what stands in it is not looked at. */
export const decodeText = (place: Place) => (message: KafkaMessage): EventText => {
  const text = message.value?.toString() ?? ''
  const end = text.indexOf(BODY)
  const head = end < 0 || !text.endsWith('}') ? null : parse(`${text.slice(0, end)}}`)
  if (!head) return { ...decodeEvent(place)(message), body: JSON.stringify(parse(text)!.body ?? null) } // another's order of fields
  const { id, aggregate, number, at } = head
  return { id, topic: place.topic, aggregate, number, at, body: text.slice(end + BODY.length, -1) }
}
