import { afterAll, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { announced, cleanUp, temporaryDirectory } from '../../support/node-process.ts'
import { until } from '../../support/until.ts'

const root = new URL('../../../', import.meta.url)
const dir = join(temporaryDirectory(), 'data')

afterAll(cleanUp, 40_000)

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a node that npm started stops by itself when npm is ended: the shell between them passes no signal on', async () => {
  const command = [process.execPath, 'nodes/souk.mjs', 'start', '--data-dir', dir, '--port', '0', '--ops-port', '0', '--products', '5']
  const shell = spawn('sh', ['-c', `${command.join(' ')} & wait`], { cwd: root, env: { ...process.env, npm_lifecycle_event: 'start', SOUK_DATA_DIR: dir }, stdio: 'ignore' })
  await until('the node serves', () => existsSync(join(dir, 'node.json')), 90_000)
  const { pid } = announced(dir)
  expect(lives(pid)).toBe(true)
  shell.kill('SIGTERM')
  await until('the node has ended', () => !lives(pid), 30_000)
  expect(existsSync(join(dir, 'postgres', 'postmaster.pid'))).toBe(false)
}, 130_000)
