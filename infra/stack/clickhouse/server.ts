// A ClickHouse server for one machine: the engine that runs in a process (chdb) behind ClickHouse's HTTP interface, as far as its
// official clients use it. Alone in one file, on Node and chdb only, because it runs where the checkout may be out of reach.
// Not here: other users than the one, HTTP sessions, native protocol, replication; a query that was given up runs to its end.
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { gunzipSync, gzipSync } from 'node:zlib'

interface Settings {
  host: string
  port: number
  /** Where chdb is installed. */
  packageDir: string
  dataDir: string
  user: string
  password: string
  database: string
}

/** The part of chdb's API that is used here. */
interface Session {
  queryAsync(sql: string, options?: { format: string }): Promise<{ bytes(): Uint8Array; rowsRead: number; bytesRead: number; elapsed: number }>
  insert(insert: { table: string; columns?: string[]; values: Uint8Array; format: string; settings: Record<string, string> }): Promise<{ rowsWritten: number; bytesWritten: number; elapsed: number }>
  close(): void
}

type SessionClass = new (path: string, options?: { connectionArgs: string[] }) => Session

const ENGINE = ['--max_threads=2', '--max_insert_threads=1', '--max_memory_usage=1000000000', '--background_pool_size=2', '--date_time_input_format=best_effort']
const BODY_MAX = 256 * 1_048_576
const AT_ONCE = 4
const WAITING_MAX = 200
/** Sessions that wait for a request with the same database and settings. */
const IDLE_MAX = 8

/** Parameters of the URL that are the interface's own: all others are settings of the query. */
const INTERFACE = new Set(['query', 'query_id', 'database', 'default_format', 'user', 'password', 'role', 'session_id', 'session_timeout', 'session_check', 'compress', 'decompress', 'quota_key', 'buffer_size', 'stacktrace'])
/** Settings of the HTTP layer, which the engine alone does not know. */
const HTTP_ONLY = /^(wait_end_of_query|send_progress_in_http_headers|enable_http_compression|http_\w+)$/
/** Text that the engine takes as it comes; other formats are refused. */
const RAW_FORMATS = new Set(['JSONEachRow', 'JSONCompactEachRow', 'CSV', 'CSVWithNames', 'TSV', 'TabSeparated', 'TSVWithNames', 'TabSeparatedWithNames'])

/** A refusal with ClickHouse's number and name, as its clients read them. */
class ClickHouseFault extends Error {
  readonly status: number

  constructor(status: number, code: number, type: string, text: string) {
    super(`Code: ${code}. DB::Exception: ${text}. (${type})`)
    this.status = status
  }
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function name(text: string): string {
  if (!/^[A-Za-z_]\w*$/.test(text)) throw new ClickHouseFault(400, 36, 'BAD_ARGUMENTS', `not a name: ${text}`)
  return text
}

interface Request {
  sql: string
  /** Rows that come after the statement. */
  rows: Buffer | null
  database: string
  settings: Record<string, string>
  params: Record<string, string>
  format: string
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if ((size += chunk.length) > BODY_MAX) throw new ClickHouseFault(413, 307, 'TOO_MANY_BYTES', `a request may have ${BODY_MAX} bytes`)
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body, { maxOutputLength: BODY_MAX }) : body
}

function read(url: URL, body: Buffer): Request {
  const settings: Record<string, string> = {}
  const params: Record<string, string> = {}
  for (const [key, value] of url.searchParams) {
    if (key.startsWith('param_')) params[name(key.slice('param_'.length))] = value
    else if (!INTERFACE.has(key) && !HTTP_ONLY.test(key)) settings[name(key)] = value
  }
  const query = url.searchParams.get('query')
  return {
    sql: query ?? body.toString(),
    rows: query !== null && body.length > 0 ? body : null,
    database: name(url.searchParams.get('database') || 'default'),
    settings,
    params,
    format: url.searchParams.get('default_format') ?? 'TabSeparated'
  }
}

