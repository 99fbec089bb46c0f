import { beforeAll, describe, expect, test } from '@jest/globals'
import { randomBytes, randomUUID } from 'node:crypto'
import type { ObjectStore } from '../../mixins/objects/port.ts'

/** What every objects adapter promises. `open` gives a new store on the same objects each time; signed URLs are fetched relative to `origin`. */
export function objectsContract(name: string, open: () => Promise<{ store: ObjectStore; origin: string }>): void {
  describe(`objects: ${name}`, () => {
    let store: ObjectStore
    let other: ObjectStore
    let origin: string
    beforeAll(async () => {
      ;({ store, origin } = await open())
      other = (await open()).store
    })

    const post = async ({ url, fields }: { url: string; fields: Record<string, string> }, body: Uint8Array<ArrayBuffer>): Promise<boolean> => {
      const form = new FormData()
      for (const [field, value] of Object.entries(fields)) form.set(field, value)
      form.set('file', new Blob([body]), 'file')
      return (await fetch(new URL(url, origin), { method: 'POST', body: form })).ok
    }

    test('what was put is read at once, everywhere, with its type', async () => {
      const key = `a/b/${randomUUID()}.bin`
      const body = randomBytes(100_000)
      await store.put(key, body, 'image/webp')
      expect(await other.get(key)).toEqual({ body, type: 'image/webp' })
      expect(await store.get(`${key}x`)).toBeNull()
    })

    test('a put replaces the whole object, and readers see the old one or the new one', async () => {
      const key = randomUUID()
      const versions = Array.from({ length: 12 }, (_, i) => Buffer.alloc(50_000 + i * 1_000, i))
      await store.put(key, versions[0]!, 'text/plain')
      let seen = 0
      const read = async (): Promise<void> => {
        for (let i = 0; i < 30; i++) {
          const { body } = (await other.get(key))!
          expect(versions.some((v) => v.equals(body))).toBe(true)
          seen++
        }
      }
      await Promise.all([read(), ...versions.map((v) => store.put(key, v, 'text/plain'))])
      expect(seen).toBe(30)
    })

    test('a removed object is gone, and removing it again is no error', async () => {
      const key = randomUUID()
      await store.put(key, Buffer.from('x'), 'text/plain')
      await store.remove(key)
      await store.remove(key)
      expect(await other.get(key)).toBeNull()
    })

    test('keys never leave their place', async () => {
      for (const key of ['../secret', '/etc/passwd', '', 'a\0b']) await expect(store.put(key, Buffer.from('x'), 'text/plain')).rejects.toThrow()
    })

    test('a signed URL gives the object until it is changed', async () => {
      const key = `docs/${randomUUID()}`
      await store.put(key, Buffer.from('hello'), 'text/plain')
      const url = new URL(await store.signGet(key, 60), origin)
      const response = await fetch(url)
      expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([200, 'text/plain', 'hello'])
      const forged = new URL(url)
      const expiry = forged.searchParams.keys().find((name) => /expires/i.test(name))!
      forged.searchParams.set(expiry, String(Number(url.searchParams.get(expiry)) + 100))
      expect((await fetch(forged)).status).toBe(403)
      expect((await fetch(new URL(url.pathname, origin))).status).toBe(403)
    })

    test('a signed URL dies with its time', async () => {
      const key = randomUUID()
      await store.put(key, Buffer.from('hello'), 'text/plain')
      expect((await fetch(new URL(await store.signGet(key, -2), origin))).status).toBe(403)
    })

    test('a signed post takes one object of the signed key, type and size', async () => {
      const key = `docs/${randomUUID()}`
      const limits = { type: 'application/pdf', maxBytes: 1_000, ttlSeconds: 60 }
      const signed = await store.signPost(key, limits)
      expect(await post(signed, new Uint8Array(1_001))).toBe(false)
      expect(await post(signed, new Uint8Array(100_000))).toBe(false)
      expect(await post({ ...signed, fields: { ...signed.fields, 'Content-Type': 'text/html' } }, new Uint8Array(10))).toBe(false)
      expect(await store.get(key)).toBeNull()
      expect(await post(signed, new Uint8Array(1_000))).toBe(true)
      expect(await store.get(key)).toMatchObject({ type: 'application/pdf' })
      expect(await post(await store.signPost(key, { ...limits, ttlSeconds: -2 }), new Uint8Array(1))).toBe(false)
    })
  })
}
