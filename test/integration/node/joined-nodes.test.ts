import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Supervisor } from '../../../nodes/supervisor.ts'
import { until } from '../../support/until.ts'

const tiny = (name: string): string => new URL(`../../support/services/${name}.ts`, import.meta.url).href

// Needs a NATS server: nats-server -a 127.0.0.1 -p 4222 & SOUK_TEST_NATS_URL=nats://127.0.0.1:4222
const natsUrl = process.env['SOUK_TEST_NATS_URL']

;(natsUrl ? describe : describe.skip)('two nodes joined over NATS', () => {
  let web: Supervisor
  let work: Supervisor
  const ask = () => web.broker.call<string, object>('caller.ask', { name: 'Ada' })

  beforeAll(async () => {
    Object.assign(process.env, { NATS_URL: natsUrl, SOUK_TEST_DOORS: '1', SOUK_LOG_LEVEL: 'fatal' })
    web = new Supervisor({ node: 'one', threads: [{ name: 'web', services: [tiny('caller')] }] })
    work = new Supervisor({ node: 'two', threads: [{ name: 'work', services: [tiny('greeter')] }] })
    await Promise.all([web.start(), work.start()])
  })

  afterAll(async () => {
    await Promise.all([web.stop(), work.stop()])
    delete process.env['NATS_URL']
  })

  test('a service finds what it needs on another node', async () => {
    expect(await ask()).toBe('hello Ada from two.work')
  })

  test('a thread that dies is announced to the other node, whose calls fail at once, and comes back', async () => {
    const waiting = web.broker.call('greeter.slow', { ms: 60_000 }, { timeout: 60_000 }).catch((e: Error) => e.name)
    work.broker.call('$door.exit', {}, { nodeID: 'two.work' }).catch(() => {})
    expect(await waiting).toBe('RequestRejectedError')
    expect(await until('the greeter is back', () => ask().catch(() => null))).toBe('hello Ada from two.work')
  })
})
