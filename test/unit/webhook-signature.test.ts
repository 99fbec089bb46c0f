import { expect, test } from '@jest/globals'
import { isSigned, sign } from '../../mixins/webhooks/signature.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const body = '{"events":[]}'
const header = sign('secret', body, NOW)

test('a body is signed with the secret, the time and nothing else', () => {
  expect(isSigned('secret', body, header, NOW)).toBe(true)
  expect(isSigned('secret', body, header, NOW + 299_000)).toBe(true)
  expect(isSigned('secret', `${body} `, header, NOW)).toBe(false)
  expect(isSigned('other', body, header, NOW)).toBe(false)
})

test('an old or a future delivery is refused, and its time cannot be changed', () => {
  expect(isSigned('secret', body, header, NOW + 301_000)).toBe(false)
  expect(isSigned('secret', body, header, NOW - 301_000)).toBe(false)
  expect(isSigned('secret', body, header.replace(/t=\d+/, `t=${(NOW + 600_000) / 1_000}`), NOW + 600_000)).toBe(false)
})

test('a header of another form is refused, whatever it is', () => {
  for (const wrong of ['', 't=1', `v1=${'0'.repeat(64)}`, header.toUpperCase(), `${header},v1=${'0'.repeat(64)}`]) expect(isSigned('secret', body, wrong, NOW)).toBe(false)
})