const INSERT = /^\s*INSERT\s+INTO\s+(?:TABLE\s+)?([\w.`"]+)\s*(?:\(([^()]*)\)\s*)?(?:SETTINGS\s[^]*?)?FORMAT\s+(\w+)\s*;?\s*$/i

/** The engine, with as many sessions as requests are under way: each has its own database, settings and parameters. */
class Engine {
  readonly #session: SessionClass
  readonly #dataDir: string
  /** Keeps the engine open while no request is under way. */
  readonly #base: Session
  readonly #idle: { key: string; session: Session }[] = []
  readonly #waiting: (() => void)[] = []
  #underWay = 0

  constructor({ packageDir, dataDir }: Settings) {
    const chdb = createRequire(`${packageDir}/`)('chdb') as { Session: SessionClass }
    this.#session = chdb.Session
    this.#dataDir = dataDir
    this.#base = new chdb.Session(dataDir, { connectionArgs: ENGINE })
  }

  async prepare(database: string): Promise<void> {
    await this.#base.queryAsync(`CREATE DATABASE IF NOT EXISTS ${name(database)}`)
  }

  close(): void {
    for (const { session } of this.#idle) session.close()
    this.#base.close()
  }

  async run(request: Request): Promise<{ bytes: Uint8Array; summary: Record<string, string> }> {
    await this.#turn()
    const key = JSON.stringify([request.database, request.settings])
    const hasParams = Object.keys(request.params).length > 0
    const at = this.#idle.findIndex((one) => one.key === key)
    const session = at >= 0 ? this.#idle.splice(at, 1)[0]!.session : new this.#session(this.#dataDir)
    let isClean = !hasParams // parameters stay with a session: it would answer the next request with them
    try {
      const head = [
        ...(at >= 0 ? [] : [`USE ${request.database}`, ...Object.entries(request.settings).map(([setting, value]) => `SET ${setting} = ${quoted(value)}`)]),
        ...Object.entries(request.params).map(([param, value]) => `SET param_${param} = ${quoted(value)}`)
      ].join('; ')
      return request.rows ? await this.#insert(session, head, request, request.rows) : await this.#query(session, head, request)
    } catch (error) {
      isClean = false
      throw error
    } finally {
      if (isClean && this.#idle.length < IDLE_MAX) this.#idle.push({ key, session })
      else session.close()
      this.#underWay--
      this.#waiting.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    if (this.#underWay >= AT_ONCE) {
      if (this.#waiting.length >= WAITING_MAX) throw new ClickHouseFault(500, 202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 'Too many simultaneous queries')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#underWay++
  }

  async #query(session: Session, head: string, { sql, format }: Request): Promise<{ bytes: Uint8Array; summary: Record<string, string> }> {
    const result = await session.queryAsync(head ? `${head}; ${sql}` : sql, { format })
    return { bytes: result.bytes(), summary: { read_rows: `${result.rowsRead}`, read_bytes: `${result.bytesRead}`, elapsed_ns: `${Math.round(result.elapsed * 1e9)}` } }
  }

  /** The rows go to the engine's own parser as the bytes that came. */
  async #insert(session: Session, head: string, { sql, settings }: Request, values: Buffer): Promise<{ bytes: Uint8Array; summary: Record<string, string> }> {
    const [, table, columns, format] = INSERT.exec(sql) ?? []
    if (!table || !format || !RAW_FORMATS.has(format)) throw new ClickHouseFault(400, 73, 'UNKNOWN_FORMAT', `rows are taken for INSERT INTO … FORMAT ${[...RAW_FORMATS].join(', ')}`)
    if (head) await session.queryAsync(head)
    const result = await session.insert({ table: table.replaceAll(/[`"]/g, ''), ...(columns ? { columns: columns.split(',').map((column) => column.trim().replaceAll(/[`"]/g, '')) } : {}), values, format, settings })
    return { bytes: new Uint8Array(), summary: { written_rows: `${result.rowsWritten}`, written_bytes: `${result.bytesWritten}`, elapsed_ns: `${Math.round(result.elapsed * 1e9)}` } }
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whether the request names the one user, in any of ClickHouse's three ways. */
function isUser({ user, password }: Settings, request: IncomingMessage, url: URL): boolean {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const header = `${request.headers['x-clickhouse-user'] ?? ''}:${request.headers['x-clickhouse-key'] ?? ''}`
  const named = basic !== undefined ? Buffer.from(basic, 'base64').toString() : header !== ':' ? header : `${url.searchParams.get('user') ?? ''}:${url.searchParams.get('password') ?? ''}`
  return timingSafeEqual(digest(named), digest(`${user}:${password}`))
}

/** The statuses that ClickHouse gives to the commonest refusals. */
const statusOf = (message: string): number => ({ 60: 404, 81: 404, 62: 400, 47: 404, 516: 403, 202: 500 })[Number(/Code: (\d+)/.exec(message)?.[1])] ?? 500

async function answer(settings: Settings, engine: Engine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (url.pathname === '/ping') return void response.end('Ok.\n')
  const queryId = url.searchParams.get('query_id') || randomUUID()
  response.setHeader('X-ClickHouse-Query-Id', queryId)
  try {
    if (!isUser(settings, request, url)) throw new ClickHouseFault(403, 516, 'AUTHENTICATION_FAILED', 'Authentication failed: password is incorrect, or there is no user with such name')
    if (request.headers['content-type']?.startsWith('multipart/')) throw new ClickHouseFault(400, 48, 'NOT_IMPLEMENTED', 'parameters are taken from the URL, not from a form')
    const { bytes, summary } = await engine.run(read(url, await bodyOf(request)))
    response.setHeader('X-ClickHouse-Summary', JSON.stringify(summary))
    const isZipped = url.searchParams.get('enable_http_compression') === '1' && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
    if (isZipped) response.setHeader('Content-Encoding', 'gzip')
    response.end(isZipped ? gzipSync(bytes, { level: 1 }) : bytes)
  } catch (error) {
    const { message } = error as Error
    response.writeHead(error instanceof ClickHouseFault ? error.status : statusOf(message), {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-ClickHouse-Exception-Code': /Code: (\d+)/.exec(message)?.[1] ?? '1002'
    })
    response.end(`${message}\n`)
  }
}

const settings = JSON.parse(process.env['SOUK_CLICKHOUSE'] ?? '{}') as Settings
const engine = new Engine(settings)
await engine.prepare(settings.database)
const server = createServer((request, response) => void answer(settings, engine, request, response))
server.listen(settings.port, settings.host, () => console.log(`listens on ${settings.host}:${settings.port}`))
process.once('SIGTERM', () => {
  server.close(() => {
    engine.close()
    process.exit(0)
  })
  server.closeIdleConnections()
  setTimeout(() => process.exit(0), 5_000).unref()
})
