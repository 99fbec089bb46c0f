/**
 * 14 to 19 digits that may be grouped by blanks or hyphens, beginning as the cards of the known networks do, and are no piece of a UUID
 * or a hash. Neither 13 digits, which article numbers (EAN) have and cards no longer, nor what a `+` makes a telephone number: every
 * tenth of them would pass the check digit by chance.
 */
const CANDIDATE = /(?<![\da-f+-])[2-6](?:[ -]?\d){13,18}(?![\da-f-])/gi

/** The check digit of ISO/IEC 7812-1. */
function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = Number(digits[i])
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return sum % 10 === 0
}

/** Whether any text or number anywhere in a JSON value looks like a payment card's number. */
export function holdsCardNumber(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'number') return (String(value).match(CANDIDATE) ?? []).some((text) => passesLuhn(text.replace(/\D/g, '')))
  return value !== null && typeof value === 'object' && Object.entries(value).some(([key, inner]) => holdsCardNumber(key) || holdsCardNumber(inner))
}
