import type { IncomingMessage } from 'node:http'
import { BoundedMap } from '../../mixins/primitives/bounded-map.ts'
import type { Again, Prepared } from '../../mixins/runtime/prepared.ts'

/** Requests remembered at most, and the longest URL of one. */
const KNOWN_MAX = 10_000
const URL_MAX = 512

/** Nothing in the request says who sends it. */
const isStranger = ({ headers }: IncomingMessage): boolean =>
  headers.authorization === undefined && headers.cookie === undefined && headers['souk-key'] === undefined && headers['souk-cart'] === undefined

/**
 * Requests whose answers their faces can give again (`Again` of mixins/runtime/prepared.ts), so that what many strangers read is
 * routed, checked and asked for once. Nothing of an answer is kept here: it is the face's, as fresh as the face keeps it.
 */
export class Repeats<T> {
  readonly #known = new BoundedMap<string, { target: T; again: Again }>(KNOWN_MAX)

  /** Remembers that a GET of `url`, served by `target`, was answered with 200, and how it is answered again. The oldest gives way. */
  remember(url: string, target: T, again: Again): void {
    if (url.length <= URL_MAX) this.#known.set(url, { target, again })
  }

  /** The answer to a stranger's request that is known; null where the action has to be asked. */
  find(req: IncomingMessage): { target: T; prepared: Prepared } | null {
    if (req.method !== 'GET' || !isStranger(req)) return null
    const known = this.#known.get(req.url!)
    const prepared = known?.again() ?? null
    return prepared && { target: known!.target, prepared }
  }
}
