import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { SharedCache } from '../../mixins/cache/shared-cache.ts'
import { openKeys, type OpenKeys } from '../../mixins/keys/keys.ts'
import type { KeysStore } from '../../mixins/keys/port.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

let databases: TestDatabases
let keys: OpenKeys
beforeAll(async () => {
  databases = await createDatabases()
  keys = openKeys()
})
afterAll(async () => {
  await keys.close()
  await databases.drop()
})

/** A slower place with one value, which the caller changes; `gate` holds a load back after it has read. */
function place(prefix: string, store: KeysStore = keys) {
  const slow = { value: 1, reads: 0, gate: Promise.resolve() }
  const errors: unknown[] = []
  const load = async (ids: string[]): Promise<Map<string, number>> => {
    slow.reads++
    const read = slow.value
    await slow.gate
    return new Map(ids.map((id) => [id, read]))
  }
  const make = () => new SharedCache<number>(store, load, { prefix, ttlMs: 60_000 }, (error) => errors.push(error))
  return { slow, errors, caches: [make(), make()] as const }
}
const read = async (cache: SharedCache<number>): Promise<number | undefined> => (await cache.get(['x'])).get('x')

test('what one node has loaded the others find', async () => {
  const { slow, caches } = place('found:')
  expect(await read(caches[0])).toBe(1)
  await until('it is kept', async () => (await keys.get(['found:x']))[0])
  expect(await read(caches[1])).toBe(1)
  expect(slow.reads).toBe(1)
})

test('what was read before a drop is not kept after it', async () => {
  const { slow, caches } = place('raced:')
  let open!: () => void
  slow.gate = new Promise((resolve) => (open = resolve))
  const late = read(caches[0])
  await until('the old value was read', () => slow.reads === 1)
  slow.value = 2
  await caches[1].drop(['x'])
  open()
  expect(await late).toBe(1)
  for (let i = 0; i < 5; i++) expect(await read(caches[i % 2]!)).toBe(2)
  await until('the new value is kept', async () => (await keys.get(['raced:x']))[0]?.value === 2)
})

test('without the keys store values come from where they are', async () => {
  const down = (): Promise<never> => Promise.reject(new Error('down'))
  const { errors, caches } = place('down:', { get: down, set: down, del: down, hit: down })
  expect(await read(caches[0])).toBe(1)
  await caches[0].drop(['x'])
  expect(errors).toHaveLength(2)
})
