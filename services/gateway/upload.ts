import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { problem } from '../../mixins/primitives/problem.ts'
import { mediaType, readBody } from './body.ts'

/** What an action wants of a file: see PublicOptions.upload. */
export interface UploadLimits {
  maxBytes: number
  types: readonly string[]
}

export interface Upload {
  params: { contentType: string; size: number; fileName?: string }
  stream: Readable
}

/** Room for the multipart frame around a file. */
const FRAME_BYTES = 64 * 1024
/** Files in memory at once on this thread; a further one is `overloaded`. */
const UPLOADS_MAX = 8
let underWay = 0

/** First bytes of the types we know; a type that is not here is taken at its word. */
const MAGIC: Readonly<Record<string, (bytes: Buffer) => boolean>> = {
  'image/png': (b) => b.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')),
  'image/jpeg': (b) => b.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex')),
  'image/gif': (b) => /^GIF8[79]a/.test(b.toString('latin1', 0, 6)),
  'image/webp': (b) => b.toString('latin1', 0, 4) === 'RIFF' && b.toString('latin1', 8, 12) === 'WEBP',
  'image/avif': (b) => b.toString('latin1', 4, 8) === 'ftyp' && /avi[fs]/.test(b.toString('latin1', 8, 12)),
  'application/pdf': (b) => b.toString('latin1', 0, 5) === '%PDF-'
}

/** The first file part; every other part is refused, so nothing is silently dropped. */
async function fileOf(bytes: Buffer, contentType: string): Promise<File> {
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData().catch(() => {
    throw problem('bad-request', 'The body is not well-formed multipart/form-data.')
  })
  const parts = [...form]
  const [first] = parts
  if (!first || typeof first[1] === 'string') throw problem('validation-failed', 'There is no file in the form.', { errors: [{ field: 'file', code: 'required', message: 'a file is needed' }] })
  if (parts.length > 1) throw problem('validation-failed', 'One file at a time.', { errors: parts.slice(1).map(([field]) => ({ field, code: 'unknown', message: 'is not known here' })) })
  return first[1]
}

async function take(req: IncomingMessage, { maxBytes, types }: UploadLimits): Promise<Upload> {
  const file = await fileOf(await readBody(req, maxBytes + FRAME_BYTES), req.headers['content-type']!)
  if (file.size > maxBytes) throw problem('too-large', `The file may have ${maxBytes} bytes at most.`)
  const bytes = Buffer.from(await file.arrayBuffer())
  const type = file.type.toLowerCase()
  if (!types.includes(type) || !(MAGIC[type]?.(bytes) ?? true)) throw problem('unsupported-media-type', `The file must be one of ${types.join(', ')}, and be what it says.`, { accept: types })
  if (bytes.length === 0) throw problem('validation-failed', 'The file is empty.', { errors: [{ field: 'file', code: 'too-short', message: 'must not be empty' }] })
  const fileName = file.name.replaceAll('\0', '').toWellFormed().slice(0, 255)
  return { params: { contentType: type, size: bytes.length, ...(fileName ? { fileName } : {}) }, stream: Readable.from([bytes], { objectMode: false }) }
}

/**
 * Reads the file of a multipart request into memory (they are small and few) and checks its size and type, so that the action gets
 * a whole, plausible file or is not called. Throws 413, 415, 422 or 503 problems.
 */
export async function readUploadedFile(req: IncomingMessage, limits: UploadLimits): Promise<Upload> {
  if (mediaType(req) !== 'multipart/form-data') throw problem('unsupported-media-type', 'Send the file as multipart/form-data.', { accept: ['multipart/form-data'] })
  if (underWay >= UPLOADS_MAX) throw problem('overloaded', 'Too many uploads at once: try again shortly.', { retryAfter: 2 })
  underWay++
  try {
    return await take(req, limits)
  } finally {
    underWay--
  }
}
