import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ServiceBroker, type Context } from 'moleculer'
import { service } from '../../../mixins/runtime/service.ts'
import { brokerOptions } from '../../../moleculer.config.ts'

const broker = new ServiceBroker(brokerOptions({ nodeID: 'alone', logger: false }))
const never = () => new Promise(() => {})

broker.createService(
  service({
    name: 'slow',
    actions: {
      hasty: { timeout: 30, handler: never },
      patient: { timeout: 60_000, handler: (ctx: Context) => ctx.options.timeout },
      throughAnother: (ctx: Context) => ctx.call('slow.hasty')
    }
  })
)

beforeAll(() => broker.start())
afterAll(() => broker.stop())

test('an action that declares a timeout ends after it, called directly or by another action that has more time', async () => {
  await expect(broker.call('slow.hasty')).rejects.toMatchObject({ name: 'RequestTimeoutError' })
  await expect(broker.call('slow.throughAnother')).rejects.toMatchObject({ name: 'RequestTimeoutError' })
})

test('a caller cannot wait longer than the action declares, but may wait less', async () => {
  expect(await broker.call('slow.patient', {}, { timeout: 100_000 })).toBe(60_000)
  expect(await broker.call('slow.patient', {}, { timeout: 500 })).toBe(500)
})
