import { createHmac, timingSafeEqual } from 'node:crypto'

// Time-based one-time passwords, RFC 6238 over RFC 4226: SHA-1, 6 digits, 30 seconds, as every authenticator app has them.

const STEP_SECONDS = 30
const DIGITS = 6
/** Steps that a clock may be off, either way. */
const DRIFT = 1
/** 160 bits, as RFC 4226 recommends. */
export const TOTP_SECRET_BYTES = 20

/** RFC 4648 base32 without padding, the form in which people type secrets. */
export function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(value >>> (bits - 5)) & 31]
    value &= (1 << bits) - 1
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}

/** The code of a counter (RFC 4226, 5.3), of `digits` digits. */
export function hotp(secret: Uint8Array, counter: number, digits: number = DIGITS): string {
  const message = Buffer.alloc(8)
  message.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', secret).update(message).digest()
  const offset = mac[19]! & 15
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits
  return String(number).padStart(digits, '0')
}

export const stepAt = (milliseconds: number): number => Math.floor(milliseconds / 1_000 / STEP_SECONDS)

/** The time step whose code this is, within a step of now; null for any other text. Whoever takes it must never take that step again. */
export function stepOf(secret: Uint8Array, code: string, now: number = Date.now()): number | null {
  if (!/^\d{6}$/.test(code)) return null
  const given = Buffer.from(code)
  let found: number | null = null
  for (let step = stepAt(now) - DRIFT; step <= stepAt(now) + DRIFT; step++) {
    if (timingSafeEqual(given, Buffer.from(hotp(secret, step)))) found ??= step
  }
  return found
}

/** What an authenticator app reads from a QR code. */
export const totpUri = (secret: string, account: string): string =>
  `otpauth://totp/Souk:${encodeURIComponent(account)}?secret=${secret}&issuer=Souk&algorithm=SHA1&digits=${DIGITS}&period=${STEP_SECONDS}`
