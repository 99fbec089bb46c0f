// `npm run chaos`: lets people buy while things go wrong, one after another and together, and checks the books after each.
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { violationsOf } from '../bench/books.ts'
import { progress, say, settingNow, writeResults } from '../bench/machine.ts'
import { Crowd } from './crowd.ts'
import { openEmbedded } from './embedded-place.ts'
import { faultsOf, type Fault, type Place } from './fault.ts'
import { mutated } from './mutant.ts'
import { readOptions, type Options } from './options.ts'
import { pageOf } from './page.ts'
import { isRight, linesOf, markdownOf, verdictOf, type ChaosReport, type Outcome } from './report.ts'
import { openSite } from './stack-place.ts'
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
const COMBINED = {
  embedded: ['commerce-dies+postgres-killed', 'postgres-paused+provider-lost', 'power-cut+outbox-full'],
  stack: ['commerce-1-killed+nats-killed', 'postgres-killed+redis-killed', 'kafka-killed+background-1-killed', 'nodes-apart+provider-lost', 'commerce-1-paused+mongo-killed+edge-1-thread-dies']
} as const

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
    await fault.happen({ ms: this.#hold !== null && fault.seconds > 0 ? this.#hold * 1_000 : fault.seconds * 1_000, trade }).catch(note)
    const to = this.#timeline.now()
    const backSeconds = await this.#back(to).catch(note)
    await this.#quiet(witness)
    await this.#crowd.rest().catch(note)
    const quietSeconds = Math.max(0, (witness.lastRefusal ?? to) - to)
    progress(`${fault.name}: looks at carts and books`)
    const carts = await this.#crowd.carts()
    wrong.push(...(await violationsOf({ databases: this.#place.books() }, trade.acknowledged, BOOKS_MS).catch((error: unknown) => [`the books cannot be read: ${String(error)}`])))
    wrong.push(...wrongOf(fault, witness, carts))
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

function wrongOf(fault: Fault, witness: Witness, { lost, doubled }: Outcome['carts']): string[] {
  const rude = fault.isSmooth ? witness.rude() : witness.rude().filter(([type]) => type.startsWith('500'))
  return [
    ...rude.map(([type, count]) => `clients were told "${type}", ${count} times`),
    ...(lost > 0 && !fault.mayLoseCarts ? [`${lost} acknowledged additions to carts are lost`] : []),
    ...(doubled > 0 ? [`${doubled} additions to carts were made twice`] : [])
  ]
}

/** Before anything goes wrong, nothing may be refused. */
const PEACE: Fault = { name: 'peace', doc: 'nothing goes wrong', seconds: 5, isSmooth: true, happen: ({ ms }) => sleep(ms) }

const chosen = ({ faults, embedded }: Options, offered: readonly Fault[]): Fault[] =>
  faultsOf([PEACE, ...offered], faults.length > 0 ? faults : ['peace', ...offered.map(({ name }) => name), ...COMBINED[embedded ? 'embedded' : 'stack']])

/** Answers the files' name without its ending. */
function write(out: string, report: ChaosReport): string {
  const name = writeResults(out, report, pageOf(report))
  writeFileSync(`${name}.md`, markdownOf(report))
  return name
}

async function chaos(options: Options): Promise<boolean> {
  const setting = settingNow()
  const env = mutated(options.mutant)
  const place = options.embedded ? await openEmbedded(options.profile, options.products, env) : await openSite(options.dir, options.products, progress)
  const timeline = new Timeline()
  let stopping: Promise<void> | null = null
  const close = (): Promise<void> => (stopping ??= place.close())
  const stop = (): void => void close().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  let crowd: Crowd | null = null
  try {
    if (options.list) return say(place.faults.map(({ name, doc, seconds }) => `${name.padEnd(28)}${doc}${seconds > 0 ? ` (${seconds} s)` : ''}`).join('\n')), true
    const faults = chosen(options, place.faults)
    progress(`people come to ${place.doc}`)
    crowd = await Crowd.gather(place.url, { rate: options.rate, keepers: options.keepers, tally: new Witness(timeline) })
    const run = new Chaos(place, crowd, timeline, options.hold)
    const report: ChaosReport = { format: 1, ...setting, place: place.doc, rate: options.rate, keepers: options.keepers, mutant: options.mutant, seconds: 0, outcomes: [], answered: timeline.answered, refused: timeline.refused }
    let name = ''
    for (const fault of faults) {
      const outcome = await run.meet(fault)
      report.outcomes.push(outcome)
      report.seconds = timeline.now()
      progress('')
      say(linesOf(outcome))
      name = write(options.out, report) // each time: a run that is broken off leaves what it found
    }
    say(`${verdictOf(report)}\nWritten: ${name}.md, ${name}.html, ${name}.json`)
    return isRight(report)
  } finally {
    crowd?.close()
    await close()
  }
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
