// `npm run bench -- growth`: what each operation of the purchase path costs when the shop, a cart, a buyer's history or the sellers are many times as many.
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanUp } from '../../support/node-process.ts'
import { violationsOf } from '../books.ts'
import { progress, say, settingNow, writeResults } from '../machine.ts'
import { idleRate, measureBoth, warmUp } from './measure.ts'
import { OPERATIONS } from './operations.ts'
import { copyOrders, removeCopies } from './orders.ts'
import { fasterOf, growthPage, rowOf, tableOf, type Growth, type GrowthReport } from './report.ts'
import { Buyers, World, type Size } from './world.ts'

const DIMENSIONS = ['products', 'sellers', 'lines', 'orders'] as const satisfies (keyof Size)[]
type Dimension = keyof Size

interface Options {
  sizes: Record<Dimension, readonly [from: number, to: number]>
  dimensions: readonly Dimension[]
  rounds: number
  out: string
}

const DEFAULTS: Options['sizes'] = { products: [1_000, 100_000], sellers: [10, 1_000], lines: [1, 100], orders: [10, 10_000] }
/** Of a cart, when it is not the cart that grows. */
const USUAL_LINES = 3
/** After a purchase until what follows it is over, and a start until it has calmed down. */
const SETTLE_MS = 5_000
const WARM_ROUNDS = 2

const USAGE = `npm run bench -- growth [options]   what operations cost when there is more of something: no operation may grow faster than its answer

  --only <a,b>            what grows (all): ${DIMENSIONS.join(', ')}
  --products <from,to>    products of the shop (1000,100000)
  --sellers <from,to>     sellers they are divided among (10,1000)
  --lines <from,to>       lines of a cart (1,100)
  --orders <from,to>      orders of one buyer (10,10000)
  --rounds <n>            times everything is measured at both sizes in turn (5)
  --out <dir>             where the results go (.souk/bench)`

function pair(name: string, text: string): [number, number] {
  const [from, to] = text.split(',').map(Number)
  if (!(from! >= 1) || !(to! > from!) || !Number.isInteger(from) || !Number.isInteger(to)) throw new Error(`--${name} wants two whole numbers, the smaller first: --${name} ${DEFAULTS[name as Dimension].join(',')}`)
  return [from!, to!]
}

