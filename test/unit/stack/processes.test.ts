import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { lockStack } from '../../../infra/stack/lock.ts'
import { identify, isAlive, isPaused, lastLines, memoryOf, recorded, restart, start, stop } from '../../../infra/stack/processes.ts'
import { Stack } from '../../../infra/stack/stack.ts'
import { until } from '../../support/until.ts'

const onLinux = process.platform === 'linux' ? describe : describe.skip

onLinux('programs of a stack', () => {
  let dir: string
  let stack: Stack
  const sleeper = (name: string, script = 'echo started; exec sleep 600') => ({ name, command: '/bin/sh', args: ['-c', script] })

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'souk-stack-'))
    rmSync(dir, { recursive: true })
    stack = new Stack(dir)
    stack.create()
    stack.own('thing')
  })
  afterEach(async () => {
    for (const running of recorded(stack)) await stop(stack, running)
    rmSync(stack.dir, { recursive: true, force: true })
  })

  test('outlive whoever started them, are found again by their record, and end when they are asked to', async () => {
    const running = await start(stack, 'thing', sleeper('thing'))
    const again = recorded(new Stack(dir))
    expect(again).toEqual([running])
    expect(isAlive(again[0]!)).toBe(true)
    expect(memoryOf(again[0]!)).toBeGreaterThan(0)
    await until('it has said something', async () => lastLines(stack, 'thing', 1)[0] === 'started')
    await stop(stack, again[0]!)
    expect(isAlive(running)).toBe(false)
    expect(recorded(stack)).toEqual([])
  })

  test('that do not listen are ended all the same, and so are paused ones', async () => {
    const deaf = await start(stack, 'thing', sleeper('thing-1', 'trap "" TERM; echo deaf; while :; do sleep 1; done'))
    const paused = await start(stack, 'thing', sleeper('thing-2'))
    process.kill(paused.pid, 'SIGSTOP')
    await until('it stands still', async () => isPaused(paused))
    await until('it does not listen', async () => lastLines(stack, 'thing-1', 1)[0] === 'deaf')
    await Promise.all([stop(stack, deaf, 200), stop(stack, paused)])
    expect([deaf, paused].map(isAlive)).toEqual([false, false])
  })

  test('what a program leaves in its group ends with it, and before it is started anew', async () => {
    const script = 'sleep 600 & echo $!; exec sleep 601'
    const child = async (): Promise<number> => Number(await until('it has a child', async () => lastLines(stack, 'thing', 1)[0]))
    const running = await start(stack, 'thing', sleeper('thing', script))
    const first = await child()
    process.kill(running.pid, 'SIGKILL')
    await until('it is dead', async () => !isAlive(running))
    expect(identify(first)).not.toBeNull()
    const next = await restart(stack, running)
    await until('the first child is gone', async () => identify(first) === null)
    const second = await until('it has another child', async () => ((await child()) === first ? null : child()))
    await stop(stack, next)
    await until('the second child is gone', async () => identify(second) === null)
  })

  test('a stranger who was given the number of a dead one is not touched', async () => {
    const stranger: ChildProcess = spawn('sleep', ['600'])
    await once(stranger, 'spawn')
    const dead = { ...(await start(stack, 'thing', sleeper('thing', 'exit 0'))), pid: stranger.pid!, startedTicks: 1 }
    expect(isAlive(dead)).toBe(false)
    await stop(stack, dead)
    expect(identify(stranger.pid!)).not.toBeNull()
    stranger.kill('SIGKILL')
  })

  test('one that died is started anew with the last thing it said on record', async () => {
    const running = await start(stack, 'thing', sleeper('thing', 'echo out of luck; sleep 600'))
    await until('it has said something', async () => lastLines(stack, 'thing', 1)[0] === 'out of luck')
    process.kill(running.pid, 'SIGKILL')
    await until('it is dead', async () => !isAlive(running))
    const next = await restart(stack, recorded(stack)[0]!)
    expect(next.pid).not.toBe(running.pid)
    expect(next.deaths).toMatchObject([{ said: 'out of luck' }])
    expect(recorded(stack)).toEqual([next])
  })

  test('one that cannot be run says so in a line', async () => {
    await expect(start(stack, 'thing', { name: 'thing', command: '/nope', args: [] })).rejects.toThrow(/thing cannot be run: .*ENOENT/)
    expect(recorded(stack)).toEqual([])
  })

  test('passwords are made once, differ, and nobody else can read them', () => {
    const [a, b] = [stack.secret('a'), stack.secret('b')]
    expect(a).not.toBe(b)
    expect(new Stack(dir).secret('a')).toBe(a)
    const [own, other] = [stack.secret('postgres.main'), stack.secret('redis.main')]
    stack.forget('postgres')
    expect([stack.secret('postgres.main') === own, stack.secret('redis.main')]).toEqual([false, other])
    expect(statSync(stack.path('secrets.json')).mode & 0o777).toBe(0o600)
    expect(statSync(stack.own('thing')).mode & 0o777).toBe(0o700)
  })

  test('a port is kept once it is chosen, and one that is taken is gone around', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const [moved] = await stack.choosePorts('thing', { main: port })
    expect(moved).toMatchObject({ use: 'main', from: port })
    expect(stack.port('thing')).toBeGreaterThan(port)
    server.close()
    await once(server, 'close')
    expect(await stack.choosePorts('thing', { main: port })).toEqual([]) // not back to what it wanted once: nodes know the other
    await Promise.all([stack.choosePorts('one', { main: 23_000 }), stack.choosePorts('two', { main: 23_000 })])
    expect(stack.port('one')).not.toBe(stack.port('two'))
  })

  test('one at a time changes a stack; a lock of a dead process counts for nothing', async () => {
    const order: string[] = []
    const unlock = await lockStack(stack, () => {})
    const second = lockStack(stack, (line) => order.push(line)).then((release) => {
      order.push('second')
      release()
    })
    await until('the second one waits', async () => order.length === 1)
    expect(order[0]).toContain(`process ${process.pid} changes this stack`)
    unlock()
    await second
    stack.writePrivate('lock', JSON.stringify({ pid: 999_999_999, startedTicks: 1, boot: 'another' }))
    const release = await lockStack(stack, () => {})
    release()
  })

  test('a directory that holds something else is nobody’s stack', () => {
    expect(() => new Stack('/etc').create()).toThrow(/no stack's directory/)
  })
})
