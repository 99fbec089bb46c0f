import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { announced, cleanUp, failedStart, serving, startNode, temporaryDirectory, type NodeProcess } from '../../support/node-process.ts'
import { asked, expressions, served } from '../../support/observability.ts'
import { until } from '../../support/until.ts'

const dir = join(temporaryDirectory(), 'data')
const options = ['--data-dir', dir, '--port', '0', '--ops-port', '0', '--products', '12']
const doors = { SOUK_TEST_DOORS: '1' }
let node: NodeProcess

const get = async (path: string): Promise<{ status: number; body: Record<string, unknown> }> => {
  const answer = await fetch(`${announced(dir).address}${path}`)
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const products = async (): Promise<unknown[]> => (await get('/api/v1/products?limit=100')).body['items'] as unknown[]
const metrics = async (): Promise<string> => (await fetch(`${announced(dir).operations}/metrics`)).text()
/** What the REPL writes to these commands. */
async function repl(...commands: string[]): Promise<string> {
  const child = spawn(process.execPath, ['nodes/repl.ts', '--data-dir', dir], { cwd: new URL('../../../', import.meta.url), stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(`${commands.join('\n')}\n`)
  return text(child.stdout)
}

async function start(): Promise<void> {
  node = startNode(options, doors)
  await serving(node)
}

beforeAll(start, 120_000)
afterAll(cleanUp, 60_000)

test('the first start makes databases, secrets and a catalogue, and says how to go on', async () => {
  expect(node.output()).toMatch(/tables +\d+ migrations/)
  expect(node.output()).toContain('shopper@souk.example')
  expect(node.output()).toContain(`curl '${announced(dir).address}/api/v1/search`)
  expect(await products()).toHaveLength(12)
  for (const file of ['jwt-key.pem', 'webhook-secret', 'node.json', 'repl.sock']) expect([file, statSync(join(dir, file)).mode & 0o777]).toEqual([file, 0o600])
})

test('every thread serves and is measured', async () => {
  const ready = await fetch(`${announced(dir).operations}/readyz`)
  expect([ready.status, await ready.json()]).toMatchObject([200, { status: 'ready', threads: [{ thread: 'web' }, { thread: 'commerce' }, { thread: 'background' }] }])
  const measured = await metrics()
  for (const thread of ['main', 'web', 'commerce', 'background']) expect(measured).toContain(`thread="${thread}"`)
  expect(measured).toMatch(/souk_action_seconds_count{node="souk",thread="web",service="product",action="product\.\w+"} [1-9]/)
})

test('dashboards and alerts find their series and labels in what a node serves', async () => {
  const there = served(await metrics())
  for (const { at, expr } of expressions()) {
    const { series, groups } = asked(expr)
    const known = [...series].filter(([name]) => there.has(name)) // the others have no series until something happens
    for (const [name, labels] of known) for (const label of labels) expect([at, name, label, there.get(name)!.has(label)]).toEqual([at, name, label, true])
    if (known.length > 0) for (const label of groups) expect([at, label, known.some(([name]) => there.get(name)!.has(label))]).toEqual([at, label, true])
  }
})

test('the REPL shows threads, actors and outboxes, and calls actions', async () => {
  const written = await repl('threads', 'outbox', 'actors', 'actor cart nobody', 'call $operations.state', 'saga no-such')
  expect(written).toMatch(/souk\.commerce +│ order +│ \d+ +│ \d+ +║/) // so many, not which: a line of the screen
  expect(written).toMatch(/souk\.commerce .* ready/)
  for (const said of ['orders-1', 'cart/nobody (slot', 'draining', 'no such order']) expect(written).toContain(said)
})

test('a thread that crashes under load is back by itself, and the node serves again', async () => {
  await repl('dcall souk.commerce $door.exit')
  await until('the thread is back', async () => /souk_thread_restarts_total{.*of="commerce"} 1/.test(await metrics()) && (await fetch(`${announced(dir).operations}/readyz`)).ok)
  await until('a product is read through it', async () => (await get(`/api/v1/products/${((await products())[0] as { id: string }).id}`)).status === 200)
})

test('a second node on the same directory is refused in one line, and the first goes on', async () => {
  expect(await failedStart(options)).toEqual({ code: 1, output: expect.stringMatching(/^souk: the data directory .* is in use by another node \(process \d+\): .*\n$/) })
  expect((await get('/readyz')).status).toBe(200)
})

test('killed at once, a node loses nothing: the next start ends the engines it left and serves the same', async () => {
  const before = await products()
  const { databaseUrl } = announced(dir)
  node.child.kill('SIGKILL')
  await node.exited
  const leftOver = new pg.Client({ connectionString: databaseUrl })
  await leftOver.connect() // the killed node's PostgreSQL still runs
  leftOver.on('error', () => {})
  await start()
  expect(await products()).toEqual(before)
  expect(node.output()).toContain('up to date')
  await expect(new pg.Client({ connectionString: databaseUrl }).connect()).rejects.toThrow()
}, 90_000)

test('SIGTERM lets requests in flight be answered, then ends everything: exit 0, no PostgreSQL, no socket', async () => {
  const { address, databaseUrl } = announced(dir)
  const failures: string[] = []
  let answered = 0
  /** Asks until nobody listens any more. A request that meets a closing connection was not taken; one that was taken has its right answer. */
  const buyer = async (): Promise<void> => {
    for (;;) {
      try {
        const answer = await fetch(`${address}/api/v1/cart/lines`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"offerId":"no-such","quantity":1}' })
        if ((await answer.text()).includes('/problems/not-found')) answered++
        else failures.push(String(answer.status))
      } catch (error) {
        const { code = '' } = (error as { cause?: { code?: string } }).cause ?? {}
        if (code === 'ECONNREFUSED') return
        if (code !== 'ECONNRESET' && code !== 'UND_ERR_SOCKET') failures.push(String(error))
      }
    }
  }
  const buyers = Array.from({ length: 8 }, buyer)
  await until('requests are answered', () => answered > 50)
  node.child.kill('SIGTERM')
  node.child.kill('SIGTERM') // as npm and a terminal pass it on twice
  await Promise.all(buyers)
  expect(await node.exited).toBe(0)
  expect(failures).toEqual([])
  await expect(new pg.Client({ connectionString: databaseUrl }).connect()).rejects.toThrow()
  expect(existsSync(join(dir, 'repl.sock'))).toBe(false)
  expect(existsSync(join(dir, 'node.json'))).toBe(false)
}, 60_000)

test('a node that is no demo refuses to start on the demo\'s accounts', async () => {
  const { code, output } = await failedStart([...options, '--no-demo'])
  expect([code, output.trim().split('\n').at(-1)]).toEqual([1, expect.stringContaining('SOUK_DEMO is 0, but this database holds the demo accounts')])
}, 60_000)
