import { isIPv6 } from 'node:net'

/**
 * What a limit counts an address by. Whoever has one IPv6 address has 2^64 of them, so those count by their network (/64); an IPv4
 * address in IPv6 clothes counts as itself.
 */
export function limitKeyOf(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (v4) return v4
  if (!isIPv6(address)) return address
  const [left = '', right] = address.split('::') as [string, string | undefined]
  const head = left === '' ? [] : left.split(':')
  const tail = right ? right.split(':') : []
  const groups = right === undefined ? head : [...head, ...new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail]
  return `${groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** True for an address of this machine: the demo profile limits no request from it, except what limits sign-in. */
export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
