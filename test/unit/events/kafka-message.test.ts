import { describe, expect, test } from '@jest/globals'
import type { KafkaMessage } from 'kafkajs'
import { decodeEvent, decodeText, encodeEvent, NoEvent } from '../../../mixins/events/kafka-message.ts'
import type { EventRecord } from '../../../mixins/events/port.ts'

const place = { topic: 'things', partition: 3 }
const message = (value: string | null) => ({ value: value === null ? null : Buffer.from(value), offset: '7' }) as KafkaMessage
const event = (body: EventRecord['body'], aggregate = 'thing/1'): EventRecord => ({ id: 'e1', topic: 'things', aggregate, number: 4, at: '2026-11-24T10:00:00.000Z', body })

describe('an event in a message', () => {
  test.each([
    event({ text: 'å \u2028 😀 "quoted" \\', list: [1, null, { deep: [true] }], body: { body: 1 } }),
    event('a text'),
    event(null),
    event({}, 'thing/","body":{"'),
    event(['{"id":"x"}'], 'thing/}')
  ])('comes as it was, and its body as text as it lies there: %j', (record) => {
    const value = encodeEvent(record)
    expect(decodeEvent(place)(message(value))).toEqual(record)
    expect(decodeText(place)(message(value))).toEqual({ ...record, body: JSON.stringify(record.body) })
  })

  test('may have its fields in another order', () => {
    const { topic: _t, body: _b, ...rest } = event(null)
    for (const value of [JSON.stringify({ body: { n: 1 }, ...rest }), JSON.stringify({ body: { id: 'no', aggregate: 'no', body: {} }, ...rest, x: { body: 1 } })]) {
      const { body, ...head } = JSON.parse(value) as EventRecord
      expect(decodeText(place)(message(value))).toMatchObject({ id: 'e1', aggregate: 'thing/1', number: head.number, body: JSON.stringify(body) })
    }
  })

  test.each([null, '', 'no JSON', '[]', '{"id":1,"aggregate":"a","body":{}}', '{"id":"e1","body":{}}', '{"id":"e1","aggregate":"a","number":1,"body":{"cut'])('that is none is said so, with its place: %j', (value) => {
    for (const decode of [decodeEvent, decodeText]) {
      expect(() => decode(place)(message(value))).toThrow(NoEvent)
      expect(() => decode(place)(message(value))).toThrow('what lies in things, partition 3, at 7 is no event')
    }
  })
})
