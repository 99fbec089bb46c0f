// `npm run chaos`: lets people buy while things go wrong, one after another and together, and checks the books after each.
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { violationsOf } from '../bench/books.ts'
import { progress, say, settingNow, writeResults } from '../bench/machine.ts'
import { Crowd } from './crowd.ts'
import { embeddedPlan } from './embedded-place.ts'
import { FAILOVERS } from './failover.ts'
import { faultsOf, type Fault, type Place, type Plan } from './fault.ts'
import { mutated } from './mutant.ts'
import { readOptions, type Options } from './options.ts'
import { pageOf } from './page.ts'
import { isRight, linesOf, markdownOf, verdictOf, type ChaosReport, type Outcome } from './report.ts'
import { sitePlan, type SiteRedis } from './stack-place.ts'
import { Timeline, Witness } from './witness.ts'

/** Trade before a fault, so that there is something under way. */
const BEFORE_MS = 2_000
/** The shop is back within this, or it is not back by itself. */
const BACK_MS = 120_000
/** Trade goes on after a fault until nothing was refused for so long, at most so long. */
const [QUIET_MS, QUIET_MAX_MS] = [2_000, 60_000]
/** What a fault left under way (payments that are asked for, sagas that alarms wake) ends within this. */
const BOOKS_MS = 180_000

/** What happens at once beside what happens alone, by place. */
const COMBINED: Readonly<Record<string, readonly string[]>> = {
  embedded: ['commerce-dies+postgres-killed', 'postgres-paused+provider-lost', 'power-cut+outbox-full'],
  stack: ['commerce-1-killed+nats-killed', 'postgres-killed+redis-killed', 'kafka-killed+background-1-killed', 'nodes-apart+provider-lost', 'commerce-1-paused+mongo-killed+edge-1-thread-dies'],
  cluster: ['redis-failover+commerce-1-killed']
}

/** When an engine ended, and what it may have forgotten. */
interface Death {
  at: number
  withinMs: number
}

/** A run: fault after fault, each in trade that goes on, with a rest after it in which the books are looked at. */
class Chaos {
  readonly #place: Place
  readonly #crowd: Crowd
  readonly #timeline: Timeline
  readonly #hold: number | null

  constructor(place: Place, crowd: Crowd, timeline: Timeline, hold: number | null) {
    this.#place = place
    this.#crowd = crowd
    this.#timeline = timeline
    this.#hold = hold
  }

