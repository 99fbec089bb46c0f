// `npm run bench`: measures a shop from outside, each scenario beside its reference in the same run, and audits it behind.
import { readFileSync } from 'node:fs'
import { violationsOf } from './books.ts'
import { compareReports } from './compare.ts'
import { growth } from './growth/growth.ts'
import { idleMemory } from './idle-memory.ts'
import { importResult } from './import.ts'
import { HttpClient } from './load/http-client.ts'
import { progress, say, settingNow, writeResults } from './machine.ts'
import { measure } from './measure.ts'
import { readOptions, type Options } from './options.ts'
import { pageOf } from './page.ts'
import { idleMemoryLine, importLine, tableOf, type Report, type Result } from './report.ts'
import type { Scenario } from './scenario.ts'
import { actorTurn, actorTurnNats, actorTurnRedis } from './scenarios/actor-turn.ts'
import { cartAdd } from './scenarios/cart-add.ts'
import { checkout } from './scenarios/checkout.ts'
import { events } from './scenarios/events.ts'
import { hotStock } from './scenarios/hot-stock.ts'
import { passwordProof } from './scenarios/password-proof.ts'
import { productDetail, productList } from './scenarios/product-pages.ts'
import { catalogueSize, search, searchBroad, searchLarge, searchUnlike } from './scenarios/search.ts'
import { enginesOf, joinShop, startShop, type Shop } from './shop.ts'

const SCENARIOS: readonly Scenario[] = [productDetail, productList, search, searchUnlike, searchLarge, searchBroad, actorTurn, actorTurnRedis, actorTurnNats, events, cartAdd, checkout, hotStock, passwordProof]
/** Not under load: how a fresh shop starts, and what one takes that nobody asks anything of. */
const IMPORT = 'import'
const IDLE_MEMORY = 'idle-memory'
/** To a shop, over which all requests of the load go. */
const CONNECTIONS = 256

const emptyReport = ({ seconds, rate, products, url }: Options): Report => ({
  format: 1,
  ...settingNow(),
  options: { seconds, rate, products: url === null ? products : null, url },
  import: null,
  results: [],
  skipped: {},
  failed: {},
  audited: false
})

/** A scenario's figures, with what it and the audit behind it found wrong. */
async function resultOf(scenario: Scenario, shop: Shop, options: Pick<Options, 'seconds' | 'rate'>): Promise<Result> {
  const http = new HttpClient(shop.url, CONNECTIONS)
  try {
    const { result, acknowledged } = await measure(scenario, { shop, http }, { ...options, onProgress: progress })
    if (!scenario.writes || !shop.inside) return result
    progress(`${scenario.name}: audits`)
    const violations = [...result.violations, ...(await violationsOf(shop.inside, acknowledged))]
    return { ...result, violations, void: violations.length > 0 }
  } finally {
    http.close()
  }
}

async function productsOf({ url }: Shop): Promise<number> {
  const http = new HttpClient(url, 1)
  try {
    return await catalogueSize(http)
  } finally {
    http.close()
  }
}

async function runScenarios(shop: Shop, { scenarios, seconds, rate }: Options, report: Report): Promise<void> {
  const { inside } = shop
  const products = await productsOf(shop)
  for (const scenario of SCENARIOS.filter(({ name }) => scenarios.includes(name))) {
    if (scenario.inside && !inside) {
      report.skipped[scenario.name] = 'needs --data-dir'
      continue
    }
    const missing = scenario.engines?.filter((name) => !process.env[name]) ?? []
    if (missing.length > 0) {
      report.skipped[scenario.name] = `needs ${missing.join(', ')} (npm run stack, then --stack)`
      continue
    }
    if (scenario.products && products < scenario.products) {
      report.skipped[scenario.name] = `needs ${scenario.products.toLocaleString('en')} products (--products ${scenario.products}), there are ${products.toLocaleString('en')}`
      continue
    }
    const result = await resultOf(scenario, shop, { seconds, rate }).catch((error: unknown) => {
      report.failed[scenario.name] = error instanceof Error ? error.message : String(error)
      return null
    })
    progress('')
    if (!result) {
      say(`${scenario.name}: failed, ${report.failed[scenario.name]}\n`)
      continue
    }
    report.audited ||= scenario.writes && inside !== null
    report.results.push(result)
    say(`${tableOf(result)}\n`)
  }
}

/** A last look for what only reads, so that no figure stands without one. */
async function auditRest(shop: Shop, report: Report): Promise<void> {
  if (!shop.inside || report.audited) return
  progress('audits')
  const violations = await violationsOf(shop.inside)
  report.audited = true
  for (const result of report.results) Object.assign(result, { violations, void: violations.length > 0 })
  for (const text of violations) say(`violation: ${text}`)
}

/** What is measured before anything is asked of the shop. */
async function lookAtStart(shop: Shop, { scenarios }: Options, report: Report): Promise<void> {
  if (scenarios.includes(IDLE_MEMORY)) {
    progress(`${IDLE_MEMORY}: waits`)
    report.idleMemory = shop.inside && (await idleMemory(shop.inside, shop.startup))
    if (!report.idleMemory) report.skipped[IDLE_MEMORY] = 'needs --data-dir, and a system that tells what processes take'
  }
  if (scenarios.includes(IMPORT)) {
    if (shop.startup && shop.inside) report.import = await importResult(shop.startup, shop.inside)
    else report.skipped[IMPORT] = 'needs a fresh shop'
  }
  progress('')
  if (report.idleMemory) say(`${idleMemoryLine(report.idleMemory)}\n`)
  if (report.import) say(`${importLine(report.import)}\n`)
}

async function bench(options: Options): Promise<boolean> {
  const report = emptyReport(options)
  progress(options.url === null ? `starts a fresh shop with ${options.products} products` : `measures ${options.url}`)
  const shop = options.url === null ? await startShop(options.products, options.stack ? enginesOf(process.env) : {}, options.scenarios.includes(IDLE_MEMORY) ? 2 : 1) : joinShop(options.url, options.dataDir)
  const stop = (): void => void shop.close().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    await lookAtStart(shop, options, report)
    await runScenarios(shop, options, report)
    await auditRest(shop, report)
  } finally {
    await shop.close()
  }
  for (const [name, why] of Object.entries(report.skipped)) say(`${name}: left out, ${why}`)
  const name = writeResults(options.out, report, pageOf(report))
  const voids = report.results.filter((result) => result.void).map(({ scenario }) => scenario)
  say(report.audited ? (voids.length > 0 ? `The audit found violations: void are ${voids.join(', ')}.` : 'The audit found no violation.') : 'Not audited: these figures prove nothing (--data-dir).')
  say(`Written: ${name}.json, ${name}.html`)
  return voids.length === 0 && Object.keys(report.failed).length === 0
}

async function main(): Promise<void> {
  const [command, ...files] = process.argv.slice(2)
  if (command === 'compare') {
    if (files.length !== 2) throw new Error('compare wants two files: npm run bench -- compare A.json B.json')
    const [a, b] = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report)
    return say(compareReports(a!, b!))
  }
  if (command === 'growth') {
    if (!(await growth(files))) process.exitCode = 1
    return
  }
  const options = readOptions(process.argv.slice(2), [IMPORT, IDLE_MEMORY, ...SCENARIOS.map(({ name }) => name)])
  if ('print' in options) return say(options.print)
  if (!(await bench(options))) process.exitCode = 1
}

await main().catch((error: unknown) => {
  console.error(`souk: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