function readOptions(args: readonly string[]): Options | { print: string } {
  const text = { type: 'string' } as const
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({ args: [...args], options: { only: text, products: text, sellers: text, lines: text, orders: text, rounds: text, out: text, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    throw new Error(`${(error as Error).message.split(/\. |\n/)[0]}: npm run bench -- growth --help lists the options`, { cause: error })
  }
  if (values['help']) return { print: USAGE }
  const given = values as Record<string, string | undefined>
  const dimensions = given['only']?.split(',') ?? DIMENSIONS
  const strange = dimensions.filter((name) => !DIMENSIONS.includes(name as Dimension))
  if (strange.length > 0) throw new Error(`"${strange.join('", "')}" does not grow here: choose of ${DIMENSIONS.join(', ')}`)
  const rounds = Number(given['rounds'] ?? 5)
  if (!(rounds >= 1)) throw new Error('--rounds wants a number from 1')
  const sizes = Object.fromEntries(DIMENSIONS.map((name) => [name, given[name] === undefined ? DEFAULTS[name] : pair(name, given[name])])) as Options['sizes']
  return { sizes, dimensions: dimensions as Dimension[], rounds, out: given['out'] ?? '.souk/bench' }
}

const RELEVANT: Record<Dimension, (operation: string) => boolean> = {
  products: () => true,
  sellers: () => true,
  // A cart and a history of orders are nothing to those who only look around.
  lines: (operation) => /^(cart|quote|order|cancel|sales)/.test(operation),
  orders: (operation) => /^(cart|quote|order|cancel|sales)/.test(operation)
}

/** Everything that grows, one dimension after another, each against the same small shop. */
class GrowthRun {
  readonly #options: Options
  readonly #small: World
  readonly violations: string[] = []

  constructor(options: Options, small: World) {
    this.#options = options
    this.#small = small
  }

  async measure(dimension: Dimension): Promise<Growth> {
    const { sizes, rounds } = this.#options
    const [from, to] = sizes[dimension]
    const isOfTheShop = dimension === 'products' || dimension === 'sellers'
    const large = isOfTheShop ? await World.make({ products: sizes.products[0], sellers: sizes.sellers[0], [dimension]: to }, sizes.products[0], (what) => progress(`${dimension}: ${what}`)) : this.#small
    try {
      const sides = await this.#sides(dimension, large)
      progress(`${dimension}: warms up`)
      const operations = OPERATIONS.filter(({ name }) => RELEVANT[dimension](name))
      // Code that is not compiled yet would count as growth of the shop that started last.
      for (const operation of operations) for (let round = 0; round < WARM_ROUNDS; round++) for (const side of sides) await warmUp(operation, side, round)
      await sleep(SETTLE_MS)
      const idle = [await idleRate(this.#small), await idleRate(large)] as const
      const rows = []
      for (const operation of operations) {
        progress(`${dimension}: ${operation.name}`)
        const [small, many] = await measureBoth(operation, sides, rounds, idle)
        rows.push(rowOf(operation.name, small, many))
      }
      if (dimension === 'orders') await removeCopies(this.#small)
      progress(`${dimension}: audits`)
      for (const world of new Set([this.#small, large])) this.violations.push(...(await violationsOf(world.inside)))
      return { dimension: dimension === 'lines' ? 'lines of a cart' : dimension === 'orders' ? 'orders of a buyer' : dimension, from, to, rows }
    } finally {
      if (isOfTheShop) await large.close()
    }
  }

  async #sides(dimension: Dimension, large: World): Promise<[Buyers, Buyers]> {
    const { sizes } = this.#options
    const [few, many] = dimension === 'lines' ? sizes.lines : [USUAL_LINES, USUAL_LINES]
    if (dimension !== 'orders') return [await Buyers.make(this.#small, this.#small.goods.slice(0, few)), await Buyers.make(large, large.goods.slice(0, many))]
    const sides: Buyers[] = []
    for (const seller of [0, 1] as const) {
      // Each side buys of a seller of its own, whose list of sales grows with it.
      const buyers = await Buyers.make(this.#small, this.#small.goods.filter(({ sellerId }) => sellerId === `trader-${seller}`).slice(0, USUAL_LINES), seller)
      await this.#buyOnce(buyers)
      progress(`orders: copies ${sizes.orders[seller].toLocaleString('en')} a buyer`)
      await copyOrders(buyers, sizes.orders[seller])
      sides.push(buyers)
    }
    return sides as [Buyers, Buyers]
  }

  async #buyOnce(buyers: Buyers): Promise<void> {
    await buyers.fill()
    for (const [n, person] of buyers.people.entries()) buyers.placed[n] = ((await buyers.world.post('/orders', person, await buyers.orderOf(person))).json() as { id: string }).id
    await sleep(SETTLE_MS)
  }
}

/** Answers whether nothing grows faster than its answer and the books are right. */
export async function growth(args: readonly string[]): Promise<boolean> {
  const options = readOptions(args)
  if ('print' in options) {
    say(options.print)
    return true
  }
  const stop = (): void => void cleanUp().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const setting = settingNow()
  const { sizes, dimensions, rounds, out } = options
  const small = await World.make({ products: sizes.products[0], sellers: sizes.sellers[0] }, sizes.products[0], (what) => progress(`the small shop: ${what}`))
  const report: GrowthReport = { format: 1, ...setting, rounds, growths: [], violations: [] }
  try {
    const run = new GrowthRun(options, small)
    for (const dimension of dimensions) {
      const grown = await run.measure(dimension)
      report.growths.push(grown)
      progress('')
      say(`${tableOf(grown)}\n`)
    }
    report.violations.push(...run.violations)
  } finally {
    await small.close()
  }
  const faster = fasterOf(report)
  for (const text of [...faster, ...report.violations.map((violation) => `violation: ${violation}`)]) say(text)
  if (faster.length === 0) say('No operation grows faster than its answer.')
  const name = writeResults(out, report, growthPage(report), 'growth-')
  say(`Written: ${name}.json, ${name}.html`)
  return faster.length === 0 && report.violations.length === 0
}
