import { afterAll, expect, test } from '@jest/globals'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DataDirectory } from '../../../nodes/data-directory.ts'
import { cleanUp, failedStart, temporaryDirectory } from '../../support/node-process.ts'

afterAll(cleanUp)

/** A start that fails says why in one line, and nothing else. */
async function refusal(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, output } = await failedStart(args, env)
  expect(code).toBe(1)
  expect(output.trim().split('\n')).toHaveLength(1)
  return output.trim()
}

test('an unknown option, a value that cannot be read, an unknown profile', async () => {
  expect(await refusal(['--colour', 'red'])).toBe("souk: Unknown option '--colour': npm start -- --help lists the options")
  expect(await refusal(['--port', 'many'])).toBe('souk: SOUK_PORT wants a whole number, not "many"')
  expect(await refusal([], { SOUK_PRODUCTS: '-1' })).toBe('souk: SOUK_PRODUCTS wants a whole number, not "-1"')
  expect(await refusal(['--profile', 'none'])).toMatch(/^souk: there is no profile "none": choose one of all/)
})

test('--help lists every option and profile, and starts nothing', async () => {
  const { code, output } = await failedStart(['--help'])
  expect(code).toBe(0)
  for (const word of ['--port <value>', '--data-dir <value>', '--[no-]demo', 'DATABASE_URL', 'Profiles:']) expect(output).toContain(word)
  expect(output).not.toContain('--jwt-key')
})

test('a data directory that another node uses', async () => {
  const dir = join(temporaryDirectory(), 'data')
  const other = DataDirectory.open(dir)
  try {
    expect(await refusal(['--data-dir', dir])).toBe(`souk: the data directory ${dir} is in use by another node: stop it, or choose another directory with --data-dir`)
  } finally {
    other.close()
  }
})

test('a data directory of another version, a damaged one, one that is somebody else\'s, one that is a file', async () => {
  const parent = temporaryDirectory()
  const made = (name: string, file: string, content: string): string => {
    mkdirSync(join(parent, name))
    writeFileSync(join(parent, name, file), content)
    return join(parent, name)
  }
  expect(await refusal(['--data-dir', made('future', 'souk.json', '{"format":99}')])).toMatch(/was made by another version of Souk \(format 99, this version has 1\)/)
  expect(await refusal(['--data-dir', made('damaged', 'souk.json', '{"form')])).toMatch(/souk\.json is damaged/)
  const letters = made('letters', 'dear-john.txt', 'Dear John')
  expect(await refusal(['--data-dir', letters])).toBe(`souk: ${letters} is not a data directory of Souk, and not empty: choose another with --data-dir`)
  expect(readdirSync(letters)).toEqual(['dear-john.txt'])
  expect(await refusal(['--data-dir', join(letters, 'dear-john.txt')])).toMatch(/is not a directory/)
})

const asPlainUser = process.getuid?.() === 0 ? test.skip : test
asPlainUser('a data directory without the right to write in it', async () => {
  const dir = temporaryDirectory()
  chmodSync(dir, 0o555)
  expect(await refusal(['--data-dir', join(dir, 'data')])).toMatch(/^souk: no right to write in the data directory/)
})

test('a port that is taken, for the gateway and for operations', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const port = String((other.address() as AddressInfo).port)
  const dir = join(temporaryDirectory(), 'data')
  try {
    expect(await refusal(['--data-dir', dir, '--ops-port', '0', '--port', port])).toBe(`souk: gateway: 127.0.0.1:${port} is in use: stop the other program, or choose another with --port`)
    expect(await refusal(['--data-dir', dir, '--ops-port', port, '--port', '0'])).toBe(`souk: operations server: 127.0.0.1:${port} is in use: stop the other program, or choose another with --ops-port`)
  } finally {
    other.close()
  }
})

test('joining other nodes with engines that they cannot share', async () => {
  const { code, output } = await failedStart([], { NATS_URL: 'nats://127.0.0.1:1', SOUK_WEBHOOK_SECRET: 'shared' })
  expect(code).toBe(1)
  const [head, ...lines] = output.trim().split('\n')
  expect(head).toMatch(/^souk: NATS_URL is set, so this node joins others/)
  expect(lines.map((line) => line.split(': set ')[1])).toEqual(['DATABASE_URL', 'ORDERS_DATABASE_URLS', 'SOUK_JWT_KEY', 'S3_ENDPOINT or SOUK_OBJECTS_DIR', 'CLICKHOUSE_URL'])
  expect((await failedStart(['--profile', 'edge'], { NATS_URL: 'nats://127.0.0.1:1' })).output).not.toContain('CLICKHOUSE_URL')
})
