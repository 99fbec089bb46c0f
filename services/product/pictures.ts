import { createHash } from 'node:crypto'
import sharp, { type OutputInfo, type Sharp } from 'sharp'
import type { ObjectStore } from '../../mixins/objects/port.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import { PICTURE_FORMATS } from './picture-types.ts'
import { IMAGE_SIZES, imageKey } from './product.ts'

/** More pixels than any camera's, few enough to decode: a small file can claim a picture of gigabytes. */
const PIXELS_MAX = 60_000_000
const SIDE_MAX = 16_000
const SECONDS_MAX = 15
/** Pictures worked on at once, and waiting, on one thread. */
const AT_ONCE = 2
const WAITING_MAX = 32

sharp.cache(false)
sharp.concurrency(1)

/** Lets `limit` in at once and `waiting` wait; refuses more. */
class Gate {
  #inside = 0
  readonly #queue: (() => void)[] = []

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= AT_ONCE) {
      if (this.#queue.length >= WAITING_MAX) throw problem('overloaded', 'Too many pictures are being prepared: try again shortly.', { retryAfter: 5 })
      await new Promise<void>((resolve) => this.#queue.push(resolve))
    } else this.#inside++
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#inside--
    }
  }
}

const gate = new Gate()

const unreadable = (): Error => problem('unsupported-media-type', 'This is not a picture we can read: send JPEG, PNG, WebP or GIF.')

/** What the bytes are, before they are decoded. Throws `unsupported-media-type` or `validation-failed`. */
async function inspect(bytes: Buffer): Promise<void> {
  const { format, width = 0, height = 0 } = await sharp(bytes, { limitInputPixels: false }).metadata().catch(() => {
    throw unreadable()
  })
  if (!format || !PICTURE_FORMATS[format]) throw unreadable()
  if (width > SIDE_MAX || height > SIDE_MAX || width * height > PIXELS_MAX) throw invalidField('file', 'pixels', `a picture has at most ${SIDE_MAX} pixels a side and ${PIXELS_MAX / 1e6} million in all`)
}

type Size = keyof typeof IMAGE_SIZES

/** A picture in memory, as its pixels. */
interface Bitmap {
  data: Buffer
  raw: { width: number; height: number; channels: OutputInfo['channels'] }
}

/** The picture with its longer side at most that of `size`; a smaller one is not blown up. */
async function within(size: Size, picture: Sharp): Promise<Bitmap> {
  const side = IMAGE_SIZES[size]
  const { data, info } = await picture.resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true }).timeout({ seconds: SECONDS_MAX }).raw().toBuffer({ resolveWithObject: true })
  return { data, raw: { width: info.width, height: info.height, channels: info.channels } }
}

const webp = ({ data, raw }: Bitmap): Promise<Buffer> => sharp(data, { raw }).webp({ quality: 80, effort: 2 }).timeout({ seconds: SECONDS_MAX }).toBuffer()

/**
 * The picture in all sizes, the largest first, turned upright; whatever else the file held (place, camera, hidden data) is left
 * behind. Each size is made of the one before, which costs a third and looks the same.
 */
async function render(bytes: Buffer): Promise<[Size, Buffer][]> {
  const large = await within('large', sharp(bytes, { limitInputPixels: PIXELS_MAX, failOn: 'error' }).rotate()).catch(() => {
    throw unreadable()
  })
  const medium = await within('medium', sharp(large.data, { raw: large.raw }))
  const small = await within('small', sharp(medium.data, { raw: medium.raw }))
  return [['large', await webp(large)], ['medium', await webp(medium)], ['small', await webp(small)]]
}

/**
 * Checks, re-encodes and stores an uploaded picture; returns its id. The id is made of the bytes, so the same picture is stored
 * once however often it is sent, and the URLs of its sizes never change what they show. Throws `unsupported-media-type`,
 * `validation-failed` (too many pixels), `overloaded`.
 */
export async function storePicture(objects: ObjectStore, bytes: Buffer): Promise<string> {
  const id = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
  if (await objects.get(imageKey(id, 'small'))) return id
  await gate.pass(async () => {
    await inspect(bytes)
    const files = await render(bytes)
    // The small one last: where it is, all are.
    for (const [size, body] of files) await objects.put(imageKey(id, size), body, 'image/webp')
  })
  return id
}
