import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { whole } from '../../../mixins/events/kafka-socket.ts'

const answer = (body: Uint8Array): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** Cuts bytes at these places. */
const cut = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const places = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end))
}

test('answers come whole and in order, however they were cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.array(fc.nat(2_000)), (bodies, places) => {
      const answers = bodies.map(answer)
      const taken: Buffer[] = []
      const feed = whole((some) => taken.push(Buffer.from(some)))
      for (const chunk of cut(Buffer.concat(answers), places)) feed(chunk)
      expect(Buffer.concat(taken)).toEqual(Buffer.concat(answers))
      // Each hand-over ends where an answer ends.
      const ends = new Set(answers.map((_, i) => Buffer.concat(answers.slice(0, i + 1)).length))
      let end = 0
      for (const some of taken) expect(ends).toContain((end += some.length))
    })
  )
})

test('what is left of a broken answer is not handed on', () => {
  const taken: Buffer[] = []
  const feed = whole((some) => taken.push(some))
  const [one, two] = [answer(Buffer.from('one')), answer(Buffer.from('two'))]
  feed(Buffer.concat([one, two.subarray(0, 5)]))
  expect(taken).toEqual([one])
})
