import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { entityTag } from '../../mixins/primitives/etag.ts'
import { isPrepared } from '../../mixins/runtime/prepared.ts'

/** What goes back over HTTP. */
export interface Answer {
  status: number
  /** None for 204 and 304. */
  body: Buffer | null
  type: string
  /** Unquoted. */
  etag: string | null
  cacheControl: string
  /** Further headers, names and values in turn; `send` adds the others to this very list. */
  headers: string[]
  /** The body is sent many times, so its compressed form is worth keeping. */
  shared?: boolean
  /** Content-Security-Policy of a page; that of an API unless told. */
  policy?: string
}

/** Bodies smaller than this cost more to compress than the network gains. */
const COMPRESS_FROM = 4 * 1024
/** Bodies compressed at once: compressing costs several times what the rest of a request does, so under load bodies go as they are. */
const COMPRESSING_MAX = 4
let compressing = 0
const COMPRESSIBLE = /^(application\/(json|problem\+json)|text\/)/
const JSON_TYPE = 'application/json; charset=utf-8'

/** Nothing may guess what an answer is, or run or frame it. Pages bring their own policy. */
const POLICY = "default-src 'none'; frame-ancestors 'none'"

const gzipped = promisify(gzip)

/** Compressed forms of prepared bodies, which are sent many times; they go with their body. */
const compressed = new WeakMap<Buffer, Promise<Buffer>>()

/** The compressed form of a body; null when too many are being made. */
function compress(body: Buffer, shared: boolean): Promise<Buffer> | null {
  const known = compressed.get(body)
  if (known) return known
  if (compressing >= COMPRESSING_MAX) return null
  compressing++
  const made = gzipped(body, { level: shared ? 6 : 1 }).finally(() => compressing--)
  if (shared) compressed.set(body, made)
  return made
}

/** True when one of the tags of If-None-Match is this one (weak comparison, RFC 9110). */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  return header.split(',').some((part) => part.trim().replace(/^W\//, '') === `"${etag}"`)
}

const bufferOf = (bytes: Uint8Array | { data: number[] }): Buffer => {
  if (Buffer.isBuffer(bytes)) return bytes
  return bytes instanceof Uint8Array ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Buffer.from(bytes.data)
}

/** The bytes of an action's answer, with their tag: as it prepared them, or made here. `field` names the answer's own version, `tagged` asks for a tag. */
export function encode(data: unknown, tagged: boolean, field: string | undefined): Pick<Answer, 'body' | 'type' | 'etag' | 'shared'> {
  if (isPrepared(data)) return { body: bufferOf(data.$body), type: data.$type ?? JSON_TYPE, etag: data.$etag, shared: true }
  if (data === null || data === undefined) return { body: null, type: JSON_TYPE, etag: null }
  const body = Buffer.from(JSON.stringify(data))
  const own = field === undefined ? undefined : (data as Record<string, unknown>)[field]
  return { body, type: JSON_TYPE, etag: own === undefined ? (tagged ? entityTag(body) : null) : String(own) }
}

/**
 * Sends an answer: 304 when the client has it already, compressed where that pays and the client takes it. `closing` asks the
 * client to open its next connection elsewhere.
 */
export async function send(req: IncomingMessage, res: ServerResponse, answer: Answer, closing: boolean): Promise<void> {
  if (res.headersSent || res.destroyed) return
  const { etag, headers: head } = answer
  let { status, body } = answer
  let encoding: string | null = null
  if (closing) res.shouldKeepAlive = false
  if (etag !== null && status === 200 && (req.method === 'GET' || req.method === 'HEAD') && matches(req.headers['if-none-match'], etag)) {
    status = 304
    body = null
  }
  if (body && body.length >= COMPRESS_FROM && COMPRESSIBLE.test(answer.type) && req.headers['accept-encoding']?.includes('gzip')) {
    const smaller = compress(body, answer.shared === true)
    if (smaller) {
      body = await smaller
      encoding = 'gzip'
    }
  }
  head.push('Cache-Control', answer.cacheControl, 'X-Content-Type-Options', 'nosniff', 'Referrer-Policy', 'no-referrer', 'Content-Security-Policy', answer.policy ?? POLICY)
  if (etag !== null) head.push('ETag', encoding ? `W/"${etag}"` : `"${etag}"`)
  if (body) head.push('Content-Type', answer.type, 'Content-Length', String(body.length), 'Vary', 'Accept-Encoding')
  else if (status !== 304 && status !== 204) head.push('Content-Length', '0')
  if (encoding) head.push('Content-Encoding', encoding)
  if (res.headersSent || res.destroyed) return
  res.writeHead(status, head)
  res.end(req.method === 'HEAD' ? undefined : (body ?? undefined))
}
