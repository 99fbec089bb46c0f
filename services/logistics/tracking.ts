import { randomBytes } from 'node:crypto'

// Crockford's base 32: no I, L, O or U, so a number can be read out and typed.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const PREFIX = 'SK'
const LENGTH = 12
const BODY = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`)

/** Luhn's check character, modulo 32: finds every single wrong character and almost every swap of neighbours. */
function checkOf(body: string): string {
  let sum = 0
  for (let i = 0; i < body.length; i++) {
    const value = ALPHABET.indexOf(body[body.length - 1 - i]!) * (i % 2 === 0 ? 2 : 1)
    sum += Math.floor(value / 32) + (value % 32)
  }
  return ALPHABET[(32 - (sum % 32)) % 32]!
}

/** A new tracking number: SK, 12 random characters (60 bits: none is found by guessing), a check character. */
export function newTrackingNumber(): string {
  const body = [...randomBytes(LENGTH)].map((byte) => ALPHABET[byte % 32]).join('')
  return PREFIX + body + checkOf(body)
}

/** A tracking number as somebody typed it, in the form in which it is stored; null when it cannot be one. */
export function parseTrackingNumber(typed: string): string | null {
  const text = typed.toUpperCase().replaceAll(/[\s-]/g, '')
  if (!text.startsWith(PREFIX)) return null
  const rest = text.slice(PREFIX.length).replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  const [body, check] = [rest.slice(0, LENGTH), rest.slice(LENGTH)]
  return BODY.test(body) && check === checkOf(body) ? PREFIX + body + check : null
}
