import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { validate, version } from 'uuid'
import { digest, newId } from '../../mixins/primitives/ids.ts'

test('ids of one thread are version 7, unique, and sort in the order they were made', () => {
  const ids = Array.from({ length: 50_000 }, newId)
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
  expect([...ids].sort()).toEqual(ids)
  expect(Math.abs(Number.parseInt(ids[0]!.slice(0, 13).replace('-', ''), 16) - Date.now())).toBeLessThan(60_000)
})

test('a digest is SHA-256, base64url', () => {
  expect(digest('souk')).toBe(createHash('sha256').update('souk').digest('base64url'))
})
