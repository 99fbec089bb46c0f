import type { SETTINGS } from '../../mixins/settings/settings.ts'
import type { HttpClient } from './load/http-client.ts'
import type { Operation } from './load/drive.ts'
import type { Shop } from './shop.ts'

/** One side of a comparison. */
export interface Side {
  /** What an operation does, in a few words. */
  what: string
  operation: Operation
  /** In a closed loop; that of the scenario unless told. */
  inFlight?: number
  /** What one call counts as; 1 unless told. */
  weight?: number
  /** Processes that have a part in it and are not measured anyway, by name. */
  processes?: Readonly<Record<string, number>>
}

/** A scenario that is ready to be measured. */
export interface Prepared {
  shop: Side
  reference: Side
  /** Makes what so many operations of the shop use up, and answers for how many it made it. The next operation is number 0 again. */
  provide?(count: number): Promise<number>
  /** Undoes what must not stay, after each measurement, the clock being off. */
  settle?(): Promise<void>
  /** What is wrong with what was done, beside what the audit sees. */
  violations?(): Promise<string[]>
  /** Orders that clients were told of: the audit looks for each. */
  acknowledged?: readonly { orderId: string; status: number }[]
  close?(): Promise<void>
}

export interface ScenarioContext {
  shop: Shop
  http: HttpClient
}

export interface Scenario {
  name: string
  doc: string
  /** Operations at once in the closed loop. */
  inFlight: number
  /** Of a scenario that provides: operations a second at most in the closed loop, for what is used up is made before. */
  perSecond?: number
  /** Nobody asks and waits: open arrival would tell nothing. */
  closedOnly?: true
  /** The books are audited behind it. */
  writes: boolean
  /** It needs the node's data directory, not only its address. */
  inside: boolean
  /** Variables that name the engines it needs. */
  engines?: readonly (keyof typeof SETTINGS)[]
  /** It says something only of a catalogue of so many products. */
  products?: number
  prepare(context: ScenarioContext): Promise<Prepared>
}
