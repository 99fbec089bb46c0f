import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { positive } from '../bench/options.ts'
import type { Mix, MixOptions } from './mix.ts'

export interface Options extends MixOptions {
  mix: Mix
  seconds: number
  warmUp: number
  rate: number
  /** Of a fresh shop. */
  products: number
  /** Gateways, in turn; none: those of the data directories, or a fresh shop's. */
  urls: readonly string[]
  /** Of nodes that run; the first is looked into, all are asked for their CPU. */
  dataDirs: readonly string[]
  /** The engines are those that the environment names: of a fresh node, unless nodes are named. */
  stack: boolean
  out: string
}

const text = { type: 'string' } as const
const FLAGS = {
  rate: text, seconds: text, 'warm-up': text, products: text, customers: text, sellers: text, 'products-per-seller': text, units: text, url: text, 'data-dir': text, stack: { type: 'boolean' }, out: text, help: { type: 'boolean', short: 'h' }
} as const satisfies ParseArgsOptionsConfig

const usage = (mixes: readonly Mix[]): string => `npm run load -- <mix> [options]   lets transactions come at random moments, so many a second, whatever the shop does; times them from the intended start; checks and audits behind
npm run load -- scaling           what a transaction costs on 1, 2 and 4 threads, or on 1, 2 and 3 nodes; scaling --help lists its options

${mixes.map(({ name, doc, rate }) => `  ${name.padEnd(20)}${doc} (${rate}/s)`).join('\n')}

  --rate <n>                  transactions a second (by mix, above)
  --seconds <n>               how long (30)
  --warm-up <n>               seconds before, which are not counted (5; flash-sale none)
  --products <n>              catalogue of the fresh shop (1000)
  --customers <n>             people who shop (as many as the rate needs: an authenticator's code is taken once in 30 seconds)
  --sellers <n>               online-marketplace: sellers (100)
  --products-per-seller <n>   online-marketplace (10)
  --units <n>                 flash-sale: of the hot offer (half of those who come); online-marketplace: of each product (10000)

  without more                a fresh shop on this machine, with everything in it
  --stack[=<dir>]             a fresh node on the running stack (npm run stack); with --data-dir: the engines of those nodes are the stack's
  --data-dir <dir>[,<dir>]    nodes that run, by their data directories: the first is looked into and audited, all are asked for their CPU
  --url <url>[,<url>]         gateways, in turn: of those nodes, of nginx before them, or of any demo shop, which then is neither looked into nor audited
  --out <dir>                 where the results go (.souk/load)

exit 0: the figures stand · 1: void, for a check or an invariant is broken, or nothing went right`

export const given = (value: string | boolean | undefined): string | null => (typeof value === 'string' ? value : null)

const listOf = (value: string | boolean | undefined): string[] => given(value)?.split(',').map((one) => one.trim()).filter(Boolean) ?? []

/** Words and options of a command line. Throws one clear line for what cannot be read. */
export function parse(args: readonly string[], options: ParseArgsOptionsConfig = FLAGS): { words: string[]; values: Record<string, string | boolean | undefined> } {
  try {
    const { positionals, values } = parseArgs({ args: [...args], allowPositionals: true, options })
    return { words: positionals, values: values as Record<string, string | boolean | undefined> }
  } catch (error) {
    throw new Error(`${(error as Error).message.split(/\. |\n/)[0]}: npm run load -- --help lists the options`, { cause: error })
  }
}

/** Reads the command line; a text is what to print instead of running. Throws one clear line for what cannot be read. */
export function readOptions(args: readonly string[], mixes: readonly Mix[]): Options | { print: string } {
  const { words, values } = parse(args)
  if (values['help']) return { print: usage(mixes) }
  const [name, ...more] = words
  const mix = mixes.find((one) => one.name === name)
  if (!mix || more.length > 0) throw new Error(`which mix? choose one of ${mixes.map((one) => one.name).join(', ')}: npm run load -- --help says what they are`)
  const number = (option: string): number | null => (given(values[option]) === null ? null : positive(option, given(values[option])!))
  const whole = (option: string): number | null => (number(option) === null ? null : Math.ceil(number(option)!))
  const [urls, dataDirs, stack] = [listOf(values['url']), listOf(values['data-dir']), values['stack'] === true]
  if (mix.inside && urls.length > 0 && dataDirs.length === 0) throw new Error(`${mix.name} prepares its sellers and products inside the shop: name a node by --data-dir`)
  const warmUp = given(values['warm-up']) === '0' || mix.once ? 0 : (number('warm-up') ?? 5)
  return {
    mix, rate: number('rate') ?? mix.rate, seconds: number('seconds') ?? 30, warmUp, products: whole('products') ?? 1_000, urls, dataDirs, stack, out: given(values['out']) ?? '.souk/load',
    customers: whole('customers'), sellers: whole('sellers'), productsPerSeller: whole('products-per-seller'), units: whole('units')
  }
}
