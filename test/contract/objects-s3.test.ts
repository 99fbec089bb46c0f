import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomBytes, randomUUID } from 'node:crypto'
import { S3Objects } from '../../mixins/objects/s3-objects.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { objectsContract } from './objects.contract.ts'

const endpoint = process.env['SOUK_TEST_S3_ENDPOINT']
const credentials = { accessKeyId: process.env['SOUK_TEST_S3_ACCESS_KEY_ID'] ?? '', secretAccessKey: process.env['SOUK_TEST_S3_SECRET_ACCESS_KEY'] ?? '' }
const bucket = `souk-test-${randomUUID()}`

if (!endpoint) test.skip('S3: set SOUK_TEST_S3_ENDPOINT, …_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY to run the tests of S3', () => {})
else {
  const open = (more: Partial<ConstructorParameters<typeof S3Objects>[0]> = {}): S3Objects =>
    new S3Objects({ endpoint, publicEndpoint: null, region: process.env['SOUK_TEST_S3_REGION'] ?? 'us-east-1', bucket, credentials, ...more })

  objectsContract('S3', async () => ({ store: open(), origin: endpoint }))

  describe('objects in S3, inside', () => {
    let proxy: FaultProxy
    let store: S3Objects
    beforeAll(async () => {
      proxy = await FaultProxy.beforeUrl(endpoint, 80)
      store = open({ endpoint: proxy.through(endpoint), patienceMs: 2_000 })
    })
    afterAll(async () => {
      await proxy.heal()
      await proxy.close()
    })

    test('signed URLs name the address that browsers know', async () => {
      const published = open({ publicEndpoint: 'https://objects.souk.example' })
      expect(new URL(await published.signGet('a/b', 60)).host).toBe('objects.souk.example')
      expect(new URL((await published.signPost('a/b', { type: 'image/png', maxBytes: 10, ttlSeconds: 60 })).url).host).toBe('objects.souk.example')
    })

    test('what a signed URL gives is saved by a browser, not shown', async () => {
      const key = randomUUID()
      await store.put(key, Buffer.from('<script>'), 'text/html')
      expect((await fetch(await open().signGet(key, 60))).headers.get('content-disposition')).toBe('attachment')
    })

    test('a server that is down or hangs is unavailable after a bounded wait, and in use again by itself', async () => {
      const key = randomUUID()
      await store.put(key, Buffer.from('kept'), 'text/plain')
      for (const fault of [() => proxy.refuse(), () => proxy.pause(), () => proxy.muteAnswers()]) {
        await fault()
        const started = performance.now()
        await expect(store.get(key)).rejects.toMatchObject({ type: 'unavailable', code: 503 })
        await expect(store.put(key, Buffer.from('kept'), 'text/plain')).rejects.toMatchObject({ type: 'unavailable', code: 503 })
        expect(performance.now() - started).toBeLessThan(8_000)
        await proxy.heal()
        expect((await store.get(key))?.body.toString()).toBe('kept')
      }
    })

    test('an answer that breaks off half way is read again or unavailable, never half an object', async () => {
      const key = randomUUID()
      const body = randomBytes(300_000)
      await store.put(key, body, 'image/webp')
      for (let i = 0; i < 4; i++) {
        proxy.cutAfter(100_000)
        const object = await store.get(key).catch((error: unknown) => void expect(error).toMatchObject({ type: 'unavailable' }))
        if (object) expect(object.body.equals(body)).toBe(true)
        await proxy.heal()
      }
      expect((await store.get(key))!.body.equals(body)).toBe(true)
    })
  })
}
