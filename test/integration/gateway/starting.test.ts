import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from '@jest/globals'
import { object, text } from '../../../mixins/primitives/schema.ts'
import { publicAction, service } from '../../../mixins/runtime/service.ts'
import { startShop, type Shop } from '../../support/shop.ts'
import { until } from '../../support/until.ts'
import { freePort } from '../../support/whole-shop.ts'

let shop: Shop | undefined
afterAll(() => shop?.stop())

const answers = { params: {}, returns: object({ says: text() }) }
/** A face that waits for something before it is there, as faces wait for their workers. */
const late = service({
  name: 'late',
  dependencies: ['worker'],
  actions: { get: publicAction(answers, { rest: 'GET /late', auth: 'open', summary: 'Says hello' }, () => ({ says: 'hello' })) }
})
/** Shares its path with the late face. */
const early = service({ name: 'early', actions: { put: publicAction(answers, { rest: 'PUT /late', auth: 'open', summary: 'Says hello' }, () => ({ says: 'hello' })) } })
const worker = service({ name: 'worker', started: () => sleep(1_000) })

test('while faces are still coming, their paths answer 503 and when to come again, never 404 or 405', async () => {
  process.env['SOUK_PORT'] = String(await freePort())
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${process.env['SOUK_PORT']}/api/v1${path}`).catch(() => null)) ?? { status: 0, headers: new Headers() }
  const started = startShop(['gateway'], [early, late, worker])
  const met = new Set<number>()
  await until('the late face answers', async () => {
    const { status, headers } = await get('/late')
    met.add(status)
    if (status === 503) expect(headers.get('retry-after')).toBe('1')
    return status === 200
  })
  shop = await started
  expect([...met].filter((status) => status !== 0)).toEqual([503, 200])
  await until('what is not there is known not to be there', async () => (await get('/nothing')).status === 404)
})
