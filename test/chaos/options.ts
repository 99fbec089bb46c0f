import { parseArgs } from 'node:util'
import { positive } from '../bench/options.ts'

export interface Options {
  /** One process with everything in it, instead of the stack. */
  embedded: boolean
  /** Of that process. */
  profile: string
  dir: string
  /** In this order; none: every one that the place offers, and some together. */
  faults: readonly string[]
  /** How long a fault holds, in seconds; null: as long as is its own. */
  hold: number | null
  rate: number
  keepers: number
  products: number
  list: boolean
  mutant: string | null
  out: string
}

const USAGE = `npm run chaos -- [options]   lets people buy while things go wrong, one after another and together, and checks the books after each

  --embedded           a fresh shop in one process, without the stack: what can go wrong there
  --profile <name>     of that process: all, or wide, where actors have several threads (all)
  --dir <directory>    the stack to use (.souk/chaos-stack); what does not run of it is installed and started first, and goes on running
  --list               the faults, and ends
  --faults <a,b+c>     these alone, in this order, with + between those that happen at once
  --hold <seconds>     how long each holds (by fault)
  --rate <n>           visits a second (5); a visit is some ten requests
  --keepers <n>        people who fill a cart all the time and count along (6)
  --products <n>       catalogue of the shop (200)
  --mutant <name>      breaks the embedded shop first, to see that it is found: no-idempotency, no-compare-and-set
  --out <dir>          where the results go (.souk/chaos)

Each request of a keeper, and each order that tries whether the shop is back, is sent by two clients at once with one key.
What ended is started anew by the stack's watcher or the nodes' process manager, as in production; nobody repairs anything.

exit 0: after each fault the shop came back by itself, every invariant holds, nothing acknowledged is lost · 1: not so`

/** Reads the command line; a text is what to print instead of running. Throws one clear line for what cannot be read. */
export function readOptions(args: readonly string[]): Options | { print: string } {
  const text = { type: 'string' } as const
  let values: Record<string, string | boolean | undefined>
  try {
    const options = { embedded: { type: 'boolean' }, profile: text, dir: text, list: { type: 'boolean' }, faults: text, hold: text, rate: text, keepers: text, products: text, mutant: text, out: text, help: { type: 'boolean', short: 'h' } } as const
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new Error(`${(error as Error).message.split(/\. |\n/)[0]}: npm run chaos -- --help lists the options`, { cause: error })
  }
  if (values['help']) return { print: USAGE }
  const given = values as Record<string, string | undefined>
  if (given['mutant'] !== undefined && !values['embedded']) throw new Error('--mutant wants --embedded')
  return {
    embedded: Boolean(values['embedded']),
    profile: given['profile'] ?? 'all',
    dir: given['dir'] ?? '.souk/chaos-stack',
    faults: given['faults']?.split(',').map((name) => name.trim()).filter(Boolean) ?? [],
    hold: given['hold'] === undefined ? null : positive('hold', given['hold']),
    rate: positive('rate', given['rate'] ?? '5'),
    keepers: Math.round(positive('keepers', given['keepers'] ?? '6')),
    products: Math.round(positive('products', given['products'] ?? '200')),
    list: Boolean(values['list']),
    mutant: given['mutant'] ?? null,
    out: given['out'] ?? '.souk/chaos'
  }
}
