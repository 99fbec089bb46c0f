import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { natsPlace, checkNats } from '../../../mixins/transport/nats.ts'
import { Supervisor } from '../../../nodes/supervisor.ts'
import { visitNats } from '../../../nodes/visit.ts'
import { NatsServer, natsServer } from '../../support/nats.ts'
import { until } from '../../support/until.ts'

const tiny = (name: string): string => new URL(`../../support/services/${name}.ts`, import.meta.url).href

const command = natsServer()
if (!command) console.warn('tests of joined nodes are skipped: there is no nats-server, and no Go to build one')
const withNats = command ? describe : describe.skip

const VARIABLES = ['NATS_URL', 'NATS_TLS_CA', 'NATS_TLS_CERT', 'NATS_TLS_KEY'] as const
afterAll(() => VARIABLES.forEach((name) => delete process.env[name]))

async function twoNodes(): Promise<{ web: Supervisor; work: Supervisor; ask: () => Promise<string>; stop: () => Promise<unknown> }> {
  Object.assign(process.env, { SOUK_TEST_DOORS: '1', SOUK_LOG_LEVEL: 'fatal' })
  const web = new Supervisor({ node: 'one', threads: [{ name: 'web', services: [tiny('caller')] }] })
  const work = new Supervisor({ node: 'two', threads: [{ name: 'work', services: [tiny('greeter')] }] })
  await Promise.all([web.start(), work.start()])
  return { web, work, ask: () => web.broker.call<string, object>('caller.ask', { name: 'Ada' }, { timeout: 1_000 }), stop: () => Promise.all([web.stop(), work.stop()]) }
}

withNats('two nodes joined over NATS', () => {
  const server = new NatsServer(command!)
  let nodes: Awaited<ReturnType<typeof twoNodes>>

  beforeAll(async () => {
    await server.start()
    process.env['NATS_URL'] = `nats://127.0.0.1:${server.port}`
    nodes = await twoNodes()
  })
  afterAll(async () => {
    await nodes.stop()
    await server.remove()
  })

  test('a service finds what it needs on another node', async () => {
    expect(await nodes.ask()).toBe('hello Ada from two.work')
  })

  test('a thread that dies is announced to the other node, whose calls fail at once, and comes back', async () => {
    const waiting = nodes.web.broker.call('greeter.slow', { ms: 60_000 }, { timeout: 60_000 }).catch((e: Error) => e.name)
    nodes.work.broker.call('$door.exit', {}, { nodeID: 'two.work' }).catch(() => {})
    expect(await waiting).toBe('RequestRejectedError')
    expect(await until('the greeter is back', () => nodes.ask().catch(() => null))).toBe('hello Ada from two.work')
  })

  test('a console joins all nodes from anywhere', async () => {
    const broker = await visitNats(natsPlace()!)
    expect(await broker.call<string, object>('greeter.hello', { name: 'Bob' })).toBe('hello Bob from two.work')
    await broker.stop()
  })

  test('nodes find each other again, by themselves, when the server was gone', async () => {
    await server.stop()
    await expect(nodes.web.broker.call('greeter.hello', { name: 'Ada' }, { timeout: 500, nodeID: 'two.work' })).rejects.toThrow()
    await server.start()
    expect(await until('they are together again', () => nodes.ask().catch(() => null), 30_000)).toBe('hello Ada from two.work')
  }, 60_000)
})

withNats('nodes at NATS servers that let not everybody in', () => {
  const server = new NatsServer(command!)
  const url = (password: string): string => `nats://souk:${encodeURIComponent(password)}@127.0.0.1:${server.port}`

  beforeAll(async () => {
    await server.startGuarded('souk', 'p@ss:word')
    for (const name of VARIABLES) delete process.env[name]
  })
  afterEach(() => VARIABLES.forEach((name) => delete process.env[name]))
  afterAll(() => server.remove())

  const withCertificates = (): void => void Object.assign(process.env, { NATS_TLS_CA: `${server.dir}/ca.pem`, NATS_TLS_CERT: `${server.dir}/client.pem`, NATS_TLS_KEY: `${server.dir}/client.key` })

  test('user, password and certificates come from the configuration', async () => {
    process.env['NATS_URL'] = url('p@ss:word')
    withCertificates()
    const nodes = await twoNodes()
    expect(await nodes.ask()).toBe('hello Ada from two.work')
    await nodes.stop()
  })

  test('a wrong password, a missing certificate, a server that is not there: one clear line', async () => {
    process.env['NATS_URL'] = url('wrong')
    withCertificates()
    await expect(checkNats(natsPlace()!)).rejects.toThrow(/^NATS \(127.0.0.1:\d+\) cannot be joined: 'Authorization Violation'/)
    process.env['NATS_TLS_KEY'] = ''
    await expect(checkNats(natsPlace()!)).rejects.toThrow('NATS_TLS_CERT and NATS_TLS_KEY go together')
    process.env['NATS_TLS_CERT'] = ''
    await expect(checkNats(natsPlace()!)).rejects.toThrow(/cannot be joined/)
    process.env['NATS_TLS_CA'] = ''
    await expect(checkNats(natsPlace()!)).rejects.toThrow(/it wants TLS: say tls:\/\//)
    process.env['NATS_TLS_CA'] = `${server.dir}/nothing.pem`
    await expect(checkNats(natsPlace()!)).rejects.toThrow(/NATS_TLS_CA: .*nothing.pem cannot be read \(ENOENT\)/)
    Object.assign(process.env, { NATS_TLS_CA: '', NATS_URL: 'nats://127.0.0.1:1' })
    await expect(checkNats(natsPlace()!)).rejects.toThrow(/^NATS \(127.0.0.1:1\) cannot be joined: CONNECTION_REFUSED/)
  })
})
