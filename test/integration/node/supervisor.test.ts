import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { OperationsServer } from '../../../nodes/operations.ts'
import { Supervisor } from '../../../nodes/supervisor.ts'
import { until } from '../../support/until.ts'

const tiny = (name: string): string => new URL(`../../support/services/${name}.ts`, import.meta.url).href

process.env['SOUK_TEST_DOORS'] = '1'
process.env['SOUK_LOG_LEVEL'] = 'fatal'
const operations = new OperationsServer()
let node: Supervisor
let url = ''

const get = (path: string) => fetch(`${url}${path}`)
const stateOf = (name: string) => node.threads().find((t) => t.thread === name)!
const ask = () => node.broker.call<string, object>('caller.ask', { name: 'Ada' })

beforeAll(async () => {
  url = `http://127.0.0.1:${await operations.listen('127.0.0.1', 0)}`
  expect((await get('/healthz')).status).toBe(200)
  expect((await get('/readyz')).status).toBe(503)
  node = new Supervisor({ node: 'test', threads: [{ name: 'web', services: [tiny('caller')] }, { name: 'work', services: [tiny('greeter')] }] })
  operations.serve(node)
  await node.start()
})

beforeEach(() => until('every thread serves', () => ask().catch(() => null)))

afterAll(async () => {
  await node.stop()
  await operations.close()
})

test('services on different threads find each other, whatever order they started in', async () => {
  expect(await ask()).toBe('hello Ada from test.work')
  expect(await (await get('/readyz')).json()).toMatchObject({ status: 'ready', reasons: [] })
})

test('/metrics shows every thread: requests and durations per action, heap, event loop', async () => {
  await ask()
  const text = await (await get('/metrics')).text()
  expect(text).toContain('souk_action_seconds_count{node="test",thread="web",service="caller",action="caller.ask"} ')
  expect(text).toContain('souk_action_seconds_bucket{node="test",thread="work",service="greeter",action="greeter.hello",le="+Inf"} ')
  expect(text).toContain('souk_thread_up{node="test",thread="main",of="work"} 1')
  for (const thread of ['web', 'work']) {
    expect(text).toMatch(new RegExp(`souk_heap_bytes{node="test",thread="${thread}",state="used"} [1-9]`))
    expect(text).toContain(`souk_event_loop_delay_seconds{node="test",thread="${thread}",quantile="0.99"}`)
  }
})

test.each(['$door.exit', '$door.throw'])('a thread that dies by %s fails its callers at once and is back by itself', async (way) => {
  const { restarts } = stateOf('work')
  const waiting = node.broker.call('greeter.slow', { ms: 60_000 }).catch((e: Error) => e.name)
  node.broker.call(way, {}, { nodeID: 'test.work' }).catch(() => {})
  expect(await waiting).toBe('RequestRejectedError')
  await expect(ask()).rejects.toThrow('greeter.hello')
  await until('the node says it is not ready', async () => (await get('/readyz')).status === 503)
  expect(await until('the greeter is back', () => ask().catch(() => null))).toBe('hello Ada from test.work')
  expect(stateOf('work').restarts).toBe(restarts + 1)
  await until('the node is ready', () => node.state.ready)
})

test('a rejection that nobody handled takes no thread down', async () => {
  const { restarts } = stateOf('work')
  await node.broker.call('$door.reject', {}, { nodeID: 'test.work' })
  expect(await ask()).toBe('hello Ada from test.work')
  expect(stateOf('work')).toMatchObject({ state: 'ready', restarts })
})

test('a blocked thread is reported and stalls its own services only', async () => {
  const blocking = node.broker.call('$door.block', { ms: 1_800 }, { nodeID: 'test.work' })
  await until('the block is noticed', () => stateOf('work').state === 'blocked')
  expect(node.state).toMatchObject({ ready: false, reasons: ['thread work is blocked'] })
  const text = await (await get('/metrics')).text()
  expect(text).toMatch(/souk_thread_blocked_seconds{node="test",thread="main",of="work"} 1\.\d/)
  expect(text).toContain('souk_thread_stalls_total{node="test",thread="main",of="work"} 1')
  expect(text).toContain('thread="web",service="caller"') // the other thread still answers
  await blocking
  await until('the node is ready again', () => node.state.ready)
  expect(await ask()).toBe('hello Ada from test.work')
})

test('a node whose service needs what no thread has refuses to start, in one line', async () => {
  const lonely = new Supervisor({ node: 'lonely', threads: [{ name: 'web', services: [tiny('caller')] }] })
  await expect(lonely.start()).rejects.toThrow('the profile is not complete: caller (thread web) needs greeter')
})

test('a node with an unknown service refuses to start, in one line', async () => {
  const unknown = new Supervisor({ node: 'unknown', threads: [{ name: 'web', services: ['no-such'] }] })
  await expect(unknown.start()).rejects.toThrow(/there is no service "no-such": .*no-such.service.ts does not exist/)
})

test('a stop lets calls in flight end, across threads, before it ends the threads', async () => {
  const brief = new Supervisor({ node: 'brief', threads: [{ name: 'web', services: [tiny('caller')] }, { name: 'work', services: [tiny('greeter')] }] })
  await brief.start()
  const calls = Array.from({ length: 20 }, () => brief.broker.call('caller.askSlowly', { ms: 300 }))
  await new Promise((resolve) => setTimeout(resolve, 50))
  await brief.stop()
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, () => 'done'))
  expect(brief.threads().map((t) => t.state)).toEqual(['stopped', 'stopped'])
})
