import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { call } from '../../../mixins/runtime/calls.ts'
import { signIn } from '../../support/callers.ts'
import { startHttpShop, type HttpShop } from '../../support/gateway.ts'

let shop: HttpShop
let token: string
const dir = mkdtempSync(join(tmpdir(), 'souk-http-'))

beforeAll(async () => {
  process.env['SOUK_DATA_DIR'] = dir
  shop = await startHttpShop(['product.worker', 'product', 'seller.worker', 'seller.orders', 'seller', 'inventory.worker', 'inventory'])
  token = (await signIn('ana', ['seller'])).meta.credentials.token!
  await call(shop.broker, 'seller.worker.import', { sellers: [{ id: 's-ana', name: 'Ana & Co', userId: 'ana' }] })
  await call(shop.broker, 'product.worker.addCategories', { categories: [{ id: 'c1', slug: 'lamps', name: 'Lamps', parentId: null }] })
})
afterAll(async () => {
  await shop.stop()
  rmSync(dir, { recursive: true })
})

const lantern = { title: 'Zephyrine lantern', brand: 'Zephyrine', category: 'lamps', description: 'A lantern for windy nights.' }
const create = () => shop.send('POST', '/products', { body: lantern, token })

describe('the catalogue over HTTP', () => {
  test('a product is made, offered, stocked, read again only when it changed', async () => {
    const made = await create()
    expect([made.status, made.headers.get('etag')]).toEqual([201, '"1"'])
    const { id } = made.body
    const offer = await shop.send('POST', `/products/${id}/offers`, { body: { price: { amount: 2_500, currency: 'USD' }, condition: 'new', handlingDays: 1 }, token })
    expect([offer.status, offer.headers.get('etag')]).toEqual([201, '"1"'])
    expect(await shop.send('PUT', `/offers/${offer.body.id}/stock`, { body: { onHand: 7 }, token })).toMatchObject({ status: 200, body: { onHand: 7, reserved: 0, available: 7 } })
    expect((await shop.send('GET', `/offers/${offer.body.id}/stock`)).status).toBe(401)
    const read = await shop.send('GET', `/products/${id}`)
    expect(read.body).toMatchObject({ id, price: { amount: 2_500, currency: 'USD' }, offers: [{ id: offer.body.id, sellerName: 'Ana & Co' }] })
    const etag = read.headers.get('etag')!
    expect(etag).toBe(`"${read.body.version}"`)
    expect((await shop.send('GET', `/products/${id}`, { headers: { 'if-none-match': etag } })).status).toBe(304)
    const patch = (ifMatch: string) => shop.send('PATCH', `/products/${id}`, { body: { brand: 'Zephyr' }, token, headers: { 'if-match': ifMatch } })
    expect((await patch('"1"')).status).toBe(412)
    expect((await patch(etag)).status).toBe(200)
    expect((await shop.send('GET', `/products/${id}`, { headers: { 'if-none-match': etag } })).body.brand).toBe('Zephyr')
    expect((await shop.send('GET', '/products?limit=1')).body.items[0]).toMatchObject({ id, brand: 'Zephyr' })
    expect((await shop.send('DELETE', `/products/${id}`, { token })).status).toBe(204)
    expect((await shop.send('GET', `/products/${id}`)).status).toBe(404)
  })

  test('what is wrong is named', async () => {
    expect((await shop.send('POST', '/products', { body: { ...lantern, roles: 1 }, token })).body).toMatchObject({ status: 422, errors: [{ field: 'roles' }] })
    expect((await shop.send('POST', '/products', { body: { ...lantern, category: 'none' }, token })).body).toMatchObject({ status: 422, errors: [{ field: 'category', code: 'unknown' }] })
    expect((await shop.send('POST', '/products', { body: { ...lantern, title: 'Mail me@x.example' }, token })).body).toMatchObject({ status: 422, errors: [{ field: 'title', code: 'contactDetails' }] })
    expect((await shop.send('GET', '/products?limit=100000')).status).toBe(422)
    expect((await shop.send('GET', '/products?colour=red')).status).toBe(422)
    expect((await shop.send('GET', '/products/none-such')).body).toMatchObject({ type: expect.stringMatching(/not-found$/) })
    expect((await shop.send('PUT', '/offers/none-such/stock', { body: { onHand: 1, delta: 1 }, token })).status).toBe(422)
  })

  test('a picture is sent as a form and served for ever', async () => {
    const { id } = (await create()).body
    const send = (bytes: Buffer, type: string) => {
      const form = new FormData()
      form.set('file', new Blob([new Uint8Array(bytes)], { type }), 'lantern.png')
      return shop.send('POST', `/products/${id}/images`, { body: form, token })
    }
    const png = await sharp({ create: { width: 900, height: 600, channels: 3, background: '#446688' } }).png().toBuffer()
    const sent = await send(png, 'image/png')
    expect(sent.status).toBe(201)
    expect((await shop.send('GET', `/products/${id}`)).body.images).toEqual([sent.body])
    const served = await fetch(shop.url + sent.body.medium)
    expect([served.status, served.headers.get('content-type'), served.headers.get('cache-control')]).toEqual([200, 'image/webp', 'public, max-age=31536000'])
    expect(await sharp(Buffer.from(await served.arrayBuffer())).metadata()).toMatchObject({ format: 'webp', width: 480, height: 320 })
    expect((await fetch(shop.url + sent.body.medium, { headers: { 'if-none-match': served.headers.get('etag')! } })).status).toBe(304)
    expect((await send(Buffer.from('not a picture'), 'image/png')).status).toBe(415)
    expect((await send(Buffer.from('%PDF-1.7'), 'application/pdf')).status).toBe(415)
    expect((await shop.send('DELETE', `/products/${id}/images/${sent.body.id}`, { token })).status).toBe(204)
  })

  test('a seller is shown without what is private', async () => {
    expect((await shop.send('GET', '/sellers/s-ana')).body).toEqual({ id: 's-ana', name: 'Ana & Co', status: 'verified', rating: { average: 0, count: 0 } })
    expect((await shop.send('GET', '/sellers/none-such')).status).toBe(404)
    expect((await shop.send('GET', '/categories')).body).toEqual({ items: [{ id: 'c1', slug: 'lamps', name: 'Lamps', parentId: null }] })
  })
})
