import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv, promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { redis, withRedis } from '../../../infra/stack/engines/redis.ts'
import { missingPrerequisites } from '../../../infra/stack/prerequisites.ts'
import { installPackages, missingPackages } from '../../../infra/stack/install.ts'
import { identify, recorded } from '../../../infra/stack/processes.ts'
import { Stack } from '../../../infra/stack/stack.ts'
import { until } from '../../support/until.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const run = promisify(execFile)

/** Only where tests have the machine to themselves do they install what it lacks. */
async function whyNot(): Promise<string | null> {
  if (process.platform !== 'linux') return `the stack runs on Linux, not on ${process.platform}`
  if (missingPackages(redis.packages).length === 0) return null
  const [complaint] = missingPrerequisites(new Stack(tmpdir()), [redis])
  if (complaint) return complaint
  if (!process.env['CI']) return 'redis-server is not installed: npm run stack -- --only redis installs it'
  return installPackages(redis.packages).then(() => null, (error: Error) => error.message)
}

const reason = await whyNot()
if (reason) process.stderr.write(`The stack's own test on a real engine is left out: ${reason}\n`)
const where = reason ? describe.skip : describe

where('npm run stack -- --only redis', () => {
  const dir = join(mkdtempSync(join(tmpdir(), 'souk-stack-')), 'stack')
  const stack = (...args: string[]) => run(process.execPath, ['--disable-warning=ExperimentalWarning', 'infra/stack/cli.ts', ...args, '--dir', dir], { cwd: root, timeout: 300_000 })
  const failing = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => stack(...args).then(() => { throw new Error(`${args.join(' ')} was to fail`) }, (error) => error as { code: number; stdout: string; stderr: string })
  const url = (): string => parseEnv(readFileSync(new Stack(dir).path('env'), 'utf8'))['REDIS_URL']!
  const server = () => recorded(new Stack(dir)).find(({ engine }) => engine === 'redis')!
  let started: string

  beforeAll(async () => {
    started = (await stack('--only', 'redis')).stdout
  }, 300_000)
  afterAll(async () => {
    await stack('stop')
    rmSync(join(dir, '..'), { recursive: true, force: true })
  }, 60_000)

  test('starts it and says what a node must know, in a file that is private', async () => {
    expect(started).toMatch(/redis +ready at 127\.0\.0\.1:\d+ · [\d.]+ s/)
    expect(started).toContain(`REDIS_URL=${url()}`)
    expect(statSync(new Stack(dir).path('env')).mode & 0o777).toBe(0o600)
    expect(await withRedis(url(), (client) => client.config('GET', 'appendfsync'))).toEqual(['appendfsync', 'always'])
    await expect(withRedis(url().replace(/:[^:@]*@/, ':wrong@'), (client) => client.ping())).rejects.toThrow()
  })

  test('the server is nobody with rights, and listens on loopback alone', () => {
    const status = readFileSync(`/proc/${server().pid}/status`, 'utf8')
    if (process.getuid?.() === 0) expect(/^Uid:\t(\d+)/m.exec(status)?.[1]).not.toBe('0')
    expect(started).not.toContain('0.0.0.0')
  })

  test('another shell sees it, and starting again leaves it as it is', async () => {
    const { pid } = server()
    expect((await stack('status', '--only', 'redis')).stdout).toMatch(new RegExp(`redis +ready +\\d+ +${pid} `))
    expect((await stack('--only', 'redis')).stdout).toMatch(/redis +was running at/)
    expect(server().pid).toBe(pid)
    expect(JSON.parse((await stack('env', '--json')).stdout)).toMatchObject({ REDIS_URL: url() })
  }, 60_000)

  test('one that is killed is back by itself with what it had acknowledged', async () => {
    const { pid } = server()
    await withRedis(url(), (client) => client.set('kept', 'yes'))
    process.kill(pid, 'SIGKILL')
    await until('it is there again', () => withRedis(url(), (client) => client.get('kept')).then((value) => value === 'yes', () => false), 20_000)
    expect(server().pid).not.toBe(pid)
    expect((await stack('status', '--only', 'redis')).stdout).toContain('died 1×, started anew')
  }, 60_000)

  test('stopped, it is gone, its data stay, and nobody starts it anew; reset deletes the data', async () => {
    const { pid } = server()
    const old = url()
    expect((await stack('stop')).stdout).toBe('stopped: redis\n')
    expect(identify(pid)).toBeNull()
    expect(existsSync(new Stack(dir).path('env'))).toBe(false)
    expect((await failing('env')).stderr).toMatch(/does not run: npm run stack starts it/)
    expect((await failing('status')).stdout).toMatch(/redis +stopped/)
    await stack('--only', 'redis')
    expect(url()).toBe(old)
    expect(await withRedis(url(), (client) => client.get('kept'))).toBe('yes')
    await stack('reset', '--only', 'redis')
    await stack('--only', 'redis')
    expect(await withRedis(url(), (client) => client.get('kept'))).toBeNull()
  }, 120_000)

  test('what it does not know it says in a line', async () => {
    expect((await failing('--only', 'nope')).stderr).toMatch(/^stack: there is no engine "nope": there are nats/)
    expect((await failing('logs')).stderr).toMatch(/logs wants the name of one engine/)
    expect((await stack('logs', 'redis')).stdout).toContain('Ready to accept connections')
  }, 60_000)
})
