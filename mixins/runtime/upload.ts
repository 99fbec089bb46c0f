import type { Readable } from 'node:stream'
import type { CallingOptions } from 'moleculer'
import { problem } from '../primitives/problem.ts'
import type { Ctx } from './service.ts'

/**
 * The bytes of the file that an `upload` action was called with, whether the gateway is on this thread or on another node.
 * Throws `too-large` above `maxBytes` and `validation-failed` when there is no file.
 */
export async function readUpload(ctx: Ctx, maxBytes: number): Promise<Buffer> {
  const stream = (ctx as unknown as { stream: Readable | null }).stream
  if (!stream) throw problem('validation-failed', 'There is no file in the request.', { errors: [{ field: 'file', code: 'required', message: 'a file is needed' }] })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) throw problem('too-large', `The file may have ${maxBytes} bytes at most.`)
    chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  }
  return Buffer.concat(chunks, size)
}

/** Options of a call that passes an `upload` action's file on, unread, to the worker that takes it. */
export const passUpload = (ctx: Ctx): CallingOptions => ({ stream: (ctx as unknown as { stream: Readable | null }).stream }) as CallingOptions