  async meet(fault: Fault): Promise<Outcome> {
    const { trade } = this.#crowd
    await this.#place.ready()
    const [told, broken] = [trade.acknowledged.length, { ...trade.broken }]
    const witness = new Witness(this.#timeline)
    this.#crowd.tally = witness
    const wrong: string[] = []
    const note = (error: unknown): null => (wrong.push(error instanceof Error ? error.message : String(error)), null)
    this.#crowd.come()
    await sleep(BEFORE_MS)
    const from = this.#timeline.now()
    progress(`${fault.name}: ${fault.doc}`)
    const deaths: Death[] = []
    const ms = this.#hold !== null && fault.seconds > 0 ? this.#hold * 1_000 : fault.seconds * 1_000
    await fault.happen({ ms, trade, dies: (withinMs) => deaths.push({ at: performance.now(), withinMs }) }).catch(note)
    const to = this.#timeline.now()
    const backSeconds = await this.#back(to).catch(note)
    await fault.after?.().catch(note)
    await this.#quiet(witness)
    await this.#crowd.rest().catch(note)
    const quietSeconds = Math.max(0, (witness.lastRefusal ?? to) - to)
    progress(`${fault.name}: looks at carts and books`)
    const carts = await this.#crowd.carts(deaths[0]?.at ?? null)
    wrong.push(...(await violationsOf({ databases: this.#place.books() }, trade.acknowledged, BOOKS_MS).catch((error: unknown) => [`the books cannot be read: ${String(error)}`])))
    wrong.push(...wrongOf(fault, witness, carts, deaths[0]))
    for (const [why, count] of Object.entries(trade.broken)) if (count > (broken[why] ?? 0)) wrong.push(`a visit ended early, ${count - (broken[why] ?? 0)} times: ${why}`)
    return {
      fault: fault.name, doc: fault.doc, from, to, backSeconds, quietSeconds, requests: witness.requests, refusals: witness.refusals, latency: witness.overall(),
      orders: trade.acknowledged.length - told, carts, wrong
    }
  }

  /** Seconds until somebody who begins now has bought. */
  async #back(since: number): Promise<number> {
    const patience = new AbortController()
    const gaveUp = sleep(BACK_MS, null, { signal: patience.signal }).then(() => Promise.reject(new Error(`nobody could buy within ${BACK_MS / 1_000} s`)))
    gaveUp.catch(() => {})
    try {
      await Promise.race([this.#crowd.buy(), gaveUp])
      return this.#timeline.now() - since
    } finally {
      patience.abort()
    }
  }

  async #quiet(witness: Witness): Promise<void> {
    const from = this.#timeline.now()
    const isQuiet = (): boolean => this.#timeline.now() - Math.max(from, witness.lastRefusal ?? 0) > QUIET_MS / 1_000
    while (!isQuiet() && this.#timeline.now() - from < QUIET_MAX_MS / 1_000) await sleep(100)
  }
}

function wrongOf(fault: Fault, witness: Witness, { lost, doubled, lostWithinMs, torn }: Outcome['carts'], death: Death | undefined): string[] {
  const rude = fault.isSmooth ? witness.rude() : witness.rude().filter(([type]) => type.startsWith('500'))
  return [
    ...rude.map(([type, count]) => `clients were told "${type}", ${count} times`),
    ...(lost > 0 && !death ? [`${lost} acknowledged additions to carts are lost`] : []),
    ...(death && torn > 0 ? [`${torn} lost additions to carts were not the last before the engine's end`] : []),
    ...(death && lostWithinMs > death.withinMs ? [`additions to carts are lost that were acknowledged ${Math.ceil(lostWithinMs)} ms before the engine's end, and only the last ${death.withinMs} ms may be`] : []),
    ...(doubled > 0 ? [`${doubled} additions to carts were made twice`] : [])
  ]
}

/** Before anything goes wrong, nothing may be refused. */
const PEACE: Fault = { name: 'peace', doc: 'nothing goes wrong', seconds: 5, isSmooth: true, happen: ({ ms }) => sleep(ms) }

/** A place that is tried, and what goes wrong there, one after another. */
interface Ground {
  plan: Plan
  faults: readonly Fault[]
}

/** Where faults are tried: those of a Redis cluster on nodes that have one. */
function groundsOf({ embedded, profile, products, dir, faults, mutant }: Options): Ground[] {
  const ground = (plan: Plan, names: readonly string[]): Ground => ({ plan, faults: faultsOf([PEACE, ...plan.faults], names) })
  const everything = (plan: Plan): string[] => ['peace', ...plan.faults.map(({ name }) => name)]
  if (embedded) {
    const plan = embeddedPlan(profile, products, mutated(mutant))
    return [ground(plan, faults.length > 0 ? faults : [...everything(plan), ...COMBINED['embedded']!])]
  }
  const isOfCluster = (name: string): boolean => name.split('+').some((part) => FAILOVERS.some((f) => f.name === part))
  const planWith = (redis: SiteRedis): Plan => sitePlan({ dir, products, redis, say: progress })
  const [single, cluster] = [planWith('redis'), planWith('redis-cluster')]
  const usual = [...everything(single), ...COMBINED['stack']!, ...FAILOVERS.map(({ name }) => name), ...COMBINED['cluster']!]
  const named = faults.length > 0 ? faults : usual
  return [ground(single, named.filter((name) => !isOfCluster(name))), ground(cluster, named.filter(isOfCluster))].filter(({ faults: all }) => all.length > 0)
}

/** Answers the files' name without its ending. */
function write(out: string, report: ChaosReport): string {
  const name = writeResults(out, report, pageOf(report))
  writeFileSync(`${name}.md`, markdownOf(report))
  return name
}

const listOf = (faults: readonly Pick<Fault, 'name' | 'doc' | 'seconds'>[]): string => faults.map(({ name, doc, seconds }) => `${name.padEnd(28)}${doc}${seconds > 0 ? ` (${seconds} s)` : ''}`).join('\n')

/** Lets everything happen in one place; `onOutcome` has each as it comes. */
async function tryOut(faults: readonly Fault[], place: Place, timeline: Timeline, { rate, keepers, hold }: Options, onOutcome: (outcome: Outcome) => void): Promise<void> {
  progress(`people come to ${place.doc}`)
  const crowd = await Crowd.gather(place.url, { rate, keepers, tally: new Witness(timeline) })
  try {
    const run = new Chaos(place, crowd, timeline, hold)
    for (const fault of faults) onOutcome(await run.meet(fault))
  } finally {
    crowd.close()
  }
}

async function chaos(options: Options): Promise<boolean> {
  const timeline = new Timeline()
  const report: ChaosReport = {
    format: 1, ...settingNow(), place: '', rate: options.rate, keepers: options.keepers, mutant: options.mutant, seconds: 0, outcomes: [], answered: timeline.answered, refused: timeline.refused
  }
  let close = async (): Promise<void> => {}
  const stop = (): void => void close().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  let name = ''
  const grounds = groundsOf(options)
  if (options.list) return say(listOf(grounds.flatMap(({ faults }) => faults).filter(({ name }) => !name.includes('+')))), true
  for (const { plan, faults } of grounds) {
    const place = await plan.open()
    let closing: Promise<void> | null = null
    close = () => (closing ??= place.close())
    try {
      report.place = [report.place, place.doc].filter(Boolean).join('; then ')
      await tryOut(faults, place, timeline, options, (outcome) => {
        report.outcomes.push(outcome)
        report.seconds = timeline.now()
        progress('')
        say(linesOf(outcome))
        name = write(options.out, report) // each time: a run that is broken off leaves what it found
      })
    } finally {
      await close()
    }
  }
  say(`${verdictOf(report)}\nWritten: ${name}.md, ${name}.html, ${name}.json`)
  return isRight(report)
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if ('print' in options) return say(options.print)
  process.exitCode = (await chaos(options)) ? 0 : 1
}

await main().catch((error: unknown) => {
  console.error(`souk: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
