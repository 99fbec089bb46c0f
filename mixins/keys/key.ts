/** Longest key: PostgreSQL indexes 2,704 bytes, and UTF-8 takes three for a UTF-16 unit at most. */
const KEY_MAX = 800

/** A key that one engine cannot hold is refused by both, before it harms those beside it. */
export function checkKey(key: string): string {
  if (key.length === 0 || key.length > KEY_MAX || key.includes('\0')) throw new RangeError(`a key has 1 to ${KEY_MAX} characters and no NUL`)
  return key
}
