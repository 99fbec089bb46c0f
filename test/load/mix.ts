import type { Inside } from '../bench/shop.ts'
import type { Api } from './api.ts'
import type { Reservoir } from './reservoir.ts'

/** One kind of what people do. */
export interface Transaction {
  name: string
  doc: string
  /** How often it is chosen, beside the shares of the others. */
  share: number
  /** Rejects when it went wrong. Answers what it came to, where several ends are right ones. */
  run(): Promise<string | void>
}

/** Something that must hold, looked at while and after the load runs. */
export interface Check {
  name: string
  /** How it is checked, in a sentence. */
  how: string
  /** What was seen, in a few words. */
  evidence: string
  /** How many cases were looked at; 0: it proves nothing. */
  looked: number
  wrong: number
  /** The first of what is wrong. */
  examples: string[]
}

/** A mix that is ready to be run. */
export interface PreparedMix {
  transactions: readonly Transaction[]
  /** Called while the load runs, every few minutes: what would become too old is made anew. */
  renew?(): Promise<void>
  /** After the last answer. */
  checks(): Promise<Check[]>
  /** Orders that clients were told of. */
  acknowledged: Reservoir<{ orderId: string; status: number }>
}

export interface MixContext {
  api: Api
  /** Null for a shop of which only the address is known. */
  inside: Inside | null
  seconds: number
  rate: number
  options: MixOptions
  onProgress: (what: string) => void
}

/** Sizes that the command line may set; null: the mix decides. */
export interface MixOptions {
  customers: number | null
  sellers: number | null
  productsPerSeller: number | null
  units: number | null
}

export interface Mix {
  name: string
  doc: string
  /** Transactions a second unless told. */
  rate: number
  /** It needs the node's data directory, not only its address. */
  inside: boolean
  /** The same again would not be the same: no warm-up. */
  once?: true
  prepare(context: MixContext): Promise<PreparedMix>
}

/** Chooses by share; `at` is in [0, 1). */
export function draw<T extends { share: number }>(choices: readonly T[], at: number): T {
  let left = at * choices.reduce((sum, { share }) => sum + share, 0)
  return choices.find(({ share }) => (left -= share) < 0) ?? choices.at(-1)!
}

const EXAMPLES_MAX = 10

/** Collects what a check sees. */
export class Watch {
  readonly #name: string
  readonly #how: string
  readonly #examples: string[] = []
  #looked = 0
  #wrong = 0

  constructor(name: string, how: string) {
    this.#name = name
    this.#how = how
  }

  /** One case; a text says what is wrong with it. */
  saw(complaint: string | null): void {
    this.#looked++
    if (complaint === null) return
    this.#wrong++
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(complaint)
  }

  result(evidence: string): Check {
    return { name: this.#name, how: this.#how, evidence, looked: this.#looked, wrong: this.#wrong, examples: this.#examples }
  }
}
