import { parseArgs } from 'node:util'

export interface Options {
  scenarios: readonly string[]
  seconds: number
  /** Operations a second with open arrival; null: a share of what the closed loop reached. */
  rate: number | null
  products: number
  url: string | null
  dataDir: string | null
  /** A fresh shop on the engines that the environment names. */
  stack: boolean
  out: string
}

const USAGE = `npm run bench -- [options]               measures a fresh shop, or a running one
npm run bench -- compare A.json B.json   shows what changed from one run to another
npm run bench -- growth                  what operations cost when there is 100 times as much; growth --help lists its options

  --scenarios <a,b>   which to run (all): %NAMES%
  --seconds <n>       seconds of each measurement (5); a scenario has four: closed loop and open arrival, shop and reference
  --rate <n>          operations a second with open arrival (60 % of what the closed loop reached)
  --products <n>      catalogue of the fresh shop (1000)
  --url <url>         a running shop instead of a fresh one
  --stack[=<dir>]     a fresh shop on the running stack (npm run stack), with scenarios of its engines beside the bare ones
  --data-dir <dir>    its data directory: without it nothing that looks inside is run, and nothing is audited
  --out <dir>         where the results go (.souk/bench)`

export const positive = (name: string, text: string): number => {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} wants a number above 0`)
  return value
}

/** Reads the command line; a text is what to print instead of running. Throws one clear line for what cannot be read. */
export function readOptions(args: readonly string[], names: readonly string[]): Options | { print: string } {
  const text = { type: 'string' } as const
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({ args: [...args], options: { scenarios: text, seconds: text, rate: text, products: text, url: text, stack: { type: 'boolean' }, 'data-dir': text, out: text, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    throw new Error(`${(error as Error).message.split(/\. |\n/)[0]}: npm run bench -- --help lists the options`, { cause: error })
  }
  if (values['help']) return { print: USAGE.replace('%NAMES%', names.join(', ')) }
  const given = values as Record<string, string | undefined>
  const scenarios = given['scenarios']?.split(',') ?? names
  const strange = scenarios.filter((name) => !names.includes(name))
  if (strange.length > 0) throw new Error(`there is no scenario "${strange.join('", "')}": choose of ${names.join(', ')}`)
  return {
    scenarios,
    seconds: positive('seconds', given['seconds'] ?? '5'),
    rate: given['rate'] === undefined ? null : positive('rate', given['rate']),
    products: Math.round(positive('products', given['products'] ?? '1000')),
    url: given['url'] ?? null,
    dataDir: given['data-dir'] ?? null,
    stack: values['stack'] === true,
    out: given['out'] ?? '.souk/bench'
  }
}
