import { afterEach, expect, test } from '@jest/globals'
import { setting } from '../../../mixins/settings/settings.ts'
import { readOptions } from '../../../nodes/options.ts'

const before = { ...process.env }
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('SOUK_')) delete process.env[name]
  Object.assign(process.env, before)
})

test('options stand above the environment, and every setting is read from there', () => {
  process.env['SOUK_PORT'] = '1'
  readOptions(['--port', '4000', '--data-dir=/tmp/x', '--no-demo'])
  expect([setting('SOUK_PORT'), setting('SOUK_DATA_DIR'), setting('SOUK_DEMO')]).toEqual([4000, '/tmp/x', false])
})

test('a secret or a test door is no option: a command line is public', () => {
  for (const option of ['--jwt-key=x', '--webhook-secret=x', '--test-doors']) expect(() => readOptions([option])).toThrow('npm start -- --help')
})

test('a value in the environment that cannot be read is refused by its name', () => {
  process.env['SOUK_OPS_PORT'] = 'soon'
  expect(() => readOptions([])).toThrow('SOUK_OPS_PORT wants a whole number, not "soon"')
})
