import { parseArgs } from 'node:util'
import { positive } from '../bench/options.ts'

export interface Options {
  minutes: number
  /** Visits a second. */
  rate: number
  /** Seconds from one death of a thread to the next while under fire; 0: none dies. */
  deaths: number
  products: number
  url: string | null
  dataDir: string | null
  out: string
}

const USAGE = `npm run soak -- [options]   lets a fresh shop trade for minutes, with threads dying in the first third, and looks at what grows

  --minutes <n>       how long (18); what fills for five minutes after a thread's start cannot be judged in less than 12
  --rate <n>          visits a second (8); a visit is some ten requests
  --deaths <n>        seconds between deaths of threads in the first third (20); 0: none
  --products <n>      catalogue of the fresh shop (1000)
  --data-dir <dir>    a running demo shop instead of a fresh one, by its data directory; threads die where it was started with SOUK_TEST_DOORS=1
  --url <url>         its address, where that is not the one it gave itself
  --out <dir>         where the results go (.souk/soak)

exit 0: nothing grows, no acknowledged order is lost, every invariant holds, nobody was refused service in peace · 1: not so`

/** Reads the command line; a text is what to print instead of running. Throws one clear line for what cannot be read. */
export function readOptions(args: readonly string[]): Options | { print: string } {
  const text = { type: 'string' } as const
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({ args: [...args], options: { minutes: text, rate: text, deaths: text, products: text, url: text, 'data-dir': text, out: text, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    throw new Error(`${(error as Error).message.split(/\. |\n/)[0]}: npm run soak -- --help lists the options`, { cause: error })
  }
  if (values['help']) return { print: USAGE }
  const given = values as Record<string, string | undefined>
  if (given['url'] !== undefined && given['data-dir'] === undefined) throw new Error('--url wants --data-dir too: a soak looks inside')
  return {
    minutes: positive('minutes', given['minutes'] ?? '18'),
    rate: positive('rate', given['rate'] ?? '8'),
    deaths: given['deaths'] === '0' ? 0 : positive('deaths', given['deaths'] ?? '20'),
    products: Math.round(positive('products', given['products'] ?? '1000')),
    url: given['url'] ?? null,
    dataDir: given['data-dir'] ?? null,
    out: given['out'] ?? '.souk/soak'
  }
}
