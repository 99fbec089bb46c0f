import type { Whereabouts } from '../audit/books.ts'
import type { Trade } from '../soak/trade.ts'

/** What a fault may touch beside the place itself. */
export interface Scene {
  /** How long it is to hold, where it is something that holds. */
  ms: number
  trade: Trade
  /** Called as an engine ends that by its own promise may have forgotten cart writes that it acknowledged within so many last milliseconds. */
  dies(withinMs: number): void
}

/** Something that goes wrong. */
export interface Fault {
  name: string
  doc: string
  /** How long it holds unless told, in seconds; what happens in a moment holds for none. */
  seconds: number
  /** Clients are to see nothing of it but answers, 429 and 503. */
  isSmooth?: true
  /** Makes it happen, lets it hold, and takes the cause away; what it caused may go on. */
  happen(scene: Scene): Promise<void>
  /** Takes away what the shop had to be back without. */
  after?(): Promise<void>
}

/** A shop that things go wrong with. Nobody but its own machinery repairs it. */
export interface Place {
  readonly doc: string
  /** Where clients go. */
  readonly url: string
  books(): Whereabouts
  /** Resolves when everything serves; rejects with what does not. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** A place that is not there yet, and what can go wrong in it once it is. */
export interface Plan {
  readonly faults: readonly Fault[]
  open(): Promise<Place>
}

/** What the provider does to those who pay while it holds. */
const provider = (name: string, doc: string, token: string): Fault => ({
  name,
  doc,
  seconds: 10,
  async happen({ trade, ms }) {
    const usual = trade.cards
    trade.cards = [[token, 100]]
    await new Promise((resolve) => setTimeout(resolve, ms))
    trade.cards = usual
  }
})

export const PROVIDER_FAULTS: readonly Fault[] = [
  provider('provider-slow', 'the payment provider answers after three seconds', 'tok_demo_slow'),
  provider('provider-lost', 'the payment provider does the work, and its answer is lost', 'tok_demo_lost')
]

/** Several at once, each as long as it holds. */
export const together = (faults: readonly Fault[]): Fault => ({
  name: faults.map(({ name }) => name).join('+'),
  doc: faults.map(({ doc }) => doc).join('; and '),
  seconds: Math.max(...faults.map(({ seconds }) => seconds)),
  happen: async (scene) => void (await Promise.all(faults.map((fault) => fault.happen(scene)))),
  after: async () => void (await Promise.all(faults.map((fault) => fault.after?.())))
})

/** Those that are named, `a+b` together. Throws one clear line for what this place does not offer. */
export function faultsOf(offered: readonly Fault[], names: readonly string[]): Fault[] {
  const one = (name: string): Fault => {
    const fault = offered.find((f) => f.name === name)
    if (!fault) throw new Error(`there is no fault "${name}" here: --list lists them`)
    return fault
  }
  return names.map((name) => (name.includes('+') ? together(name.split('+').map(one)) : one(name)))
}
