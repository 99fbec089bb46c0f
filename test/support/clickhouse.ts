import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { CHDB_PACKAGE_DIR } from '../../mixins/analytics/analytics.ts'
import { ChdbProcess } from '../../mixins/analytics/chdb-process.ts'

const USER = { name: 'souk', password: 'p@ss word' }

/** What the client sends as a text with escapes, as the engine in the process wants it. */
const unescaped = (value: string): string => value.replace(/\\(.)/g, (_, c: string) => ({ n: '\n', t: '\t', r: '\r', 0: '\0' })[c] ?? c)

/**
 * As much of a ClickHouse server's HTTP interface as the client uses, on the engine in the process. Not a server: one user, one
 * thing at a time.
 */
export class ClickHouseFront {
  readonly #engine: ChdbProcess
  readonly #server: Server

  private constructor(engine: ChdbProcess) {
    this.#engine = engine
    this.#server = createServer((request, response) => {
      void this.#answer(request)
        .then(({ status, body }) => response.writeHead(status, { 'content-type': 'text/plain' }).end(body))
        .catch((error: Error) => response.writeHead(500, { 'x-clickhouse-exception-code': /Code: (\d+)/.exec(error.message)?.[1] ?? '1002' }).end(error.message))
    })
  }

  static async start(dataDir: string): Promise<ClickHouseFront> {
    const front = new ClickHouseFront(await ChdbProcess.start(CHDB_PACKAGE_DIR, dataDir))
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve))
    return front
  }

  get url(): string {
    return `http://${USER.name}:${encodeURIComponent(USER.password)}@127.0.0.1:${(this.#server.address() as AddressInfo).port}/souk`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.#engine.close()
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: string }> {
    const { searchParams } = new URL(request.url!, 'http://front')
    const wanted = `Basic ${Buffer.from(`${USER.name}:${USER.password}`).toString('base64')}`
    if (request.headers.authorization !== wanted) return { status: 403, body: 'Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)' }
    const body = await text(request)
    const insert = /^INSERT INTO (\S+) FORMAT JSONEachRow/.exec(searchParams.get('query') ?? '')
    if (insert) {
      await this.#engine.ask({ op: 'insert', table: insert[1]!, rows: Buffer.from(body) })
      return { status: 200, body: '' }
    }
    const query = `${searchParams.get('query') ?? ''}${body}`
    if (!/\bFORMAT \w+\s*;?\s*$/.test(query)) return { status: 200, body: String((await this.#engine.ask({ op: 'run', sql: query })) ?? '') }
    const params = Object.fromEntries([...searchParams].filter(([name]) => name.startsWith('param_')).map(([name, value]) => [name.slice('param_'.length), unescaped(value)]))
    const rows = (await this.#engine.ask({ op: 'query', sql: query.replace(/\bFORMAT \w+\s*;?\s*$/, ''), params })) as unknown[]
    return { status: 200, body: rows.map((row) => `${JSON.stringify(row)}\n`).join('') }
  }
}
