import { cpuBetween, cpuOfNode, cpuOfProcess, cpuOfServers, type CpuTimes } from './load/cpu.ts'
import { closedLoop, openArrival, type Measured } from './load/drive.ts'
import { serversOf } from './load/servers.ts'
import { ratioOf, type Comparison, type Figure, type Result } from './report.ts'
import type { Prepared, Scenario, ScenarioContext, Side } from './scenario.ts'

export interface MeasureOptions {
  seconds: number
  /** Null: OPEN_SHARE of what the closed loop reached. */
  rate: number | null
  onProgress: (what: string) => void
}

const OPEN_SHARE = 0.6
/** Before the clock starts: code is compiled, connections are open, caches are as they usually are. */
const WARM_SECONDS_MAX = 1
const WARM_SUPPLY = 100
/** What is used up is made for so many times the rate of the warm-up, which code that is still cold keeps low. */
const SUPPLY_MARGIN = 2.5

type Run = (side: Side, supply?: number) => Promise<Measured>

/** Measures a scenario: closed loop, then open arrival, each time the reference and then the shop. */
class Measurement {
  readonly #scenario: Scenario
  readonly #prepared: Prepared
  readonly #context: ScenarioContext
  readonly #options: MeasureOptions
  readonly #servers = serversOf(process.env)

  constructor(scenario: Scenario, prepared: Prepared, context: ScenarioContext, options: MeasureOptions) {
    this.#scenario = scenario
    this.#prepared = prepared
    this.#context = context
    this.#options = options
  }

  async run(): Promise<Comparison[]> {
    const { seconds, rate } = this.#options
    const { inFlight, perSecond = 0, closedOnly = false } = this.#scenario
    const loop = (time: number): Run => (side, supply) => closedLoop({ ...side, seconds: time, supply, inFlight: side.inFlight ?? inFlight })
    this.#say('warms up')
    const warm = await this.#pair('closed', loop(Math.min(WARM_SECONDS_MAX, seconds / 2)), WARM_SUPPLY)
    this.#say('closed loop')
    const closed = await this.#pair('closed', loop(seconds), Math.ceil(Math.min(perSecond, Math.max(10, warm.shop.rate * SUPPLY_MARGIN)) * seconds))
    if (closedOnly) return [closed]
    const arrival = rate ?? Math.max(1, closed.shop.rate * OPEN_SHARE)
    this.#say(`open arrival, ${Math.round(arrival)} a second`)
    const come: Run = (side, supply) => openArrival({ ...side, seconds, supply, rate: arrival / (side.weight ?? 1) })
    const open = await this.#pair('open', come, Math.ceil(arrival * seconds * 1.1) + 20)
    for (const figure of [open.shop, open.reference]) figure.offered!.rate = arrival
    return [closed, open]
  }

  /** `supply`: how many operations of the shop something is made for, where something must be. */
  async #pair(load: Comparison['load'], run: Run, supply: number): Promise<Comparison> {
    const { shop, reference, provide, settle } = this.#prepared
    const bare = await this.#figure(reference, () => run(reference))
    const made = await provide?.(supply)
    const ours = await this.#figure(shop, () => run(shop, made))
    await settle?.()
    return { load, shop: ours, reference: bare, ratio: ratioOf(ours, bare) }
  }

  async #figure({ what, processes = {} }: Side, run: () => Promise<Measured>): Promise<Figure> {
    const { inside } = this.#context.shop
    const look = (): CpuTimes => ({ ...(inside ? cpuOfNode(inside.pid) : {}), ...cpuOfServers(this.#servers), ...Object.assign({}, ...Object.entries(processes).map(([name, pid]) => cpuOfProcess(name, pid))), ...cpuOfProcess('bench', process.pid) })
    const before = look()
    const measured = await run()
    const spent = cpuBetween(before, look())
    const cpu = Object.fromEntries(Object.entries(spent).map(([name, ms]) => [name, ms / Math.max(1, measured.operations)]))
    return { what, ...measured, cpu }
  }

  #say(what: string): void {
    this.#options.onProgress(`${this.#scenario.name}: ${what}`)
  }
}

/** A scenario's figures, with what itself found wrong; the audit comes after. */
export async function measure(scenario: Scenario, context: ScenarioContext, options: MeasureOptions): Promise<{ result: Result; acknowledged: Prepared['acknowledged'] }> {
  const { name, doc } = scenario
  options.onProgress(`${name}: prepares`)
  const prepared = await scenario.prepare(context)
  try {
    const comparisons = await new Measurement(scenario, prepared, context, options).run()
    const violations = (await prepared.violations?.()) ?? []
    return { result: { scenario: name, doc, comparisons, violations, void: violations.length > 0 }, acknowledged: prepared.acknowledged }
  } finally {
    await prepared.close?.()
  }
}
