import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type EngineRequest =
  | { id: number; op: 'run'; sql: string }
  | { id: number; op: 'insert'; table: string; rows: Uint8Array }
  | { id: number; op: 'query'; sql: string; params: Record<string, string | number> }
  | { id: number; op: 'close' }

/** `id` 0: the engine is open, or could not be. */
export interface EngineAnswer {
  id: number
  value?: unknown
  error?: string
}

interface Waiting {
  resolve: (value: unknown) => void
  reject: (error: Error) => void
  timer: NodeJS.Timeout
}

/** The engine's process ended, or was ended because it did not answer: what it was doing may or may not have happened. */
export class EngineGone extends Error {}

type Asked<T extends EngineRequest> = T extends unknown ? Omit<T, 'id'> : never

const PATIENCE_MS = 60_000

/** Our end of the process that owns the engine. One that does not answer for a minute is ended. */
export class ChdbProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  /** Resolves when the process has ended. */
  readonly gone: Promise<void>
  #lastId = 0
  #ended = false

  private constructor(packageDir: string, dataDir: string) {
    this.#child = fork(fileURLToPath(new URL('./chdb-engine.ts', import.meta.url)), [packageDir, dataDir], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc']
    })
    this.gone = new Promise((resolve) => {
      const ended = (why: string): void => {
        this.#ended = true
        for (const id of this.#waiting.keys()) this.#settle({ id }, new EngineGone(`the ClickHouse engine ended (${why})`))
        resolve()
      }
      this.#child.once('exit', (code, signal) => ended(signal ?? `exit ${code}`))
      this.#child.once('error', (error) => ended(error.message))
    })
    this.#child.on('message', (answer: EngineAnswer) => this.#settle(answer, answer.error === undefined ? null : new Error(answer.error)))
    this.#child.unref() // it ends with us; it is no reason to live on
    this.#child.channel?.unref()
  }

  /** Starts the process and waits until the engine is open. Rejects with the engine's own reason when it cannot be. */
  static async start(packageDir: string, dataDir: string): Promise<ChdbProcess> {
    const engine = new ChdbProcess(packageDir, dataDir)
    await engine.#expect(0)
    return engine
  }

  /** Number of requests that have no answer yet. */
  get underWay(): number {
    return this.#waiting.size
  }

  ask(request: Asked<EngineRequest>): Promise<unknown> {
    const id = ++this.#lastId
    const answer = this.#expect(id)
    if (!this.#ended) this.#child.send({ ...request, id }, (error) => error && this.#settle({ id }, new EngineGone(error.message)))
    return answer
  }

  /** Lets the engine finish what it does and end. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.send({ id: ++this.#lastId, op: 'close' } satisfies EngineRequest, () => {})
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.gone
    clearTimeout(patience)
  }

  #expect(id: number): Promise<unknown> {
    if (this.#ended) return Promise.reject(new EngineGone('the ClickHouse engine has ended'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS)
      this.#waiting.set(id, { resolve, reject, timer })
    })
  }

  #settle({ id, value }: EngineAnswer, error: Error | null): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    if (error) waiting.reject(error)
    else waiting.resolve(value)
  }
}
