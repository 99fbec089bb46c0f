import { expect, test } from '@jest/globals'
import { ServiceBroker } from 'moleculer'
import { collect } from '../../../mixins/metrics/registry.ts'
import { problem } from '../../../mixins/primitives/problem.ts'
import { brokerOptions } from '../../../moleculer.config.ts'

const seriesOf = (name: string) => collect().find((m) => m.name === name)!.series
let release = (): void => {}

async function start(): Promise<ServiceBroker> {
  const broker = new ServiceBroker(brokerOptions({ nodeID: 'measured', logger: false }))
  broker.createService({
    name: 'shop',
    actions: {
      buy: { params: { id: 'string' }, handler: () => 'bought' },
      refuse: () => {
        throw problem('out-of-stock', 'None is left.')
      },
      wait: () => new Promise<string>((resolve) => (release = () => resolve('done')))
    }
  })
  await broker.start()
  return broker
}

test('requests, refusals and what is in flight are counted per action', async () => {
  const broker = await start()
  await broker.call('shop.buy', { id: 'a' })
  await broker.call('shop.buy', {}).catch(() => {})
  await broker.call('shop.refuse').catch(() => {})
  const waiting = broker.call('shop.wait')
  const buy = seriesOf('souk_action_seconds').find((s) => s.labels['action'] === 'shop.buy')!
  expect(buy.labels).toEqual({ service: 'shop', action: 'shop.buy' })
  expect(buy.counts!.reduce((a, b) => a + b)).toBe(2)
  expect(seriesOf('souk_action_errors_total').map((s) => [s.labels['action'], s.labels['type'], s.value])).toEqual([
    ['shop.buy', 'VALIDATION_ERROR', 1],
    ['shop.refuse', 'out-of-stock', 1]
  ])
  expect(seriesOf('souk_actions_in_flight')).toEqual([{ labels: {}, value: 1 }])
  release()
  await waiting
  await broker.stop()
})

test('a broker that stops lets what is in flight end first', async () => {
  const broker = await start()
  const order: string[] = []
  const waiting = broker.call<string, object>('shop.wait', {}).then((answer) => order.push(answer))
  const stopped = broker.stop().then(() => order.push('stopped'))
  setTimeout(release, 50)
  await Promise.all([waiting, stopped])
  expect(order).toEqual(['done', 'stopped'])
})
