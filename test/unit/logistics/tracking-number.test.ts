import { describe, expect, test } from '@jest/globals'
import { newTrackingNumber, parseTrackingNumber } from '../../../services/logistics/tracking.ts'

describe('a tracking number', () => {
  test('is read however it was typed', () => {
    for (let i = 0; i < 200; i++) {
      const number = newTrackingNumber()
      expect(number).toMatch(/^SK[0-9A-HJKMNP-TV-Z]{13}$/)
      expect(parseTrackingNumber(number)).toBe(number)
      expect(parseTrackingNumber(number.toLowerCase().replace(/^(.{5})(.{5})/, '$1-$2 '))).toBe(number)
      expect(parseTrackingNumber(number.replaceAll('0', 'o').replaceAll('1', 'l'))).toBe(number)
    }
  })

  test('finds every single wrong character', () => {
    const number = newTrackingNumber()
    for (let i = 2; i < number.length; i++) {
      for (const c of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') {
        if (c !== number[i]) expect(parseTrackingNumber(number.slice(0, i) + c + number.slice(i + 1))).toBe(null)
      }
    }
  })

  test('is nothing else', () => {
    for (const text of ['', 'SK', 'none-such', '1Z999AA10123456784', `${newTrackingNumber()}0`, 'SKUUUUUUUUUUUUU']) expect(parseTrackingNumber(text)).toBe(null)
  })
})
