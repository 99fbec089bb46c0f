import { describe, expect, test } from '@jest/globals'
import { base32, hotp, stepAt, stepOf, totpUri } from '../../../services/auth/totp.ts'

const secret = Buffer.from('12345678901234567890')

describe('one-time passwords', () => {
  test('RFC 4226, appendix D', () => {
    const codes = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489']
    codes.forEach((code, counter) => expect(hotp(secret, counter)).toBe(code))
  })

  test('RFC 6238, appendix B, SHA-1', () => {
    for (const [seconds, code] of [[59, '94287082'], [1_111_111_109, '07081804'], [1_111_111_111, '14050471'], [1_234_567_890, '89005924'], [2_000_000_000, '69279037'], [20_000_000_000, '65353130']] as const) {
      expect(hotp(secret, stepAt(seconds * 1_000), 8)).toBe(code)
    }
  })

  test('a clock may be one step off', () => {
    const now = 1_234_567_890_000
    for (const drift of [-1, 0, 1]) expect(stepOf(secret, hotp(secret, stepAt(now) + drift), now)).toBe(stepAt(now) + drift)
    for (const drift of [-2, 2]) expect(stepOf(secret, hotp(secret, stepAt(now) + drift), now)).toBeNull()
    for (const text of ['', '12345', '1234567', 'abcdef', '１２３４５６']) expect(stepOf(secret, text, now)).toBeNull()
  })

  test('base32, RFC 4648, section 10', () => {
    for (const [text, coded] of [['', ''], ['f', 'MY'], ['fo', 'MZXQ'], ['foo', 'MZXW6'], ['foob', 'MZXW6YQ'], ['fooba', 'MZXW6YTB'], ['foobar', 'MZXW6YTBOI']] as const) expect(base32(Buffer.from(text))).toBe(coded)
    expect(totpUri('ABC', 'ada@souk.example')).toBe('otpauth://totp/Souk:ada%40souk.example?secret=ABC&issuer=Souk&algorithm=SHA1&digits=6&period=30')
  })
})
