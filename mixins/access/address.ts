/** True for an address of this machine: the demo profile limits no request from it, except what limits sign-in. */
export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
