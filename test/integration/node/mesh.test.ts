import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { MessageChannel, Worker } from 'node:worker_threads'
import { ServiceBroker } from 'moleculer'
import { Mesh, MeshTransporter } from '../../../mixins/transport/mesh.ts'
import { problemType } from '../../../mixins/primitives/problem.ts'
import { brokerOptions } from '../../../moleculer.config.ts'
import { until } from '../../support/until.ts'

const mesh = new Mesh()
const broker = new ServiceBroker(brokerOptions({ nodeID: 'main', transporter: new MeshTransporter(mesh), logger: false }))
const threads = new Map<string, Worker>()

async function startThread(nodeID: string): Promise<Worker> {
  const { port1, port2 } = new MessageChannel()
  const peers = [{ nodeID: 'main', port: port2 }]
  mesh.add(nodeID, port1)
  for (const [other, worker] of threads) {
    const channel = new MessageChannel()
    peers.push({ nodeID: other, port: channel.port1 })
    worker.postMessage({ peer: { nodeID, port: channel.port2 } }, [channel.port2])
  }
  const worker = new Worker(new URL('../../support/mesh-thread.ts', import.meta.url), { workerData: { nodeID, peers }, transferList: peers.map((p) => p.port) })
  threads.set(nodeID, worker)
  await once(worker, 'message')
  return worker
}

const echoIsOn = (...nodes: string[]) => until(`echo is on ${nodes}`, () => nodes.every((nodeID) => broker.registry.getActionEndpointByNodeId('echo.say', nodeID)))

beforeAll(async () => {
  await Promise.all([broker.start(), startThread('one')])
  await startThread('two')
  await echoIsOn('one', 'two')
})

afterAll(async () => {
  await broker.stop()
  await Promise.all([...threads.values()].map((worker) => worker.terminate()))
})

test('a call crosses with its parameters, answer and meta', async () => {
  const words = { text: 'héllo', list: [1, 2, { deep: null }], bytes: new Uint8Array([1, 2, 3]) }
  const meta: Record<string, unknown> = { asked: true }
  const answer = await broker.call('echo.say', { words }, { nodeID: 'two', meta })
  expect(answer).toEqual({ words, by: 'two' })
  const call = broker.call('echo.say', { words }, { nodeID: 'one' }) as Promise<unknown> & { ctx: { meta: object } }
  await call
  expect(call.ctx.meta).toEqual({ answeredBy: 'one' })
})

test('a problem keeps its type, status, message and data', async () => {
  const error = await broker.call('echo.refuse').catch((e: unknown) => e)
  expect(problemType(error)).toBe('out-of-stock')
  expect(error).toMatchObject({ code: 409, message: 'Only 1 is left.', data: { lines: [{ offerId: 'o1', available: 1 }] } })
})

test('parameters that cannot be cloned are refused with a clear error, and leave nothing pending', async () => {
  await expect(broker.call('echo.say', { words: () => {} })).rejects.toMatchObject({ type: 'NOT_CLONEABLE', message: expect.stringContaining('parameters of echo.say cannot go to another thread') })
  expect(broker.transit!.pendingRequests.size).toBe(0)
})

test('an answer that cannot be cloned is an error for the caller, at once', async () => {
  await expect(broker.call('echo.uncloneable')).rejects.toMatchObject({ type: 'NOT_CLONEABLE', message: expect.stringContaining('answer cannot go to another thread') })
})

test('an emitted event reaches one thread of a group, a broadcast reaches all', async () => {
  const seenBy = (nodeID: string) => broker.call<unknown[], object>('echo.seen', {}, { nodeID })
  await broker.emit('thing.happened', { n: 1 })
  await broker.broadcast('thing.happened', { n: 2 })
  const [one, two] = await until('three events arrived', async () => {
    const seen = await Promise.all([seenBy('one'), seenBy('two')])
    return seen.flat().length === 3 ? seen : null
  })
  expect([...one!, ...two!].filter((e) => (e as { n: number }).n === 1)).toHaveLength(1)
  for (const seen of [one, two]) expect(seen).toContainEqual({ n: 2 })
})

test('a stream arrives whole and in order, and its chunks do not drag their whole buffer along', async () => {
  const whole = Buffer.alloc(3_000_000, 7)
  const views = [whole.subarray(0, 10), whole.subarray(10, 1_000_000), whole.subarray(1_000_000)]
  const answer = await broker.call('echo.size', {}, { nodeID: 'one', stream: Readable.from(views, { objectMode: false }) })
  expect(answer).toEqual({ bytes: 3_000_000, sum: (3_000_000 * 7) % 65_536 })
  expect(whole.length).toBe(3_000_000)
})

test('a stream that breaks rejects the call', async () => {
  const broken = new Readable({
    read() {
      this.push(Buffer.from('half'))
      this.destroy(new Error('the client went away'))
    }
  })
  await expect(broker.call('echo.size', {}, { nodeID: 'one', stream: broken })).rejects.toThrow('the client went away')
})

test('a thread that dies fails its callers at once, others take over, and it comes back under the same id', async () => {
  const waiting = broker.call('echo.wait', {}, { nodeID: 'two' }).catch((e: unknown) => e)
  const first = threads.get('two')!
  threads.delete('two')
  first.postMessage({ do: 'exit' })
  expect(await waiting).toMatchObject({ name: 'RequestRejectedError' })
  await expect(broker.call('echo.say', {}, { nodeID: 'two' })).rejects.toMatchObject({ name: 'ServiceNotFoundError' })
  expect(await broker.call('echo.say', { words: 1 })).toEqual({ words: 1, by: 'one' })

  await startThread('two')
  await echoIsOn('one', 'two')
  expect(await broker.call('echo.say', { words: 2 }, { nodeID: 'two' })).toEqual({ words: 2, by: 'two' })
})

test('a call that is safe to repeat is repeated elsewhere when its thread dies', async () => {
  threads.delete('two')
  expect(await broker.call('echo.fragile', { dies: 'two' }, { nodeID: 'two' })).toBe('one')
  await startThread('two')
  await echoIsOn('two')
})

test('a thread that stops says goodbye: no call is sent to it any more', async () => {
  const worker = threads.get('two')!
  threads.delete('two')
  worker.postMessage({ do: 'stop' })
  await once(worker, 'exit')
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => broker.call('echo.say', { words: i })))
  expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => ({ words: i, by: 'one' })))
})
