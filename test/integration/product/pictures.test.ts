import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import sharp from 'sharp'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { call } from '../../../mixins/runtime/calls.ts'
import type { Prepared } from '../../../mixins/runtime/prepared.ts'
import type { Image, Product } from '../../../services/product/product.contract.ts'
import { signIn, type SignedIn } from '../../support/callers.ts'
import { startShop, type Shop } from '../../support/shop.ts'

let shop: Shop
let ana: SignedIn
let ben: SignedIn
const dir = mkdtempSync(join(tmpdir(), 'souk-pictures-'))

beforeAll(async () => {
  process.env['SOUK_DATA_DIR'] = dir
  shop = await startShop(['product.worker', 'product', 'seller.worker'])
  ;[ana, ben] = [await signIn('ana', ['seller']), await signIn('ben', ['seller'])]
  await call(shop.broker, 'seller.worker.import', { sellers: [{ id: 's-ana', name: 'Ana', userId: 'ana' }, { id: 's-ben', name: 'Ben', userId: 'ben' }] })
  await call(shop.broker, 'product.worker.addCategories', { categories: [{ id: 'c1', slug: 'lamps', name: 'Lamps', parentId: null }] })
})
afterAll(async () => {
  await shop.stop()
  rmSync(dir, { recursive: true })
})

const refusal = (promise: Promise<unknown>): Promise<string | null> => promise.then(() => null, problemType)
const lantern = (): Promise<Product> => call(shop.broker, 'product.create', { title: 'Lantern', brand: 'Z', category: 'lamps', description: 'd' }, ana)
const picture = (width: number, height: number, red = 200): Promise<Buffer> => sharp({ create: { width, height, channels: 3, background: { r: red, g: 60, b: 90 } } }).withExif({ IFD0: { Artist: 'hidden' } }).jpeg().toBuffer()
const send = (who: SignedIn, id: string, bytes: Buffer): Promise<Image> =>
  call(shop.broker, 'product.addImage', { id, contentType: 'image/jpeg', size: bytes.length }, { ...who, meta: who.meta, stream: Readable.from([bytes], { objectMode: false }) } as never)
const bytesAt = async (url: string): Promise<Prepared> => (await call(shop.broker, 'product.image', { key: url.split('/').at(-1)! })) as Prepared
const imagesOf = async (id: string): Promise<Image[]> => (await call(shop.broker, 'product.worker.details', { ids: [id] })).items[0]!.images

describe('pictures of products', () => {
  test('a picture is shown in three sizes, re-encoded, with nothing hidden in it', async () => {
    const { id } = await lantern()
    const image = await send(ana, id, await picture(2_000, 1_000))
    expect(await imagesOf(id)).toEqual([image])
    for (const [url, width] of [[image.small, 160], [image.medium, 480], [image.large, 1_200]] as const) {
      const { $body, $type } = await bytesAt(url)
      const found = await sharp(Buffer.from($body)).metadata()
      expect([$type, found.format, found.width, found.height, found.exif]).toEqual(['image/webp', 'webp', width, width / 2, undefined])
    }
    expect(await refusal(bytesAt('/none-such-160.webp'))).toBe('not-found')
  })

  test('a small picture is not blown up', async () => {
    const image = await send(ana, (await lantern()).id, await picture(10, 20))
    expect(await sharp(Buffer.from((await bytesAt(image.large)).$body)).metadata()).toMatchObject({ width: 10, height: 20 })
  })

  test('the same picture is stored once, whoever sends it, and taken once', async () => {
    const [a, b] = [await lantern(), await lantern()]
    const bytes = await picture(300, 300, 10)
    const first = await send(ana, a.id, bytes)
    expect(await send(ana, b.id, bytes)).toEqual(first)
    expect(await send(ana, a.id, bytes)).toEqual(first)
    expect(await imagesOf(a.id)).toHaveLength(1)
    await call(shop.broker, 'product.removeImage', { id: a.id, imageId: first.id }, ana)
    expect(await imagesOf(a.id)).toEqual([])
    expect(await imagesOf(b.id)).toEqual([first])
    expect((await bytesAt(first.small)).$body.length).toBeGreaterThan(0)
  })

  test('what is no picture is refused, whatever it is called', async () => {
    const { id } = await lantern()
    const whole = await picture(400, 400, 77)
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>')
    for (const bytes of [Buffer.from('MZ not a picture at all'), svg, whole.subarray(0, 300), Buffer.from('%PDF-1.7')]) expect(await refusal(send(ana, id, bytes))).toBe('unsupported-media-type')
    expect(await imagesOf(id)).toEqual([])
  })

  test('a small file that unpacks to gigabytes is refused before it is unpacked', async () => {
    const bomb = await sharp({ create: { width: 16_000, height: 16_000, channels: 3, background: '#000' }, limitInputPixels: false }).png({ compressionLevel: 9 }).toBuffer()
    expect(bomb.length).toBeLessThan(1_000_000)
    expect(await refusal(send(ana, (await lantern()).id, bomb))).toBe('validation-failed')
  })

  test('a file above the limit is refused while it is read', async () => {
    expect(await refusal(send(ana, (await lantern()).id, Buffer.alloc(10 * 1024 * 1024 + 1)))).toBe('too-large')
  })

  test('only its owner adds pictures, ten at most, also when they come at once', async () => {
    const { id } = await lantern()
    expect(await refusal(send(ben, id, await picture(50, 50)))).toBe('forbidden')
    const outcomes = await Promise.all([...Array(13).keys()].map(async (i) => refusal(send(ana, id, await picture(30 + i, 30)))))
    expect(outcomes.filter((o) => o === null)).toHaveLength(10)
    expect(outcomes.filter((o) => o === 'conflict')).toHaveLength(3)
    expect(await imagesOf(id)).toHaveLength(10)
  })
})
