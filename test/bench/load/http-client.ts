import { connect, type Socket } from 'node:net'

/** One request, ready to be sent: only its bytes count while the clock runs. */
export interface HttpRequest {
  method: string
  path: string
  headers?: Readonly<Record<string, string>>
  /** JSON text. */
  body?: string
}

export interface HttpAnswer {
  status: number
  header(name: string): string | undefined
  /** Parsed at the first look: most answers are only counted. */
  json(): unknown
  text(): string
}

interface Waiting {
  bytes: string
  resolve: (answer: HttpAnswer) => void
  reject: (error: Error) => void
}

const HEAD_END = '\r\n\r\n'

/** What is read of an answer; null while it is not complete. `length`: bytes it takes. */
function readAnswer(buffer: Buffer): { answer: HttpAnswer; length: number; closes: boolean } | null {
  const end = buffer.indexOf(HEAD_END)
  if (end < 0) return null
  const head = buffer.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const from = end + HEAD_END.length
  const closes = /\r\nconnection: *close/i.test(head)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head)) {
    const body = readChunks(buffer, from)
    return body && { answer: answerOf(status, head, body.bytes), length: body.end, closes }
  }
  const size = status === 204 || status === 304 ? 0 : Number(length ?? 0)
  if (buffer.length < from + size) return null
  return { answer: answerOf(status, head, buffer.subarray(from, from + size)), length: from + size, closes }
}

function readChunks(buffer: Buffer, from: number): { bytes: Buffer; end: number } | null {
  const parts: Buffer[] = []
  for (let at = from; ; ) {
    const line = buffer.indexOf('\r\n', at)
    if (line < 0) return null
    const size = Number.parseInt(buffer.toString('latin1', at, line), 16)
    const next = line + 2 + size + 2
    if (buffer.length < next) return null
    if (size === 0) return { bytes: Buffer.concat(parts), end: next }
    parts.push(buffer.subarray(line + 2, line + 2 + size))
    at = next
  }
}

const answerOf = (status: number, head: string, bytes: Buffer): HttpAnswer => ({
  status,
  header: (name) => new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1],
  text: () => bytes.toString(),
  json: () => JSON.parse(bytes.toString()) as unknown
})

/** One connection, one request at a time. */
class Connection {
  readonly #socket: Socket
  readonly #onFree: (connection: Connection) => void
  readonly #onGone: (connection: Connection) => void
  #received: Buffer = Buffer.alloc(0)
  #current: Waiting | null = null
  #fault: Error | null = null

  constructor(host: string, port: number, onFree: (connection: Connection) => void, onGone: (connection: Connection) => void) {
    this.#onFree = onFree
    this.#onGone = onGone
    this.#socket = connect({ host, port, noDelay: true, keepAlive: true })
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('error', (error) => (this.#fault = error)) // 'close' follows
    this.#socket.on('close', () => this.#end())
  }

  send(request: Waiting): void {
    this.#current = request
    this.#socket.write(request.bytes)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk
    const read = readAnswer(this.#received)
    if (!read || !this.#current) return
    const { resolve } = this.#current
    this.#current = null
    this.#received = this.#received.subarray(read.length)
    resolve(read.answer)
    if (read.closes) this.#socket.destroy()
    else this.#onFree(this)
  }

  #end(): void {
    this.#current?.reject(Object.assign(new Error(`the connection was lost${this.#fault ? `: ${this.#fault.message}` : ''}`), { type: 'connection-lost' }))
    this.#current = null
    this.#onGone(this)
  }
}

/**
 * HTTP/1.1 over keep-alive sockets and nothing else, so that the load costs little beside what it loads. Requests beyond its
 * connections wait here, which their time counts.
 */
export class HttpClient {
  readonly #host: string
  readonly #port: number
  readonly #max: number
  readonly #all = new Set<Connection>()
  readonly #free: Connection[] = []
  #waiting: Waiting[] = []

  constructor(url: string, connections: number) {
    const { protocol, hostname, port } = new URL(url)
    if (protocol !== 'http:') throw new Error(`${url}: the load is made over plain http`)
    this.#host = hostname
    this.#port = Number(port || 80)
    this.#max = connections
  }

  /** The request as it goes over the wire: make it before the clock starts where it can be. */
  bytesOf({ method, path, headers = {}, body }: HttpRequest): string {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const length = body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
    return `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}:${this.#port}\r\n${lines}${length}\r\n${body ?? ''}`
  }

  /** Sends what `bytesOf` made; rejects (`connection-lost`) when no answer comes. */
  send(bytes: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const request = { bytes, resolve, reject }
      const connection = this.#free.pop() ?? (this.#all.size < this.#max ? this.#open() : null)
      if (connection) connection.send(request)
      else this.#waiting.push(request)
    })
  }

  request(request: HttpRequest): Promise<HttpAnswer> {
    return this.send(this.bytesOf(request))
  }

  close(): void {
    for (const connection of this.#all) connection.destroy()
  }

  #open(): Connection {
    const connection = new Connection(
      this.#host,
      this.#port,
      (free) => {
        const next = this.#waiting.shift()
        if (next) free.send(next)
        else this.#free.push(free)
      },
      (gone) => {
        this.#all.delete(gone)
        const at = this.#free.indexOf(gone)
        if (at >= 0) this.#free.splice(at, 1)
        const next = this.#waiting.shift()
        if (next) this.#open().send(next)
      }
    )
    this.#all.add(connection)
    return connection
  }
}

/** Throws an error whose `type` is that of the problem document, unless the status is the wanted one. */
export function expectStatus(answer: HttpAnswer, ...wanted: readonly number[]): HttpAnswer {
  if (wanted.includes(answer.status)) return answer
  const type = /"type":"([^"]+)"/.exec(answer.text())?.[1]?.split('/').at(-1)
  throw Object.assign(new Error(`status ${answer.status}: ${answer.text().slice(0, 300)}`), { type: type ? `${answer.status} ${type}` : String(answer.status) })
}
