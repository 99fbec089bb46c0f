import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DiskObjects, Grant } from './disk-objects.ts'

/** What the form around a posted file may add to its size. */
const FORM_BYTES = 16 * 1024

/** The whole body, or null when it is larger than `max`. */
async function bodyOf(request: IncomingMessage, max: number): Promise<Buffer<ArrayBuffer> | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > max) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function take(store: DiskObjects, grant: Extract<Grant, { method: 'POST' }>, request: IncomingMessage): Promise<number> {
  if (Number(request.headers['content-length'] ?? 0) > grant.maxBytes + FORM_BYTES) return 413
  const body = await bodyOf(request, grant.maxBytes + FORM_BYTES)
  if (!body) return 413
  const form = await new Response(body, { headers: { 'content-type': request.headers['content-type'] ?? '' } }).formData().catch(() => null)
  const file = form?.get('file')
  if (!form || !file || typeof file === 'string') return 400
  if (file.size > grant.maxBytes) return 413
  if (form.get('Content-Type') !== grant.type) return 403
  await store.put(grant.key, Buffer.from(await file.arrayBuffer()), grant.type)
  return 204
}

async function give(store: DiskObjects, key: string, response: ServerResponse): Promise<void> {
  const object = await store.get(key)
  if (!object) return void response.writeHead(404).end()
  // An object is whatever somebody uploaded: a browser must not run it as a page of ours.
  response.writeHead(200, { 'content-type': object.type, 'content-length': object.body.length, 'content-disposition': 'attachment', 'x-content-type-options': 'nosniff', 'cache-control': 'private, no-store' })
  response.end(object.body)
}

/**
 * Serves the signed URLs of objects on disk, as S3 serves its own: GET gives the object; POST takes a form with the fields of
 * `signPost` and the bytes as `file`, of the signed type and size. Answers 403 for a URL that was not signed here or has expired.
 */
export const serveObjects = (store: DiskObjects) => async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  try {
    const grant = store.verify(request.method ?? '', request.url ?? '')
    if (!grant) response.writeHead(403).end()
    else if (grant.method === 'GET') await give(store, grant.key, response)
    else response.writeHead(await take(store, grant, request), { connection: 'close' }).end()
  } catch {
    if (!response.headersSent) response.writeHead(500)
    response.end()
  }
}
