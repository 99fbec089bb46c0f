import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { change } from '../../mixins/documents/change.ts'
import { openDocuments, type OpenDocuments } from '../../mixins/documents/documents.ts'
import { connectMongo, MongoDocuments } from '../../mixins/documents/mongo-documents.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { until } from '../support/until.ts'
import { documentsContract, NOTES, type Note } from './documents.contract.ts'

/** A MongoDB, or what speaks its protocol: `npm run stack` gives one. */
const url = process.env['SOUK_TEST_MONGODB_URL']

if (!url) test.skip('documents in MongoDB: set SOUK_TEST_MONGODB_URL to run them', () => {})
else {
  const database = `souk_test_${newId().slice(-12)}`
  const own = Object.assign(new URL(url), { pathname: `/${database}` }).href
  const opened = (at: string): OpenDocuments<Note> => {
    process.env['MONGODB_URL'] = at
    try {
      return openDocuments<Note>('payment', NOTES)
    } finally {
      delete process.env['MONGODB_URL']
    }
  }
  afterAll(async () => {
    const client = connectMongo(own)
    await client.db().dropDatabase()
    await client.close()
  })

  documentsContract('MongoDB', async () => opened(own))

  describe('documents in MongoDB, when it fails', () => {
    let proxy: FaultProxy
    let store: OpenDocuments<Note>
    let beside: OpenDocuments<Note>
    const note = (fields: Partial<Note> = {}): Note => ({ id: newId(), version: 0, count: 1, ...fields })
    const there = note()
    const UNAVAILABLE = { type: 'unavailable', code: 503 }

    beforeAll(async () => {
      proxy = await FaultProxy.beforeUrl(url, 27_017)
      const through = proxy.through(own)
      store = opened(`${through}${through.includes('?') ? '&' : '?'}directConnection=true`)
      beside = opened(own)
      await beside.insert(there)
      await store.get(there.id)
    })
    afterEach(async () => {
      await proxy.heal()
      await until('the store answers again', () => store.get(there.id).then(Boolean, () => false))
    })
    afterAll(async () => {
      await Promise.all([store.close(), beside.close()])
      await proxy.close()
    })

    test('the configuration alone chooses it', () => {
      expect(beside).toBeInstanceOf(MongoDocuments)
    })

    test('down: unavailable within seconds, and back without a restart', async () => {
      await proxy.refuse()
      const from = Date.now()
      await expect(store.get(there.id)).rejects.toMatchObject(UNAVAILABLE)
      await expect(store.insert(note())).rejects.toMatchObject(UNAVAILABLE)
      await expect(store.replace({ ...there, count: 9 }, 1)).rejects.toMatchObject(UNAVAILABLE)
      await expect(store.find({}, { limit: 1 })).rejects.toMatchObject(UNAVAILABLE)
      expect(Date.now() - from).toBeLessThan(12_000)
    })

    test('mute: the outcome is unknown, which is said in time, and what was written is there', async () => {
      proxy.muteAnswers()
      const doc = note()
      const from = Date.now()
      await expect(store.insert(doc)).rejects.toMatchObject(UNAVAILABLE)
      expect(Date.now() - from).toBeLessThan(5_000)
      expect(await beside.get(doc.id)).toEqual({ ...doc, version: 1 })
    })

    test('a connection that hangs is given up', async () => {
      proxy.pause()
      await expect(store.get(there.id)).rejects.toMatchObject(UNAVAILABLE)
    })

    test('late: an answer within the time is an answer', async () => {
      proxy.delay(300)
      expect(await store.get(there.id)).toMatchObject({ id: there.id })
    })

    test('changes through cuts: of all that were acknowledged none is lost, and none is doubled', async () => {
      const doc = note({ count: 0 })
      await beside.insert(doc)
      let acknowledged = 0
      let unknown = 0
      let writing = true
      const cutting = (async () => {
        while (writing) {
          await sleep(100 + Math.random() * 200)
          if (Math.random() < 0.5) proxy.cut()
          else proxy.cutAfter(Math.floor(Math.random() * 2_000))
        }
      })()
      const end = Date.now() + 5_000
      const writers = Array.from({ length: 4 }, async () => {
        while (Date.now() < end) {
          await change(store, doc.id, (now) => ({ ...now, count: now.count + 1 })).then(
            () => acknowledged++,
            () => unknown++
          )
        }
      })
      await Promise.all(writers)
      writing = false
      await cutting
      const { count, version } = (await beside.get(doc.id))!
      expect(acknowledged).toBeGreaterThan(0)
      expect(count).toBe(version - 1) // each was made from the one before
      expect(count).toBeGreaterThanOrEqual(acknowledged)
      expect(count).toBeLessThanOrEqual(acknowledged + unknown)
    })
  })
}
