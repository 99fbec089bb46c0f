import { randomUUID } from 'node:crypto'
import { Recorder, type Measured } from '../bench/load/drive.ts'
import { expectStatus, HttpClient, type HttpAnswer, type HttpRequest } from '../bench/load/http-client.ts'

export interface Ask {
  /** What it counts as. */
  kind: string
  method: string
  /** Below /api/v1. */
  path: string
  /** Header of who asks. */
  authorization?: string
  body?: object
}

/** Times of steps by name, since it was made. */
export class Steps {
  readonly #recorders = new Map<string, Recorder>()
  readonly #from = performance.now()

  time<T>(kind: string, run: () => Promise<T>): Promise<T> {
    let recorder = this.#recorders.get(kind)
    if (!recorder) this.#recorders.set(kind, (recorder = new Recorder()))
    return recorder.watch(performance.now(), 1, run)
  }

  results(): { name: string; measured: Measured }[] {
    const seconds = (performance.now() - this.#from) / 1_000
    return [...this.#recorders].map(([name, recorder]) => ({ name, measured: recorder.result(seconds) }))
  }
}

/**
 * The shop's REST API over one or several gateways in turn. Every request is timed as a step from the moment it is asked; nothing is
 * repeated, so that an error counts as what it was.
 */
export class Api {
  readonly #clients: readonly HttpClient[]
  #next = 0
  /** Where steps are timed; another one from when the load begins. */
  steps = new Steps()

  constructor(urls: readonly string[], connections: number) {
    this.#clients = urls.map((url) => new HttpClient(url, Math.ceil(connections / urls.length)))
  }

  /** Rejects, with the type of what went wrong, unless the answer has one of these statuses. */
  ask({ kind, method, path, authorization, body }: Ask, ...wanted: readonly number[]): Promise<HttpAnswer> {
    const client = this.#clients[this.#next++ % this.#clients.length]!
    const headers = { ...(authorization ? { authorization } : {}), ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}) }
    const bytes = client.bytesOf({ method, path: `/api/v1${path}`, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    return this.steps.time(kind, async () => expectStatus(await client.send(bytes), ...wanted))
  }

  /** Asks without being timed. */
  request(request: HttpRequest): Promise<HttpAnswer> {
    return this.#clients[0]!.request(request)
  }

  get(kind: string, path: string, authorization?: string): Promise<HttpAnswer> {
    return this.ask({ kind, method: 'GET', path, ...(authorization ? { authorization } : {}) }, 200)
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

/** The body of an answer. */
export const json = <T = Record<string, unknown>>(answer: HttpAnswer): T => answer.json() as T

/** The type of a problem document, without where it is documented. */
export const problemOf = (answer: HttpAnswer): string => json<{ type?: string }>(answer).type?.split('/').at(-1) ?? String(answer.status)
