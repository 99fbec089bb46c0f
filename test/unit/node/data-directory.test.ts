import { afterAll, expect, test } from '@jest/globals'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataDirectory, provideSecrets, socketPath } from '../../../nodes/data-directory.ts'

const parent = mkdtempSync(join(tmpdir(), 'souk-data-'))
afterAll(() => rmSync(parent, { recursive: true }))

test('secrets are made once, readable by their owner only, and the environment stands above them', () => {
  const dir = join(parent, 'secrets')
  const provide = (): string[] => {
    delete process.env['SOUK_JWT_KEY']
    delete process.env['SOUK_WEBHOOK_SECRET']
    const directory = DataDirectory.open(dir)
    provideSecrets(directory)
    directory.close()
    return [process.env['SOUK_JWT_KEY']!, process.env['SOUK_WEBHOOK_SECRET']!]
  }
  const first = provide()
  expect(createPrivateKey(first[0]!).asymmetricKeyType).toBe('ed25519')
  expect(provide()).toEqual(first)
  expect(statSync(join(dir, 'jwt-key.pem')).mode & 0o777).toBe(0o600)

  process.env['SOUK_JWT_KEY'] = 'given'
  const directory = DataDirectory.open(dir)
  provideSecrets(directory)
  directory.close()
  expect(process.env['SOUK_JWT_KEY']).toBe('given')
  expect(readFileSync(join(dir, 'jwt-key.pem'), 'utf8')).toBe(first[0])
})

test('a directory is new once, and can be taken again when it was given back', () => {
  const dir = join(parent, 'again')
  const first = DataDirectory.open(dir)
  expect(() => DataDirectory.open(dir)).toThrow('is in use by another node')
  first.close()
  const second = DataDirectory.open(dir)
  expect([first.isNew, second.isNew]).toEqual([true, false])
  second.close()
})

test('the path of the socket stays short enough for every system', () => {
  expect(socketPath(join(parent, 'x'))).toBe(join(parent, 'x', 'repl.sock'))
  const deep = socketPath(join(parent, 'long'.repeat(40)))
  expect(Buffer.byteLength(deep)).toBeLessThan(104)
  expect(deep).not.toBe(socketPath(join(parent, 'long'.repeat(41))))
})
