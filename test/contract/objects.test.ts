import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskObjects } from '../../mixins/objects/disk-objects.ts'
import { serveObjects } from '../../mixins/objects/serve-objects.ts'
import { objectsContract } from './objects.contract.ts'

let dir: string
let server: Server
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'souk-objects-'))
  server = createServer(serveObjects(new DiskObjects(dir, '/objects')))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(dir, { recursive: true })
})

objectsContract('disk', async () => ({ store: new DiskObjects(dir, '/objects'), origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))

test('what a crash left half written is swept, what is being written is not', async () => {
  const store = new DiskObjects(dir, '/objects')
  writeFileSync(join(dir, 'incoming', 'old'), 'half')
  writeFileSync(join(dir, 'incoming', 'new'), 'half')
  utimesSync(join(dir, 'incoming', 'old'), 1, 1)
  expect(await store.sweep()).toBe(1)
  expect(readdirSync(join(dir, 'incoming'))).toEqual(['new'])
})
