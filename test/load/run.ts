// `npm run load`: puts a shop under the load of a mix of transactions, checks what it did, and audits its books.
import { progress, say, writeResults } from '../bench/machine.ts'
import { measure } from './measure.ts'
import type { Mix } from './mix.ts'
import { browse } from './mixes/browse.ts'
import { cart } from './mixes/cart.ts'
import { checkout } from './mixes/checkout.ts'
import { flashSale } from './mixes/flash-sale.ts'
import { onlineMarketplace } from './marketplace/online-marketplace.ts'
import { readOptions, type Options } from './options.ts'
import { pageOf } from './page.ts'
import { tablesOf } from './report.ts'
import { scaling } from './scaling.ts'
import { openTarget } from './target.ts'

const MIXES: readonly Mix[] = [browse, cart, checkout, flashSale, onlineMarketplace]
async function load(options: Options): Promise<boolean> {
  progress(options.urls.length + options.dataDirs.length > 0 ? 'joins the shop' : 'starts a fresh shop')
  const target = await openTarget(options)
  const stop = (): void => void target.close().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const report = await measure(target, options)
    say(tablesOf(report))
    const name = writeResults(options.out, report, pageOf(report), `${options.mix.name}-`)
    say(`Written: ${name}.json, ${name}.html`)
    return report.wrong.length === 0
  } finally {
    await target.close()
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  if (args.includes('scaling')) {
    if (!(await scaling(args.filter((text) => text !== 'scaling'), MIXES))) process.exitCode = 1
    return
  }
  const options = readOptions(args, MIXES)
  if ('print' in options) return say(options.print)
  if (!(await load(options))) process.exitCode = 1
}

await main().catch((error: unknown) => {
  console.error(`souk: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
