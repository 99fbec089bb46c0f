import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { isLoopback, limitKeyOf } from '../../../mixins/access/address.ts'
import { addressOf, isSecure, requestIdOf } from '../../../services/gateway/visitor.ts'

const request = (headers: Record<string, string>, remoteAddress = '10.0.0.9') => ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage

describe('a client\'s address', () => {
  test('is what the outermost of our own proxies saw', () => {
    const forwarded = { 'x-forwarded-for': '6.6.6.6, 1.2.3.4, 10.0.0.1' }
    expect(addressOf(request(forwarded), 0)).toBe('10.0.0.9')
    expect(addressOf(request(forwarded), 1)).toBe('10.0.0.1')
    expect(addressOf(request(forwarded), 2)).toBe('1.2.3.4')
    expect(addressOf(request({ 'x-forwarded-for': '1.2.3.4' }), 2)).toBe('1.2.3.4')
    expect(addressOf(request({}), 2)).toBe('10.0.0.9')
    expect(isSecure(request({ 'x-forwarded-proto': 'https' }), 1)).toBe(true)
    expect(isSecure(request({ 'x-forwarded-proto': 'https' }), 0)).toBe(false)
  })

  test('counts by what one party has', () => {
    expect(limitKeyOf('1.2.3.4')).toBe('1.2.3.4')
    expect(limitKeyOf('::ffff:1.2.3.4')).toBe('1.2.3.4')
    expect(limitKeyOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(limitKeyOf('2001:0db8:1:2::9')).toBe('2001:db8:1:2::/64')
    expect(limitKeyOf('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(limitKeyOf('nonsense')).toBe('nonsense')
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(isLoopback(address)).toBe(true)
    expect(isLoopback('128.0.0.1')).toBe(false)
  })
})

test('a request\'s id is the client\'s if it is well-formed, and unique otherwise', () => {
  expect(requestIdOf(request({ 'x-request-id': 'abc-12345' }))).toBe('abc-12345')
  const ids = ['x', 'a b c d e f g h', '"; drop'].map((id) => requestIdOf(request({ 'x-request-id': id })))
  expect(new Set(ids).size).toBe(3)
  for (const id of ids) expect(id).toMatch(/^[\w-]{16}\.\w+$/)
})
