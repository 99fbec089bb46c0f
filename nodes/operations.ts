import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { toPrometheus } from '../mixins/metrics/prometheus.ts'
import { gauge } from '../mixins/metrics/registry.ts'
import { measureThread } from '../mixins/metrics/thread.ts'
import type { Supervisor } from './supervisor.ts'

const resident = gauge('souk_resident_bytes', 'Memory of the whole process.')
const startTime = gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.')

/** Where operators and their tools look: /metrics, /healthz, /readyz of this node. Never public. */
export class OperationsServer {
  readonly #server: Server
  #supervisor: Supervisor | null = null

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    measureThread()
    resident.read({}, () => process.memoryUsage.rss())
    startTime.with().set(Date.now() / 1_000 - process.uptime())
  }

  /** Takes the port. Rejects with one clear line when it is taken. Until `serve`, the node lives but is not ready. */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, resolve)
    })
    this.#server.on('error', () => {})
    return (this.#server.address() as { port: number }).port
  }

  serve(supervisor: Supervisor): void {
    this.#supervisor = supervisor
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0]
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(request.method === 'HEAD' ? undefined : body)
    }
    const json = (status: number, body: unknown): void => send(status, 'application/json', `${JSON.stringify(body)}\n`)
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'only GET' })
    if (path === '/healthz') return json(200, { status: 'alive' })
    if (path === '/readyz') return this.#ready(json)
    if (path === '/metrics') return send(200, 'text/plain; version=0.0.4; charset=utf-8', toPrometheus((await this.#supervisor?.metrics()) ?? []))
    return json(404, { error: 'there are /metrics, /healthz and /readyz' })
  }

  #ready(json: (status: number, body: unknown) => void): void {
    const { ready, draining, reasons } = this.#supervisor?.state ?? { ready: false, draining: false, reasons: ['the node is starting'] }
    const threads = this.#supervisor?.threads().map(({ thread, state, restarts }) => ({ thread, state, restarts })) ?? []
    json(ready ? 200 : 503, { status: ready ? 'ready' : draining ? 'draining' : 'not ready', reasons, threads })
  }
}
