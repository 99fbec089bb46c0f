import { describe, expect, test } from '@jest/globals'
import { Router } from '../../../services/gateway/router.ts'

const router = new Router<string>()
for (const path of ['/orders', '/orders/{id}', '/orders/{id}/cancel', '/sellers/me/orders', '/sellers/{id}', '/sellers/{id}/reviews', '/a/{x}/b/{y}']) router.add('GET', path, path)
router.add('POST', '/orders/{orderId}/cancel', 'cancel')

describe('the router', () => {
  test('finds by segments', () => {
    expect(router.find('GET', '/orders')).toEqual({ target: '/orders', params: {} })
    expect(router.find('GET', '/orders/1')).toEqual({ target: '/orders/{id}', params: { id: '1' } })
    expect(router.find('GET', '/a/1/b/2')).toEqual({ target: '/a/{x}/b/{y}', params: { x: '1', y: '2' } })
    for (const path of ['/', '', '/order', '/orders/1/2', '/a/1/b', '/orders//cancel']) expect(router.find('GET', path)).toBeNull()
  })

  test('a fixed segment wins, and gives way where it leads nowhere', () => {
    expect(router.find('GET', '/sellers/me/orders')?.target).toBe('/sellers/me/orders')
    expect(router.find('GET', '/sellers/me')).toEqual({ target: '/sellers/{id}', params: { id: 'me' } })
    expect(router.find('GET', '/sellers/me/reviews')).toEqual({ target: '/sellers/{id}/reviews', params: { id: 'me' } })
  })

  test('parameters are named by the method\'s own path', () => {
    expect(router.find('POST', '/orders/7/cancel')?.params).toEqual({ orderId: '7' })
    expect(router.find('HEAD', '/orders/7/cancel')?.params).toEqual({ id: '7' })
  })

  test('another method is told what there is', () => {
    expect(() => router.find('DELETE', '/orders/7/cancel')).toThrow(expect.objectContaining({ type: 'method-not-allowed', data: { allow: ['GET', 'POST', 'HEAD'] } }))
    expect(router.methods('/orders')).toEqual(['GET', 'HEAD'])
    expect(router.methods('/nothing')).toEqual([])
  })

  test('escapes are decoded once', () => {
    expect(router.find('GET', '/orders/a%2Fb%2525')?.params).toEqual({ id: 'a/b%25' })
  })
})
